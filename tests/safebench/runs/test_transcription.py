from __future__ import annotations

import pytest

from safebench.errors import SafeBenchError, TargetRefusesService
from safebench.models.words import same_words
from safebench.rendering.pool import WorkerDied, Workers
from safebench.rendering.recognition import RecogniserCache
from safebench.runs.transcription import transcribe
from safebench.types import Media, Response, Transcript

CLIP = Media.of("audio", "audio/wav", b"RIFF")
SPOKEN = Response("answered", "its own text", (CLIP,))


class Scripted(RecogniserCache):
    def __init__(self, outcome: str | Exception) -> None:
        super().__init__(Workers(1))
        self.outcome = outcome

    async def recognise(self, recogniser: str, media: Media) -> str:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_what_was_said_is_told() -> None:
    assert await transcribe(SPOKEN, {"audio": "any"}, Scripted("hello")) == Transcript("hello", "any")


async def test_without_a_recogniser_or_media_nothing_is_told() -> None:
    assert await transcribe(SPOKEN, {}, Scripted("hello")) is None
    assert await transcribe(Response("answered", "text"), {"audio": "any"}, Scripted("hello")) is None


@pytest.mark.parametrize(
    "error", [SafeBenchError("the endpoint is down"), ValueError("no recording"), WorkerDied("gone")]
)
async def test_a_transcription_that_fails_does_not_stop_the_run(error: Exception) -> None:
    found = await transcribe(SPOKEN, {"audio": "any"}, Scripted(error))
    assert found is not None
    assert (found.text, found.recogniser) == ("", "any")
    assert str(error) in str(found.failure)


async def test_an_endpoint_that_hears_nothing_at_all_stops_the_run() -> None:
    with pytest.raises(TargetRefusesService):
        await transcribe(SPOKEN, {"audio": "any"}, Scripted(TargetRefusesService("wrong key")))


def test_the_same_words_are_the_same_whatever_their_marks() -> None:
    assert same_words("hello there", "Hello, there!")
    assert not same_words("hello", "Hello, there!")
