"""How long and how loud a clip is: where it carries speech, and how far its waveform really reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converters.recordings import Samples
from converters.text_to_speech.loudness import true_peak
from converters.text_to_speech.waveform import METER_TOLERANCE

FRAME = 0.02  # s
PAUSE = -40.0  # dB; a frame that lies this far below the loudest one is a pause
PEAK = -1.0  # dBTP; no clip goes beyond


def active(samples: Samples, rate: int) -> NDArray[np.bool_]:
    """The speech-active part, (frames,): 20 ms frames of which none lies 40 dB below the loudest. `rate` in Hz."""
    size = max(1, round(FRAME * rate))
    padded = np.pad(samples, (0, -len(samples) % size))
    power = np.square(padded.reshape(-1, size)).mean(axis=1)
    loud = (power >= decibels_to_power(PAUSE) * power.max()) & (power > 0)
    return np.repeat(loud, size)[: len(samples)]


def power(samples: Samples, where: NDArray[np.bool_]) -> float:
    """Mean square of the samples at `where`; 0 where there are none."""
    return float(np.square(samples[where]).mean()) if where.any() else 0.0


def to_length(samples: Samples, frames: int) -> Samples:
    """Resampling there and back may give a frame more or less."""
    return np.pad(samples, (0, max(0, frames - len(samples))))[:frames]


def limit_peak(samples: Samples) -> Samples:
    """Scaled down where the true peak comes near -1 dBTP, and left alone elsewhere."""
    excess = true_peak(samples) / decibels_to_gain(PEAK - METER_TOLERANCE)
    return samples / excess if excess > 1.0 else samples


def decibels_to_gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def decibels_to_power(decibels: float) -> float:
    return float(10 ** (decibels / 10))
