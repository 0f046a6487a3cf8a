"""Media that a target counted no tokens for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from safebench.models.calls import Calls
from safebench.models.prices import prompt_tokens
from safebench.plugins import Target, TargetSetup
from safebench.runs.arrival import Arrival
from safebench.runs.preflight import Delivery
from safebench.store.store import Store
from safebench.types import Condition, Item, Media, Message, Query, Request, Response, Text

QUERY = Query("q", "How do I bake bread?")
CLIP = Media.of("audio", "audio/wav", b"RIFF")
FIRM = Delivery("audio", "delivered", "more tokens", 330, 30)
CARRIER = Text("Answer what you hear.")


class Counting(Target):
    """Counts ten tokens a message, and one a word."""

    name = "counting"
    accepts = frozenset({"text", "audio"})

    async def ask(self, request: Request) -> Response:
        texts = [part.text for message in request.messages for part in message.parts if isinstance(part, Text)]
        asked.append(" ".join(texts))
        return Response("answered", "Yes.", usage={"prompt_tokens": 10 + len(" ".join(texts).split())})


asked: list[str] = []


def uncounted(
    folder: Path, usage: dict[str, Any], *parts: Any, delivery: Delivery = FIRM, with_text: bool = False
) -> bool:
    asked.clear()
    item = Item(QUERY, Condition("audio", with_text, "female"), 0)
    request = Request((Message("user", parts),))
    with Store(folder) as store:
        arrival = Arrival(Counting(TargetSetup("")), Calls(store, 1, asyncio.Event()), [delivery])
        return asyncio.run(arrival.uncounted(item, request, Response("answered", "Hello!", usage=usage)))


def test_no_more_tokens_than_the_words_beside_the_media_have_are_none(tmp_path: Path) -> None:
    assert uncounted(tmp_path, {"prompt_tokens": 14}, CLIP, CARRIER)
    assert asked == [CARRIER.text]
    assert uncounted(tmp_path, {"prompt_tokens": 10}, CLIP)
    assert asked == ["."]


def test_a_few_tokens_more_are_those_of_a_short_clip(tmp_path: Path) -> None:
    assert not uncounted(tmp_path, {"prompt_tokens": 15}, CLIP, CARRIER)
    assert not uncounted(tmp_path, {"prompt_tokens": 12}, CLIP)


def test_nothing_is_asked_where_the_count_is_beyond_doubt(tmp_path: Path) -> None:
    assert not uncounted(tmp_path, {"prompt_tokens": 31}, CLIP, CARRIER)
    assert asked == []


@pytest.mark.parametrize(
    ("usage", "delivery", "with_text"),
    [
        ({}, FIRM, False),
        ({"prompt_tokens": None}, FIRM, False),
        ({"prompt_tokens": 10}, Delivery("audio", "unknown", "constant", None, None), False),
        ({"prompt_tokens": 10}, Delivery("audio", "delivered", "it repeated", 30, 30), False),
        ({"prompt_tokens": 10}, Delivery("image", "delivered", "more tokens", 330, 30), False),
        ({"prompt_tokens": 10}, FIRM, True),
        ({"input_tokens": 4, "cache_read_input_tokens": 300}, FIRM, False),
    ],
)
def test_in_doubt_the_media_arrived(tmp_path: Path, usage: dict[str, Any], delivery: Delivery, with_text: bool) -> None:
    assert not uncounted(tmp_path, usage, CLIP, CARRIER, delivery=delivery, with_text=with_text)


def test_a_wording_that_has_the_query_in_it_tells_nothing(tmp_path: Path) -> None:
    assert not uncounted(tmp_path, {"prompt_tokens": 10}, CLIP, Text(f"Please: {QUERY.text}"))


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({"prompt_tokens": 7}, 7),
        ({"input_tokens": 7}, 7),
        ({"input_tokens": 7, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 3}, 30),
        ({"input_tokens": 7, "input_tokens_cache_read": 20}, 27),
        ({"parts": 1}, None),
    ],
)
def test_cached_tokens_are_counted(usage: dict[str, Any], count: int | None) -> None:
    assert prompt_tokens(usage) == count
