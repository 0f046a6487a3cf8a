import numpy as np
import pytest

from converters.audio.levels import active, limit_peak, power


def test_pauses_are_not_active_and_soft_speech_is(sine):
    clip = np.concatenate([np.zeros(8000), sine(440, 0.5), 0.02 * sine(440, 0.5), 0.005 * sine(440, 0.5)])
    loud = active(clip, 16000)
    assert len(loud) == len(clip)
    assert np.array_equal(np.unique(np.flatnonzero(loud) // 8000), [1, 2])  # the last half second is 46 dB down


@pytest.mark.parametrize("frames", [1, 7, 319, 320, 321])
def test_clips_of_any_length_have_an_active_part(frames):
    assert active(np.full(frames, 0.1), 16000).all()


def test_nothing_is_active_in_silence():
    loud = active(np.zeros(1000), 16000)
    assert not loud.any()
    assert power(np.zeros(1000), loud) == 0.0


def test_power_is_the_mean_square_of_the_chosen_samples():
    assert power(np.array([9.0, 1.0, 3.0]), np.array([False, True, True])) == pytest.approx(5.0)


def test_a_soft_clip_is_the_very_same(sine):
    clip = sine(440, level=0.8)
    assert limit_peak(clip) is clip
