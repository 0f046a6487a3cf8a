import io

import numpy as np
import pytest
import soundfile

from converters.text_to_speech.waveform import Finish, finish
from safebench.errors import ConversionError

RATE = 22050
HOW = Finish(sample_rate=16000, margin=0.1, peak=-1.0)


def tone(seconds=1.0, frequency=440.0, level=0.3, rate=RATE):
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def read(wav):
    return soundfile.read(io.BytesIO(wav))[0]


def silence(seconds):
    return np.zeros(round(seconds * RATE))


def test_gives_mono_16_bit_pcm_wav_at_the_wanted_rate():
    info = soundfile.info(io.BytesIO(finish(tone(), RATE, HOW)))
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, 16000)


def test_resampling_keeps_pitch_and_duration():
    samples = read(finish(tone(1.0, 1000.0), RATE, Finish(16000, margin=0.0)))
    assert len(samples) == pytest.approx(16000, abs=40)
    spectrum = np.abs(np.fft.rfft(samples, 16000))
    assert spectrum.argmax() == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("padding", [0.0, 0.02, 0.8])
def test_both_ends_have_exactly_the_margin(padding):
    clip = np.concatenate([silence(padding), tone(0.5), silence(2 * padding)])
    samples = read(finish(clip, RATE, HOW))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    assert loud[0] == pytest.approx(1600, abs=40)
    assert len(samples) - loud[-1] == pytest.approx(1600, abs=40)


def test_a_pause_in_the_middle_is_kept():
    clip = np.concatenate([tone(0.2), silence(0.7), tone(0.2)])
    assert len(read(finish(clip, RATE, HOW))) == pytest.approx(16000 * (1.1 + 0.2), abs=80)


def test_a_soft_beginning_within_the_margin_survives():
    clip = np.concatenate([tone(0.05, level=0.0004), tone(0.5, level=0.3), silence(0.5)])
    before = read(finish(clip, RATE, HOW))[850:1500]
    assert np.abs(before).max() > 0.0005


@pytest.mark.parametrize("level", [0.01, 0.3, 1.0, 3.0])
def test_the_peak_lies_at_minus_one_dbfs(level):
    peak = np.abs(read(finish(tone(level=level), RATE, HOW))).max()
    assert 20 * np.log10(peak) == pytest.approx(-1.0, abs=0.05)


def test_an_offset_is_removed():
    samples = read(finish(tone(level=0.3) + 0.2, RATE, Finish(16000, margin=0.0)))
    assert abs(samples.mean()) < 0.005


def test_channels_are_averaged():
    stereo = np.stack([tone(), tone()], axis=1)
    assert finish(stereo, RATE, HOW) == finish(tone(), RATE, HOW)


def test_integers_are_scaled_by_their_range():
    half = read(finish((tone(level=0.5) * 32768).astype(np.int16), RATE, HOW))
    assert np.abs(half - read(finish(tone(level=0.5), RATE, HOW))).max() < 1e-3


def test_same_samples_same_bytes():
    noise = np.random.default_rng(3).normal(size=RATE) * 0.1
    assert len({finish(noise.copy(), RATE, HOW) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        (silence(1.0), "silent clip .*digital silence"),
        (tone(level=0.0005), "silent clip .*-66 dBFS"),
        (silence(1.0) + 0.5, "silent clip"),
        (np.zeros(0), "no samples"),
        (np.where(np.arange(RATE) == 77, np.nan, tone()), "not finite"),
        (np.where(np.arange(RATE) == 77, np.inf, tone()), "not finite"),
    ],
)
def test_a_clip_in_which_nothing_is_heard_is_refused(clip, told):
    with pytest.raises(ConversionError, match=told):
        finish(clip, RATE, HOW)
