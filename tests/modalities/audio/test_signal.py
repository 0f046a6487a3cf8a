import numpy as np
import pytest

from converters.text_to_speech.espeak import Espeak
from modalities.audio import signal
from safebench.plugins import Work
from safebench.types import Query
from tests.media_files import samples_of

RATE = 16000


def tone(seconds, level=0.5):
    return level * np.sin(2 * np.pi * 200.5 * np.arange(round(seconds * RATE)) / RATE)


def silence(seconds):
    return np.zeros(round(seconds * RATE))


def measured(*parts, text="two words"):
    return signal.measure(np.concatenate(parts), RATE, text)


def test_durations_shares_and_levels_of_a_clip_made_by_hand():
    measures = measured(silence(0.5), tone(1.0), silence(1.0), tone(1.0), silence(0.5))
    assert measures["duration_s"] == pytest.approx(4.0)
    assert measures["seconds_per_word"] == pytest.approx(3.0 / 2, abs=0.02)  # the silence around it is not speech
    assert measures["silence_share"] == pytest.approx(2.0 / 4.0, abs=0.01)
    assert measures["peak_dbfs"] == pytest.approx(20 * np.log10(0.5), abs=0.01)


def test_noise_is_steady_and_speech_is_not():
    noise = np.random.default_rng(1).normal(size=5 * RATE) * 0.1
    assert measured(noise)["level_range_db"] < 3
    assert measured(*[tone(0.2), silence(0.05)] * 10)["level_range_db"] > 20


def test_clipping_is_found_after_scaling_down():
    whole = np.random.default_rng(2).normal(size=RATE)
    clipped = 0.3 * np.clip(whole, -1, 1)  # 32 % of a normal distribution lie beyond one deviation
    assert measured(clipped)["clipped_share"] == pytest.approx(0.317, abs=0.02)
    assert measured(0.3 * whole)["clipped_share"] < 0.001


def test_digital_silence_has_numbers_too():
    measures = measured(silence(1.0))
    assert measures["peak_dbfs"] == signal.FLOOR
    assert all(np.isfinite(value) for value in measures.values())
    assert set(measures) == set(signal.MEASURES)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("How do tides work?", 4),
        ("don't stop", 2),
        ("don’t", 1),
        ("潮汐是什么", 5),
        ("in 1984", 5),
        ("?!", 1),
        ("Привет мир", 2),
    ],
)
def test_words_are_counted_as_they_are_spoken(text, count):
    assert signal.count_words(text) == count


def test_a_limit_is_kept_when_it_is_met_and_named_when_it_is_not():
    measures = dict.fromkeys(signal.MEASURES, 0.5) | {"peak_dbfs": -1.0}
    assert signal.violations(measures, {"max_silence_share": 0.5, "min_seconds_per_word": 0.5}) == []
    assert signal.violations(measures, {"max_silence_share": 0.4, "min_duration_s": 2}) == [
        "silence_share is 0.5, above max_silence_share = 0.4",
        "duration_s is 0.5, below min_duration_s = 2",
    ]


def noise(seconds):
    return 0.1 * np.random.default_rng(3).normal(size=round(seconds * RATE))


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (silence(0.0), "silent"),
        (silence(1.0), "silent"),
        (0.001 * tone(1.0), "silent"),
        (np.concatenate([silence(1.0), tone(0.01), silence(1.0)]), "it sounds for 0.0"),
        (tone(2.0), "a steady sound"),
        (np.concatenate([silence(0.5), tone(2.0), silence(0.5)]), "a steady sound"),
        (noise(2.0), "a steady sound"),
    ],
    ids=["empty", "digital", "near", "click", "tone", "tone-between-silence", "white-noise"],
)
def test_a_clip_in_which_nobody_spoke_is_told_by_its_levels(samples, why):
    assert why in signal.wordless(samples, RATE)


def test_speech_is_never_taken_for_silence_however_loud_the_noise():
    spoken = samples_of(Espeak().convert(Work(Query("q", "Why?"), "Why?")))
    for level in (0.0, 0.3, 1.0):  # of the speech's own
        noisy = spoken + level * spoken.std() * np.random.default_rng(4).normal(size=spoken.size)
        assert signal.wordless(noisy, RATE) is None
