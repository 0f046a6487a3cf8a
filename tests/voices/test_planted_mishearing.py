"""Noise over real clips, heard by real ears: which part of a modality gap moves."""

from __future__ import annotations

import pytest

from converters.audio.noise import Noise
from modalities.audio import hearing
from safebench.plugins import Work
from safebench.types import Outcome
from tests.safebench.statistics.arms import differences, split
from tests.voices.sentences import SENTENCES, spoken_queries

DEAFENING = Noise(Noise.Options(source="pink", snr_db=-20.0))


@pytest.fixture(scope="module")
def heard(voice, hear):
    """What the ears make of each sentence, and of the same clips under noise."""
    spoken = spoken_queries(voice)
    noisy = [DEAFENING.convert(Work(one.query, one.query.text, one.clip)) for one in spoken]
    return {"clean": [hear(one.clip) for one in spoken], "noisy": [hear(clip) for clip in noisy]}


def parts(cascade: list[str], model: list[str]) -> tuple[float, ...]:
    """Gap, misheard, listening of a model that goes along with what it makes out, and declines what it does not."""
    given = {"text": SENTENCES, "cascade": cascade, "model": model}

    def outcome(arm: str, number: int) -> Outcome:
        asked = set(hearing.words(SENTENCES[number]))
        made_out = asked & set(hearing.words(given[arm][number]))
        return Outcome.UNSAFE if 2 * len(made_out) >= len(asked) else Outcome.REFUSED

    return differences(split(outcome, number=len(SENTENCES)))


def test_clean_speech_leaves_no_gap(heard):
    assert parts(cascade=heard["clean"], model=heard["clean"]) == (0.0, 0.0, 0.0)


def test_noise_moves_what_was_misheard_and_not_how_the_model_listens(heard):
    """The model hears with the ears of its cascade, so that all of the gap is mishearing."""
    assert parts(cascade=heard["noisy"], model=heard["noisy"]) == (-1.0, -1.0, 0.0)


def test_better_ears_than_those_of_the_cascade_show_in_how_the_model_listens(heard):
    assert parts(cascade=heard["noisy"], model=heard["clean"]) == (0.0, -1.0, 1.0)
