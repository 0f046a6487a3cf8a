"""Calls to models in worker processes are counted where they are made, those before an error as well."""

from __future__ import annotations

import json
from collections import UserDict
from types import MappingProxyType

import pytest

from safebench.errors import ConversionError
from safebench.models.asking import NOTED, MediaCall, ask_safely, counted, note_call
from safebench.models.client import Endpoint, EndpointOptions
from safebench.plugins import Target, TargetSetup
from safebench.testing.server import Call, Reply, error, transcription
from safebench.types import Message, Request, Response, Text
from tests.fixture_types import Serve

CALL = MediaCall("openai:m", "answered", {"characters": 6})


def test_what_was_called_comes_back_beside_the_result() -> None:
    note_call(CALL)  # nobody counts
    assert counted(lambda: note_call(CALL)) == (None, [CALL])
    assert counted(lambda: 7) == (7, [])


def test_an_error_carries_the_calls_before_it() -> None:
    def breaks() -> None:
        note_call(CALL)
        raise ConversionError("no clip")

    with pytest.raises(ConversionError) as raised:
        counted(breaks)
    assert getattr(raised.value, NOTED) == [CALL]


@pytest.mark.parametrize(
    ("reply", "call"),
    [
        (Reply(b"RIFF", headers={"Content-Type": "audio/wav"}), CALL),
        (transcription("Hi."), CALL),
        (
            Reply(b'{"text": "Hi.", "usage": {"type": "duration", "seconds": 2}}'),
            MediaCall("openai:m", "answered", {"type": "duration", "seconds": 2, "characters": 6}),
        ),
        (error(400), MediaCall("openai:m", "failed", {})),
    ],
)
def test_an_endpoint_counts_what_it_is_asked_and_what_it_tells(serve: Serve, reply: Reply, call: MediaCall) -> None:
    def answer(_: Call) -> Reply:
        return reply

    url = serve(answer).url

    def ask() -> None:
        one = Endpoint(EndpointOptions(model="m", base_url=url, retries=0), "converter 'any'")
        create = one.client.audio.speech.with_raw_response.create
        try:
            one.ask(create, {"characters": 6}, model="m", voice="v", input="Hello.")
        except ConversionError:
            return

    assert counted(ask)[1] == [call]


async def test_what_a_target_says_of_its_cost_is_kept_in_plain_dicts() -> None:
    usage = UserDict(total_tokens=3, details=MappingProxyType({"audio": 2}))

    class Odd(Target):
        name = "odd"
        summary = "tells its usage in mappings that are no dicts"
        accepts = frozenset({"text"})  # type: ignore[assignment]

        async def ask(self, request: Request) -> Response:
            return Response("answered", "Hi.", usage=usage)

    response = await ask_safely(Odd(TargetSetup("")), Request((Message("user", (Text("Hello."),)),)))
    assert json.loads(json.dumps(response.usage)) == {"total_tokens": 3, "details": {"audio": 2}}
