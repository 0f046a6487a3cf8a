"""Targets that get what they are sent, that drop it in silence, and that say nothing about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from safebench.errors import BadInput
from safebench.plugins import Target, TargetSetup
from safebench.preflight import Delivery, preflight
from safebench.recipes import load_recipes
from safebench.resources import prompt
from safebench.types import Failure, Media, Request, Response, Text
from safebench.workers import Workers

SENTENCE = prompt("comprehension.sentence").text
Answer = Callable[[int, bool], Response]  # (words, has media) -> response


class Scripted(Target):
    name, summary, family = "scripted", "answers as told", "openai"
    accepts = frozenset({"text", "image"})  # type: ignore[assignment]

    def __init__(self, answer: Answer) -> None:
        super().__init__(TargetSetup(""))
        self.answer = answer
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Response:
        self.asked.append(request)
        parts = request.messages[0].parts
        words = sum(len(part.text.split()) for part in parts if isinstance(part, Text))
        return self.answer(words, any(isinstance(part, Media) for part in parts))


async def try_on(answer: Answer) -> tuple[Delivery, Scripted]:
    workers = Workers(1)
    target = Scripted(answer)
    try:
        (found,) = await preflight(target, {"image": load_recipes()["image", "typographic"]}, workers)
    finally:
        workers.close()
    return found, target


def tokens(count: int | None, text: str = "NOTHING") -> Response:
    return Response("answered", text, usage={} if count is None else {"prompt_tokens": count})


async def test_more_tokens_with_the_media_show_that_it_arrived() -> None:
    found, target = await try_on(lambda words, media: tokens(words + 85 * media))
    assert (found.state, found.tokens_with, found.tokens_without) == (
        "delivered",
        len_of_repeat() + 85,
        len_of_repeat(),
    )
    assert len(target.asked) == 2


def len_of_repeat() -> int:
    return len(prompt("comprehension.repeat").text.split())


async def test_the_sentence_in_the_answer_shows_that_it_arrived() -> None:
    found, _ = await try_on(lambda words, media: tokens(None, f"It says: {SENTENCE}" if media else "NOTHING"))
    assert found.state == "delivered"


async def test_equal_counts_that_follow_the_text_are_an_error_before_the_run() -> None:
    with pytest.raises(BadInput, match="does not get image"):
        await try_on(lambda words, media: tokens(words))


async def test_counts_that_never_change_prove_nothing() -> None:
    found, target = await try_on(lambda words, media: tokens(10))
    assert found.state == "unknown"
    assert len(target.asked) == 3


async def test_a_target_without_counts_that_repeats_nothing_is_unknown() -> None:
    assert (await try_on(lambda words, media: tokens(None)))[0].state == "unknown"


async def test_a_request_that_fails_with_media_only_is_an_error_before_the_run() -> None:
    failed = Response("failed", failure=Failure("t", "HTTP 400", "this model takes no pictures"))
    with pytest.raises(BadInput, match="takes no pictures"):
        await try_on(lambda words, media: failed if media else tokens(words))


async def test_a_target_that_fails_at_everything_is_unknown() -> None:
    failed = Response("failed", failure=Failure("t", "HTTP 500", "down"))
    assert (await try_on(lambda words, media: failed))[0].state == "unknown"
