import numpy as np
import pytest

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 0.0, 6.0])
def test_the_level_changes_by_the_gain(through, sine, gain_db):
    heard = through("volume", sine(440, level=0.3), gain_db=gain_db)
    assert 20 * np.log10(heard.std() / sine(440, level=0.3).std()) == pytest.approx(gain_db, abs=0.01)


def test_a_gain_beyond_the_peak_does_not_clip(through, sine):
    heard = through("volume", sine(440, level=0.3), gain_db=40.0)
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum[880:].max() < 0.001 * spectrum.max()
    assert -1.3 < 20 * np.log10(np.abs(heard).max()) <= -1.0


def test_a_gain_out_of_range_is_bad_input():
    with pytest.raises(BadInput, match=r"gain_db = 200"):
        registry.create(Converter, "volume", "recipe audio.loud", gain_db=200)
