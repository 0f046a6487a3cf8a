import numpy as np
import pytest
import soundfile

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter


@pytest.fixture
def click():
    clip = np.zeros(160)
    clip[0] = 0.85
    return clip


def decay_time(response, rate):
    """RT60 by M. R. Schroeder's backward integration (1965): the slope from -5 to -35 dB, as T30 of ISO 3382."""
    energy = np.cumsum(np.square(response)[::-1])[::-1]
    level = 10 * np.log10(energy[energy > 0] / energy[0])
    fitted = np.flatnonzero((level < -5) & (level > -35))
    return -60 / (np.polyfit(fitted / rate, level[fitted], 1)[0])


@pytest.mark.parametrize("rate", [16000, 24000])
@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.2])
def test_the_decay_measured_from_a_click_is_the_one_asked_for(through, click, rate, rt60):
    assert decay_time(through("reverberation", click, rate, rt60=rt60, wet=1.0), rate) == pytest.approx(rt60, rel=0.1)


def test_the_tail_is_kept(through, speech):
    assert len(through("reverberation", speech, rt60=0.8)) == len(speech) + round(0.8 * 16000) - 1


def test_a_small_wet_share_leaves_the_clip_nearly_as_it_was(through, speech):
    heard = through("reverberation", speech, wet=0.01)[: len(speech)]
    assert np.corrcoef(heard, speech)[0, 1] > 0.999


def test_a_recorded_room_starts_at_its_direct_sound_and_has_unit_energy(through, speech, tmp_path):
    response = np.zeros(2000)
    response[[300, 301, 900, 1700]] = [0.6, 0.3, -0.2, 0.1]
    soundfile.write(tmp_path / "room.wav", response, 16000, subtype="FLOAT")
    heard = through("reverberation", speech, file=str(tmp_path / "room.wav"), wet=0.7)
    from_direct = response[300:] / np.sqrt(0.36 + 0.09 + 0.04 + 0.01)
    expected = 0.7 * np.convolve(speech, from_direct)
    expected[: len(speech)] += 0.3 * speech
    assert np.abs(heard - expected).max() < 1e-4


def test_a_recorded_room_at_another_rate_is_resampled(through, click, tmp_path):
    response = np.zeros(4800)
    response[[0, 2400]] = [0.8, 0.6]  # at 48 kHz, so 50 ms apart
    soundfile.write(tmp_path / "room.wav", response, 48000)
    heard = np.abs(through("reverberation", click, file=str(tmp_path / "room.wav"), wet=1.0))
    assert heard[:400].argmax() == 0
    assert 400 + heard[400:].argmax() == 800


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": "gone.wav"}, "reverberation: file = 'gone.wav': there is no such file"),
        ({"file": "gone.wav", "rt60": 0.3}, "give file or rt60"),
        ({"rt60": 0.0}, "rt60"),
        ({"wet": 0.0}, "wet"),
    ],
)
def test_contradictions_and_missing_files_are_found_before_any_work(options, message):
    with pytest.raises(BadInput, match=message):
        registry.create(Converter, "reverberation", "recipe audio.hall", **options)
