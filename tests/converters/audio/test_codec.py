import numpy as np
import pytest
from scipy.signal import correlate

from converters.audio.codec import encode
from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter


@pytest.fixture(scope="module")
def chirp():
    """3 s of a sweep from 100 to 3000 Hz: its place in time is unmistakable."""

    def at(rate):
        time = np.arange(3 * rate) / rate
        return 0.5 * np.sin(2 * np.pi * (100 * time + 2900 / 6 * time**2))

    return at


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
@pytest.mark.parametrize(("codec", "kbps"), [("mp3", 8), ("mp3", 24), ("mp3", 64), ("opus", 8), ("opus", 24)])
def test_length_and_alignment_stay_at_any_rate(through, chirp, rate, codec, kbps):
    clip = chirp(rate)
    heard = through("codec", clip, rate, format=codec, kbps=kbps)
    assert len(heard) == len(clip)
    lag = correlate(heard, clip, "full", "fft").argmax() - (len(clip) - 1)
    assert abs(lag) / rate < 0.0005


@pytest.mark.parametrize(
    ("codec", "rate", "kbps", "expected"),
    [
        ("mp3", 16000, 24, 24),
        ("mp3", 16000, 64, 64),
        ("mp3", 48000, 128, 128),
        ("mp3", 16000, 320, 160),
        ("mp3", 48000, 8, 32),
        ("opus", 16000, 16, 16),
        ("opus", 48000, 64, 64),
    ],
)
def test_the_file_has_the_bit_rate_or_the_nearest_there_is(codec, rate, kbps, expected):
    noise = 0.1 * np.random.default_rng(0).standard_normal(4 * rate)
    size = 8 * len(encode(noise, rate, codec, kbps)) / 4 / 1000
    assert size == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("codec", ["mp3", "opus"])
def test_fewer_bits_lose_more(through, speech, codec):
    def error(kbps):
        return np.square(through("codec", speech, format=codec, kbps=kbps) - speech).sum()

    assert error(8) > 2 * error(32) > 2 * error(128)


def test_long_clips_and_very_short_ones_go_through(through):
    noise = 0.1 * np.random.default_rng(0).standard_normal(200_000)
    for codec in ("mp3", "opus"):
        assert len(through("codec", noise, format=codec)) == 200_000
        assert len(through("codec", noise[:300], format=codec)) == 300


def test_an_unknown_format_is_bad_input():
    with pytest.raises(BadInput, match="'mp3' or 'opus'"):
        registry.create(Converter, "codec", "recipe audio.odd", format="aac")
