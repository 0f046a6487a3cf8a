"""The output standard, measured by other means than the source's: pyloudnorm itself, and a polyphase oversampling."""

from __future__ import annotations

import io

import numpy as np
import pyloudnorm
import soundfile
from scipy import signal

from safebench.types import Media


def read(data: bytes) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float64")
    return samples, rate


def loudness(samples: np.ndarray, rate: int) -> float:
    """LUFS of a clip of at least 0.4 s."""
    return pyloudnorm.Meter(rate).integrated_loudness(samples)


def true_peak(samples: np.ndarray) -> float:
    """dBTP, by a polyphase filter at eight times the rate."""
    return 20 * np.log10(np.abs(signal.resample_poly(np.pad(samples, 512), 8, 1)).max())


def assert_standard(media: Media, *, rate: int = 16000, margin: float = 0.25) -> None:
    """Mono 16-bit PCM WAV; -23 LUFS or, where the peak does not allow it, less; at most -1 dBTP; margins; no offset."""
    info = soundfile.info(io.BytesIO(media.read()))
    assert (media.medium, media.mime, info.format, info.subtype) == ("audio", "audio/wav", "WAV", "PCM_16")
    assert (info.channels, info.samplerate) == (1, rate)
    samples, _ = read(media.read())
    assert_level(samples, rate)
    assert abs(samples.mean()) < 1e-3
    loud = np.flatnonzero(np.abs(samples) >= 0.9 * 10 ** (-46 / 20) * np.abs(samples).max())
    assert loud[0] <= margin * rate + 2
    assert samples.size - loud[-1] <= margin * rate + 3


def assert_level(samples: np.ndarray, rate: int) -> None:
    measured, peak = loudness(samples, rate), true_peak(samples)
    assert peak <= -1.0
    assert measured <= -22.5
    # softer only for the peak's sake; a polyphase filter's edge hides up to 1.5 dB of a burst at half the rate
    assert measured >= -23.5 or peak >= -3.0
