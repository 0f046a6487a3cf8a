import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from converters.text_to_speech.waveform import Finish, digital_silence, finish
from safebench.errors import ConversionError
from tests.converters.text_to_speech.standard import assert_level, loudness, true_peak

RATE = 22050
HOW = Finish(sample_rate=16000, margin=0.1)


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
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    assert loud[0] == pytest.approx(1600, abs=40)
    assert len(samples) - loud[-1] == pytest.approx(1600, abs=40)


def test_a_pause_in_the_middle_is_kept():
    clip = np.concatenate([tone(0.2), silence(0.7), tone(0.2)])
    assert len(read(finish(clip, RATE, HOW))) == pytest.approx(16000 * (1.1 + 0.2), abs=80)


def test_a_soft_beginning_within_the_margin_survives():
    clip = np.concatenate([tone(0.05, level=0.0004), tone(0.5, level=0.3), silence(0.5)])
    before = read(finish(clip, RATE, HOW))[850:1500]
    assert np.abs(before).max() > 0.0001


@pytest.mark.parametrize("level", [0.002, 0.01, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_the_loudness_is_minus_23_lufs_whatever_the_engines_level(level, rate):
    voice = tone(2.0, 300.0, level) + tone(2.0, 1700.0, level / 2)
    heard = read(finish(voice, RATE, Finish(rate)))
    assert loudness(heard, rate) == pytest.approx(-23, abs=0.1)
    assert true_peak(heard) <= -1


def clicks(seconds=2.0):
    """Peaks far above the loudness."""
    samples = np.random.default_rng(1).normal(scale=1e-3, size=round(seconds * RATE))
    samples[1000::4000] = 1.0
    return samples


def test_where_both_cannot_be_kept_the_peak_wins_and_the_clip_stays_softer():
    heard = read(finish(clicks(), RATE, HOW))
    assert -1.6 <= true_peak(heard) <= -1
    assert loudness(heard, 16000) < -23.5


def test_a_peak_between_the_samples_counts():
    rate = 16000  # a quarter of the rate at 45 degrees: every sample lies 3 dB below the wave's peak
    wave = np.sin(np.pi / 2 * np.arange(rate) + np.pi / 4)
    how = Finish(rate, margin=0.0, loudness=0.0)
    heard = read(finish(wave, rate, how))
    assert 20 * np.log10(np.abs(heard).max()) < -3.5
    assert true_peak(heard[100:-100]) <= -1


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.399])
def test_a_clip_too_short_for_the_meter_is_as_loud_as_if_it_went_on(seconds):
    short = read(finish(tone(seconds, 1000.0), RATE, Finish(16000, margin=0.0)))
    assert short.size < 0.4 * 16000
    assert loudness(np.tile(short, 1 + 32000 // short.size), 16000) == pytest.approx(-23, abs=0.5)


def test_a_short_clip_in_its_margins_is_measured_as_any_other():
    heard = read(finish(tone(0.1), RATE, Finish(16000, margin=0.25)))
    assert loudness(heard, 16000) == pytest.approx(-23, abs=0.5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.003, 2.0), st.floats(-60, 20), st.sampled_from([8000, 22050, 44100]))
def test_any_sound_keeps_the_standard(seed, seconds, gain, rate):
    random = np.random.default_rng(seed)
    shape = np.repeat(random.uniform(0, 1, 8), 1 + round(seconds * rate) // 8)
    sound = 10 ** (gain / 20) * shape * random.laplace(size=shape.size)
    try:
        heard = read(finish(sound, rate, Finish(16000)))
    except ConversionError as error:
        if "silent clip" not in str(error):
            raise
    else:
        assert_level(heard, 16000)


def test_a_clip_longer_than_allowed_is_refused_with_both_lengths():
    with pytest.raises(ConversionError, match=r"lasts 2\.2 s, and max_seconds is 2"):
        finish(tone(2.0), RATE, Finish(margin=0.1, max_seconds=2.0))
    assert finish(tone(1.5), RATE, Finish(margin=0.1, max_seconds=2.0))


def test_an_offset_is_removed():
    samples = read(finish(tone(level=0.3) + 0.2, RATE, Finish(16000, margin=0.0)))
    assert abs(samples.mean()) < 0.0005


def test_an_offset_of_the_voice_alone_does_not_make_the_silence_around_it_a_sound():
    clip = np.concatenate([silence(1.0), tone(1.0) + 0.2, silence(1.0)])
    samples = read(finish(clip, RATE, Finish(16000, margin=0.1)))
    assert samples.size / 16000 == pytest.approx(1.2, abs=0.01)
    assert abs(samples.mean()) < 0.001


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
    ("clip", "message"),
    [
        (silence(1.0), "silent clip .*digital silence"),
        (tone(level=0.0005), "silent clip .*-66 dBFS"),
        (silence(1.0) + 0.5, "silent clip"),
        (np.zeros(0), "no samples"),
        (np.where(np.arange(RATE) == 77, np.nan, tone()), "not finite"),
        (np.where(np.arange(RATE) == 77, np.inf, tone()), "not finite"),
    ],
)
def test_a_clip_in_which_nothing_is_heard_is_refused(clip, message):
    with pytest.raises(ConversionError, match=message):
        finish(clip, RATE, HOW)


@given(zeros=st.lists(st.booleans(), max_size=60), half=st.integers(0, 6))
def test_digital_silence_is_a_run_of_zeros_that_is_long_enough(zeros, half):
    """Against a morphological opening, in which the clip goes on as it begins and ends."""
    samples, shortest = np.where(zeros, 0.0, 0.1), 2 * half + 1
    expected = np.zeros(0, np.uint8)
    if zeros:
        inner = ndimage.minimum_filter1d(np.array(zeros, np.uint8), shortest, mode="nearest")
        expected = ndimage.maximum_filter1d(inner, shortest, mode="nearest")
    assert digital_silence(samples, shortest).tolist() == expected.astype(bool).tolist()
