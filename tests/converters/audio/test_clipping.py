import numpy as np
import pytest

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter


def test_everything_beyond_the_threshold_is_cut_to_it(through, sine):
    heard = through("clipping", sine(100, level=0.8), below_peak_db=6.0206)
    assert np.abs(heard).max() == pytest.approx(0.4, abs=1e-3)
    # a sine stays above half of its peak for 2/3 of the time
    assert np.mean(np.abs(heard) > 0.399) == pytest.approx(2 / 3, abs=0.01)
    assert np.abs(heard - np.clip(sine(100, level=0.8), -0.4, 0.4)).max() < 1e-3


def test_the_default_is_12_db_below_the_peak(through, sine):
    assert np.abs(through("clipping", sine(100, level=0.8))).max() == pytest.approx(0.8 * 10 ** (-12 / 20), abs=1e-3)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_that_share_of_the_speech_is_cut_whatever_the_pauses(through, sine, share):
    clip = np.concatenate([np.zeros(16000), sine(97, level=0.8)])
    heard = through("clipping", clip, share=share)
    assert np.sum(np.abs(heard) > np.abs(heard).max() - 1e-4) / 16000 == pytest.approx(share, abs=0.01)


def test_two_thresholds_are_bad_input():
    with pytest.raises(BadInput, match="give one of them"):
        registry.create(Converter, "clipping", "recipe audio.bad", share=0.1, below_peak_db=6)
