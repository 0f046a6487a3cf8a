import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from converters.text_to_speech.loudness import loudness, true_peak

RATE = 48000


def sine(seconds, frequency=997.0, level=1.0, phase=0.0):
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE + phase)


def test_a_full_scale_sine_of_997_hz_reads_minus_3_01_lufs():
    """ITU-R BS.1770-4, annex 1: the value that fixes the scale."""
    assert loudness(sine(5.0), RATE) == pytest.approx(-3.01, abs=0.05)


def test_a_quiet_passage_below_the_gate_does_not_count():
    """EBU Tech 3341, case 3 in one channel: 10 s at -36, 60 s at -23, 10 s at -36 dBFS reads as the loud part."""
    parts = [(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)]
    clip = np.concatenate([sine(seconds, 1000.0, 10 ** (level / 20)) for seconds, level in parts])
    assert loudness(clip, RATE) == pytest.approx(-23.0 - 3.01, abs=0.1)


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.3999])
def test_below_one_block_where_the_meter_gives_up_the_sound_counts_as_if_it_went_on(seconds):
    clip = sine(seconds, 1000.0, 0.1)
    with pytest.raises(ValueError, match="block size"):
        pyloudnorm.Meter(RATE).integrated_loudness(clip)
    assert loudness(clip, RATE) == pytest.approx(-23.01, abs=0.2)


def test_silence_has_no_loudness():
    assert loudness(np.zeros(RATE), RATE) == -np.inf


def test_the_true_peak_between_samples_is_found():
    """EBU Tech 3341, case 18 and others: a sine at a quarter of the rate, sampled away from its peaks."""
    quarter = sine(1.0, RATE / 4, 0.5, np.pi / 4)
    assert np.abs(quarter).max() == pytest.approx(0.5 / np.sqrt(2))
    inner = quarter * np.hanning(quarter.size)  # a hard edge has a true peak of its own
    assert true_peak(inner) == pytest.approx(0.5, rel=0.01)


def test_a_peak_in_any_piece_of_a_long_clip_is_found():
    clip = np.zeros(300_000)
    for place in (0, 65_535, 65_536, 131_072, 299_999):
        one = clip.copy()
        one[place] = 0.7
        assert true_peak(one) == pytest.approx(0.7, rel=0.01)


def test_nothing_has_no_peak():
    assert true_peak(np.zeros(0)) == 0.0


@pytest.mark.parametrize("kind", ["noise", "highest frequency", "clicks", "speech-like"])
def test_windows_that_are_passed_over_hold_no_higher_peak(kind):
    """Against every window interpolated in full, as scipy does it."""
    chance = np.random.default_rng(1)
    clip = {
        "noise": chance.normal(0.0, 0.2, 60_000),
        "highest frequency": sine(1.0, 0.4999 * RATE, 0.7, 1.0) * np.hanning(RATE),
        "clicks": np.where(np.arange(50_000) % 7001 < 2, [1.0, -1.0] * 25_000, 0.0),
        "speech-like": sine(2.0, 211.0) * sine(2.0, 1.3) ** 2 * chance.normal(1.0, 0.3, 2 * RATE),
    }[kind]
    padded = np.pad(clip, (256, 256 + -clip.size % 15_872))
    windows = [padded[start : start + 16_384] for start in range(0, clip.size, 15_872)]
    exact = max(np.abs(signal.resample(window, 8 * 16_384)[2048:-2048]).max() for window in windows)
    assert true_peak(clip) == max(exact, np.abs(clip).max())


def test_peaks_below_what_is_allowed_are_not_looked_for():
    clip = sine(1.0, RATE / 4, 0.5, np.pi / 4)
    assert true_peak(clip, above=0.6) == 0.6
    assert true_peak(clip, above=0.45) == true_peak(clip)
