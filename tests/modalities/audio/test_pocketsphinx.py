import numpy as np
import pytest

from converters.text_to_speech.espeak import Espeak
from modalities.audio.pocketsphinx import PocketSphinx
from safebench.plugins import Work
from safebench.types import Media, Query
from tests.media_files import clip_media

TEXT = "I want to see a doctor."


def spoken(text, **options):
    return Espeak(Espeak.Options(**options)).convert(Work(Query("q", text), text))


@pytest.fixture(scope="module")
def recogniser():
    return PocketSphinx()


@pytest.mark.parametrize("rate", [16000, 22050])
def test_hears_words_at_any_sample_rate(recogniser, rate):
    assert {"see", "doctor"} <= set(recogniser.recognise(spoken(TEXT, sample_rate=rate)).split())


def test_what_it_heard_before_changes_nothing(recogniser):
    clip, other = spoken("Good morning."), spoken("Stop.", voice="en-us+m6")
    before = recogniser.recognise(clip)
    recogniser.recognise(other)
    assert recogniser.recognise(clip) == before


def test_silence_is_no_text(recogniser):
    assert recogniser.recognise(clip_media(np.zeros(16000))) == ""


@pytest.mark.parametrize("data", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"noise" * 100])
def test_broken_bytes_are_a_value_error(recogniser, data):
    with pytest.raises(ValueError, match="recording"):
        recogniser.recognise(Media.of("audio", "audio/wav", data))
