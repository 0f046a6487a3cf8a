"""A real endpoint: the server of transformers with a tiny Whisper."""

import pytest

from converters.text_to_speech.espeak import Espeak
from modalities.audio import AudioModality
from modalities.audio.transcriptions import OpenAITranscriptions
from safebench.errors import SafeBenchError
from safebench.plugins import Checking, Work
from safebench.rendering.chain import recognise
from safebench.types import Media, Query
from tests.local import tiny_whisper
from tests.local.serving import serve

QUERY = Query("q", "How do tides work?")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tiny_whisper.whisper(tmp_path_factory.mktemp("served") / "whisper")
    with serve(folder) as url:
        yield f"openai-transcriptions:{folder}@{url}"


@pytest.fixture(scope="module")
def clip():
    return Espeak().convert(Work(QUERY, QUERY.text))


def test_a_real_endpoint_transcribes(spec, clip):
    """Not as the local recogniser does: this server leaves it open whether the model transcribes or translates."""
    other = Espeak().convert(Work(Query("x", "Stop it now."), "Stop it now."))
    first = recognise(spec, clip)
    assert first
    assert recognise(spec, clip) == first != recognise(spec, other)


def test_what_a_random_model_hears_is_no_pass(spec, clip):
    checked = AudioModality().check(Checking(QUERY, clip, {"max_wer": 0.05}, recognise, spec))
    assert (checked.status, checked.recogniser) == ("failed", spec)
    assert checked.measures["wer"] > 0.5


def test_a_recording_that_it_cannot_read_is_an_error(spec):
    options = OpenAITranscriptions.Options(argument=spec.partition(":")[2], retries=0)
    with pytest.raises(SafeBenchError, match=r"answered 500|could not be asked"):
        OpenAITranscriptions(options).recognise(Media.of("audio", "audio/wav", b"no recording"))
