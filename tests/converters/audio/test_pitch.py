import numpy as np
import pytest

from converters.audio.stretching import window


def strongest(samples, rate=16000):
    """Hz, by a spectrum padded to 1/10 Hz."""
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 10 * rate)).argmax() / 10


@pytest.mark.parametrize("semitones", [-12.0, -3.0, 4.0, 12.0])
def test_a_tone_moves_by_that_many_semitones_and_lasts_as_long(through, sine, semitones):
    pytest.importorskip("librosa")
    heard = through("pitch", sine(440), semitones=semitones)
    assert len(heard) == 16000
    assert 12 * np.log2(strongest(heard) / 440) == pytest.approx(semitones, abs=0.1)


def test_the_level_of_the_speech_stays(through, speech):
    pytest.importorskip("librosa")
    heard = through("pitch", speech, semitones=3.0)
    assert 10 * np.log10(np.square(heard).sum() / np.square(speech).sum()) == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize(("rate", "samples"), [(8000, 256), (16000, 512), (22050, 512), (24000, 1024), (48000, 2048)])
def test_the_window_lasts_about_32_ms_at_any_rate(rate, samples):
    assert window(rate, rate) == samples
