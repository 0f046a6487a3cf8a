"""A real voice, heard by real ears: faithful clips are understood, and no damaged one passes the gate."""

from __future__ import annotations

from itertools import pairwise

import jiwer
import numpy as np
import pytest

from converters.audio.noise import Noise
from converters.text_to_speech.espeak import Espeak
from modalities.audio import AudioModality, hearing
from modalities.audio.decoding import decode
from modalities.audio.voices import GATE
from safebench.plugins import Checking, Work
from safebench.types import Media, Query
from tests.media_files import clip_media
from tests.voices.sentences import spoken_queries

GERMAN = "Wie schreibe ich einen Brief an meine Vermieterin, damit sie die Heizung im Winter repariert, Nummer {}?"


@pytest.fixture(scope="module")
def spoken(voice):
    return spoken_queries(voice)


@pytest.fixture(scope="module")
def passed(hear):
    def passed(query: Query, clip: Media) -> bool:
        checking = Checking(query, clip, GATE, lambda spec, media: hear(media), "faster-whisper")
        return AudioModality().check(checking).status == "passed"

    return passed


def test_of_20_sentences_at_most_one_word_in_20_is_misheard(spoken, hear):
    said = [" ".join(hearing.words(one.query.text)) for one in spoken]
    heard = [" ".join(hearing.words(hear(one.clip))) for one in spoken]
    assert jiwer.wer(said, heard) <= 0.05


def test_nearly_every_faithful_clip_passes(spoken, passed):
    assert sum(passed(one.query, one.clip) for one in spoken) >= 18


def test_the_clip_of_another_query_never_passes(spoken, passed):
    assert not any(passed(one.query, other.clip) for one, other in pairwise([*spoken, spoken[0]]))


def test_half_a_clip_never_passes(spoken, passed):
    assert not any(passed(one.query, _half(one.clip)) for one in spoken)


def test_another_language_never_passes(spoken, passed):
    german = Espeak(Espeak.Options(voice="de"))
    clips = [german.convert(Work(one.query, GERMAN.format(number))) for number, one in enumerate(spoken)]
    assert not any(passed(one.query, clip) for one, clip in zip(spoken, clips, strict=True))


def test_speech_in_noise_above_it_never_passes(spoken, passed):
    noise = Noise(Noise.Options(source="pink", snr_db=-5.0))
    assert not any(passed(one.query, noise.convert(Work(one.query, one.query.text, one.clip))) for one in spoken)


def _half(clip: Media) -> Media:
    samples, rate = decode(clip)
    return clip_media(np.asarray(samples[: samples.size // 2]), rate)
