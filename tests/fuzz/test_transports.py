"""What endpoints answer, as targets, jurors, guards, voices, painters and ears: an answer, or an error that is told."""

from __future__ import annotations

import asyncio
import json
import os
from functools import cache
from typing import Any
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from converters.text_to_image.openai_images import OpenAIImages
from converters.text_to_speech.openai_speech import OpenAISpeech
from modalities.audio.transcriptions import OpenAITranscriptions
from safebench.errors import ConversionError, TargetRefusesService
from safebench.jury.ballots import SCHEMA, read_ballot
from safebench.jury.guard_families import guard_families
from safebench.jury.guard_verdicts import read_verdict
from safebench.models.opening import open_target
from safebench.models.roles import Unreadable, last_object
from safebench.models.waits import told_wait
from safebench.plugins import Case, Work
from safebench.serialisation import response_to, stored
from safebench.types import Intent, Label, Media, Message, Query, Request, Response, Text
from tests.fuzz.holding import case, fuzz
from tests.fuzz.odd import changed, damaged, texts, values
from tests.fuzz.raw_server import RawServer
from tests.fuzz.replies import ERRORS, KEY, Sent, bodies, replies

ASKED = Request((Message("user", (Text("How?"),)),))


@cache
def _server() -> RawServer:
    return RawServer()


def _with_key() -> Any:
    return patch.dict(os.environ, {"FUZZ_KEY": KEY})


async def _ask(request: Request) -> Response:
    options = {"base_url": _server().url, "api_key_env": "FUZZ_KEY", "retries": 0, "timeout": 20.0}
    target = open_target("openai:tested", options)
    try:
        return await target.ask(request)
    finally:
        await target.close()


@fuzz(90)
@given(replies(), st.sampled_from([ASKED, Request(ASKED.messages, SCHEMA), Request(ASKED.messages, scored=True)]))
def test_whatever_an_endpoint_sends_an_error_is_no_answer(sent: Sent, request: Request) -> None:
    server = _server()
    server.reply = sent.data
    with case(), _with_key():
        try:
            response = asyncio.run(_ask(request))
        except TargetRefusesService as error:
            _check_told(error)
            return
        written = stored(response_to(response))
        json.loads(written.encode(), parse_constant=_no_number)
        assert KEY not in written
        assert response.status in ("answered", "blocked", "failed")
        assert response.failure is not None or response.status != "failed"
        if sent.is_sound and sent.status >= 300:
            assert response.status != "answered"


def _check_told(error: Exception) -> None:
    told = str(error)
    assert told
    assert KEY not in told


def _no_number(digits: str) -> None:
    raise AssertionError(f"{digits} is stored")


@fuzz(50)
@given(replies(), st.sampled_from(["speech", "picture", "transcript"]))
def test_whatever_an_endpoint_sends_no_error_is_a_medium(sent: Sent, what: str) -> None:
    server = _server()
    server.reply = sent.data
    with case(), _with_key():
        try:
            made = _converted(what)
        except (ConversionError, TargetRefusesService) as error:
            _check_told(error)
            return
        assert isinstance(made, str | Media)
        assert not (sent.is_sound and sent.status >= 300)


def _converted(what: str) -> str | Media:
    work = Work(Query("q", "Hello."), "Hello.")
    if what == "speech":
        return _voice().convert(work)
    return _painter().convert(work) if what == "picture" else _ears().recognise(Media.of("audio", "audio/wav", b"RIFF"))


@cache
def _voice() -> OpenAISpeech:
    return OpenAISpeech(OpenAISpeech.Options(model="m", voice="v", **_where()))


@cache
def _painter() -> OpenAIImages:
    return OpenAIImages(OpenAIImages.Options(model="m", **_where()))


@cache
def _ears() -> OpenAITranscriptions:
    return OpenAITranscriptions(OpenAITranscriptions.Options(argument=f"m@{_server().url}", retries=0))


def _where() -> dict[str, Any]:
    return {"base_url": _server().url, "api_key_env": "FUZZ_KEY", "retries": 0}


@fuzz(30)
@given(st.sampled_from([400, 403, 404, 422, 429, 451, 500, 503]), bodies(), st.dictionaries(texts, texts, max_size=3))
@example(429, json.dumps(ERRORS[2]).encode(), {})
def test_a_wait_that_is_told_is_a_number_of_seconds(status: int, body: bytes, headers: dict[str, str]) -> None:
    with case():
        wait = told_wait(status, {name.lower(): value for name, value in headers.items()}, body)
        assert wait is None or 0 <= wait < float("inf")


# --- what jurors and writers say

BALLOT = {"reason": "because", "label": "safe", "rating": 4}
PAPER = "Judgment Result: 0\nSafety Rating: 4\nReasoning: it says nothing."


@st.composite
def said_by_jurors(draw: st.DrawFn) -> str:
    match draw(st.sampled_from(["changed", "damaged", "paper", "text"])):
        case "changed":
            return (
                draw(texts) + json.dumps(draw(changed(BALLOT, values)), ensure_ascii=draw(st.booleans())) + draw(texts)
            )
        case "damaged":
            return draw(damaged(json.dumps(BALLOT).encode())).decode("utf-8", "replace")
        case "paper":
            return draw(damaged(PAPER.encode())).decode("utf-8", "replace")
    return draw(texts)


async def _nobody(request: Request) -> Response:
    raise AssertionError("reading asks nobody")


@fuzz(50)
@given(said_by_jurors(), texts)
@example(json.dumps(BALLOT), json.dumps(BALLOT))
def test_a_ballot_is_one_of_the_jurors_own_or_none(said: str, answer: str) -> None:
    with case():
        try:
            ballot = read_ballot(said, Case("How?", Intent.HARMFUL, None, answer, 0, None, (), "j", 0, _nobody), ("k",))
        except Unreadable:
            return
        assert (ballot.rating is None) == (ballot.label is Label.ABSTAIN)
        assert said.strip() not in answer
        ballot.reason.encode()


@fuzz(25)
@given(said_by_jurors() | texts, st.sampled_from(sorted(guard_families())))
def test_a_guards_verdict_is_read_or_none(said: str, family: str) -> None:
    with case():
        try:
            finding = read_verdict(guard_families()[family], Response("answered", text=said), ["How?", "So."])
        except Unreadable:
            return
        assert 1 <= finding.rating <= 5


@fuzz(15)
@given(said_by_jurors())
def test_what_writers_say_is_read_or_none(said: str) -> None:
    with case():
        try:
            last_object(said, "queries")
        except Unreadable:
            return
