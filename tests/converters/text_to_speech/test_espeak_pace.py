import io

import pytest
import soundfile

from converters.text_to_speech.espeak import Espeak
from safebench.plugins import Work
from safebench.types import Query

TEXT = "Which plants in a garden are dangerous for cats?"


def seconds(attempt, words_per_minute=150):
    espeak = Espeak(Espeak.Options(words_per_minute=words_per_minute, margin=0.0))
    clip = espeak.convert(Work(Query("q", TEXT), TEXT, attempt=attempt))
    return soundfile.info(io.BytesIO(clip.read())).duration


def test_each_attempt_speaks_a_tenth_slower():
    first, second, third = (seconds(attempt) for attempt in range(3))
    assert second / first == pytest.approx(1 / 0.9, rel=0.06)
    assert third / second == pytest.approx(1 / 0.9, rel=0.06)


def test_it_never_goes_below_the_slowest_pace_of_the_engine():
    assert seconds(9, words_per_minute=85) == seconds(0, words_per_minute=80)
