"""What every speech engine's samples go through on the way to a file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safebench.errors import ConversionError

MIME = "audio/wav"
SILENT = 10 ** (-60 / 20)  # a clip that stays below -60 dBFS carries no speech
QUIET = 10 ** (-46 / 20)  # of the clip's peak; what stays below it at the ends counts as silence

Samples = NDArray[np.float64]  # one channel, full scale is 1.0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a clip is finished."""

    sample_rate: int = 16000  # Hz
    margin: float = 0.25  # s before the first and after the last sound
    peak: float = -1.0  # dBFS; room for what players and codecs add. Loudness is not evened out here


def finish(samples: NDArray[Any], rate: int, how: Finish) -> bytes:
    """A mono 16-bit PCM WAV file of `samples`, (frames,) or (frames, channels) at `rate` Hz. Same input, same bytes.

    Raises ConversionError for samples that are not finite and for a clip in which nothing is heard.
    """
    # the offset goes first: a resampler turns the step at either end into a click
    heard = resample(remove_dc(to_mono(samples)), rate, how.sample_rate)
    _refuse_silence(heard)
    return encode(scale_peak(trim(heard, round(how.margin * how.sample_rate)), how.peak), how.sample_rate)


def to_mono(samples: NDArray[Any]) -> Samples:
    """The mean of the channels, integers scaled by their full range. Raises ConversionError for NaN and infinities."""
    full_scale = float(np.iinfo(samples.dtype).max) + 1.0 if np.issubdtype(samples.dtype, np.integer) else 1.0
    mono = samples.astype(np.float64) / full_scale
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if not np.isfinite(mono).all():
        raise ConversionError("the speech engine gave samples that are not finite numbers")
    return mono


def resample(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Rates in Hz."""
    import soxr

    if rate == to_rate or not samples.size:
        return samples
    return np.asarray(soxr.resample(samples, rate, to_rate, quality="HQ"))


def remove_dc(samples: Samples) -> Samples:
    return samples - samples.mean() if samples.size else samples


def _refuse_silence(samples: Samples) -> None:
    if not samples.size:
        raise ConversionError("the speech engine gave no samples")
    peak = float(np.abs(samples).max())
    if peak < SILENT:
        level = f"{20 * np.log10(peak):.0f} dBFS" if peak else "digital silence"
        raise ConversionError(f"the speech engine gave a silent clip (peak: {level})")


def trim(samples: Samples, margin: int) -> Samples:
    """Exactly `margin` samples before the first and after the last one that is loud enough.

    They are the clip's own where it has them, so that a soft consonant at either end survives, and zeros beyond.
    """
    loud = np.flatnonzero(np.abs(samples) >= QUIET * np.abs(samples).max())
    return np.pad(samples, margin)[loud[0] : loud[-1] + 2 * margin + 1]


def scale_peak(samples: Samples, peak: float) -> Samples:
    """Scale so that the largest sample lies at `peak` dBFS."""
    return samples * float(10 ** (peak / 20) / np.abs(samples).max())


def encode(samples: Samples, rate: int) -> bytes:
    """A WAV file of 16-bit PCM, without dither, so that the same samples give the same bytes."""
    import soundfile

    file = io.BytesIO()
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
    soundfile.write(file, pcm, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
