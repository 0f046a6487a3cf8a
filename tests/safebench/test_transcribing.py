from __future__ import annotations

import pytest

from safebench.errors import SafeBenchError
from safebench.reading import Reader
from safebench.transcribing import transcribe
from safebench.types import Media, Response
from safebench.workers import WorkerDied, Workers

CLIP = Media.of("audio", "audio/wav", b"RIFF")
SPOKEN = Response("answered", "its own text", (CLIP,))


class Scripted(Reader):
    def __init__(self, outcome: str | Exception) -> None:
        super().__init__(Workers(1))
        self.outcome = outcome

    async def recognise(self, recogniser: str, media: Media) -> str:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_what_was_said_is_told() -> None:
    assert await transcribe(SPOKEN, {"audio": "any"}, Scripted("hello")) == "hello"


async def test_without_a_recogniser_or_media_nothing_is_told() -> None:
    assert await transcribe(SPOKEN, {}, Scripted("hello")) is None
    assert await transcribe(Response("answered", "text"), {"audio": "any"}, Scripted("hello")) is None


@pytest.mark.parametrize(
    "error", [SafeBenchError("the endpoint is down"), ValueError("no recording"), WorkerDied("gone")]
)
async def test_a_transcription_that_fails_does_not_stop_the_run(error: Exception) -> None:
    assert await transcribe(SPOKEN, {"audio": "any"}, Scripted(error)) is None
