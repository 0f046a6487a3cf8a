import importlib.util

import numpy as np
import pytest
from scipy.signal import correlate

from converters.audio.speed import Speed
from safebench import registry
from safebench.errors import MissingPackage
from safebench.plugins import Converter


def pitch_of(samples, rate=16000):
    """Hz, from the first peak of the autocorrelation between 50 and 1000 Hz, refined by a parabola."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    r = correlate(middle, middle, "full", "fft")[len(middle) - 1 :]
    first, last = rate // 1000, rate // 50
    lags = [lag for lag in range(first, last) if r[lag - 1] < r[lag] >= r[lag + 1] and r[lag] > 0.8 * r[0]]
    left, top, right = r[lags[0] - 1 : lags[0] + 2]
    return rate / (lags[0] + (left - right) / (2 * (left - 2 * top + right)))


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_resampled_speed_takes_the_pitch_with_it(through, sine, factor):
    heard = through("speed", sine(200), factor=factor, resampled=True)
    assert len(heard) == pytest.approx(16000 / factor, abs=2)
    assert pitch_of(heard) == pytest.approx(200 * factor, rel=0.005)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_stretched_speed_keeps_the_pitch(through, sine, factor):
    pytest.importorskip("librosa")
    heard = through("speed", sine(200), factor=factor)
    assert len(heard) == pytest.approx(16000 / factor, abs=2)
    assert pitch_of(heard) == pytest.approx(200, rel=0.01)


def test_stretching_keeps_the_level_of_the_speech(through, speech):
    pytest.importorskip("librosa")
    heard = through("speed", speech, factor=1.25)
    energy = np.square(heard).sum() * 1.25 / np.square(speech).sum()
    assert 10 * np.log10(energy) == pytest.approx(0.0, abs=1.0)


def test_without_librosa_only_resampled_speed_is_there_and_the_way_out_is_told(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "librosa" else find(name, *rest)
    )
    with pytest.raises(MissingPackage, match=r"without `resampled = true`.* pip install 'safebench\[local\]'"):
        registry.create(Converter, "speed", "test")
    assert isinstance(registry.create(Converter, "speed", "test", resampled=True), Speed)
