"""What every speech engine's samples go through on the way to a file.

The standard: mono 16-bit PCM WAV at one sample rate; loudness -23 LUFS (EBU R 128, measured by ITU-R BS.1770-4); true
peak at most -1 dBTP; silence at both ends trimmed or filled to one margin; no offset. A clip whose peaks do not leave
room for the loudness keeps the peak and stays softer: it is turned down, never compressed, so that no engine's sound is
changed in shape.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from converters.recordings import Samples
from converters.text_to_speech.loudness import loudness, true_peak
from safebench.errors import ConversionError
from safebench.models.torch_backend import installed

MIME = "audio/wav"
SILENT = 10 ** (-60 / 20)  # a clip that stays below -60 dBFS carries no speech
QUIET = 10 ** (-46 / 20)  # of the clip's peak; what stays below it at the ends counts as silence
METER_TOLERANCE = 0.2  # dB; by so much another meter's interpolation filter may read a higher peak
BURST_TOLERANCE = 0.4  # dB; the same for bursts of a few ms, where meters were seen to differ by 0.27 dB
GAP = 0.01  # s; a longer run of zeros is silence that an engine put in, and no part of its voice


VERSION = f"finish 3 pyloudnorm {installed('pyloudnorm')} soxr {installed('soxr')}"  # raised when other bytes come out


@dataclass(frozen=True, slots=True)
class Finish:
    """How a clip is finished."""

    sample_rate: int = 16000  # Hz
    margin: float = 0.25  # s before the first and after the last sound
    loudness: float = -23.0  # LUFS
    peak: float = -1.0  # dBTP; wins where both cannot be kept
    max_seconds: float | None = None  # of the finished clip, margins included


def finish(samples: NDArray[Any], rate: int, how: Finish) -> bytes:
    """A mono 16-bit PCM WAV file of `samples`, (frames,) or (frames, channels) at `rate` Hz. Same input, same bytes.

    Raises ConversionError for samples that are not finite, for a clip in which nothing is heard, and for one that is
    longer than `max_seconds`.
    """
    # the offset goes first: a resampler turns the step at either end into a click
    heard = resample(remove_dc(to_mono(samples), rate), rate, how.sample_rate)
    _refuse_silence(heard)
    clip = trim(heard, round(how.margin * how.sample_rate))
    seconds = clip.size / how.sample_rate
    if how.max_seconds is not None and seconds > how.max_seconds:
        raise ConversionError(f"the clip lasts {seconds:.1f} s, and max_seconds is {how.max_seconds:g}")
    return encode(level(clip, how), how.sample_rate)


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
    if rate == to_rate or not samples.size:
        return samples
    return np.asarray(soxr.resample(samples, rate, to_rate, quality="HQ"))


def remove_dc(samples: Samples, rate: int) -> Samples:
    """Without the mean of all that sounds, at `rate` Hz.

    Digital silence stays what it is: where an engine joins a voice that has an offset with true silence, the silence
    would get the offset, and be taken for sound. A filter would do neither, but rings where a sound begins.
    """
    sounding = ~digital_silence(samples, 2 * round(GAP * rate / 2) + 1)
    return np.where(sounding, samples - samples[sounding].mean(), 0.0) if sounding.any() else samples


def digital_silence(samples: Samples, shortest: int) -> NDArray[np.bool_]:
    """Where at least `shortest` samples in a row are exactly 0; half as many at either end of the clip."""
    beyond = shortest // 2  # the clip goes on as it begins and ends
    zeros = np.pad(samples == 0, beyond, mode="edge") if samples.size else np.zeros(0, np.bool_)
    runs = np.flatnonzero(np.diff(zeros, prepend=False, append=False)).reshape(-1, 2)  # from, to
    silent = np.zeros(zeros.size, np.bool_)
    for start, end in runs[runs[:, 1] - runs[:, 0] >= shortest]:
        silent[start:end] = True
    return silent[beyond : beyond + samples.size]


def _refuse_silence(samples: Samples) -> None:
    if not samples.size:
        raise ConversionError("the speech engine gave no samples")
    peak = float(np.abs(samples).max())
    if peak < SILENT:
        shown = f"{20 * np.log10(peak):.0f} dBFS" if peak > 1e-9 else "digital silence"
        raise ConversionError(f"the speech engine gave a silent clip (peak: {shown})")


def trim(samples: Samples, margin: int) -> Samples:
    """Exactly `margin` samples before the first and after the last one that is loud enough.

    They are the clip's own where it has them, so that a soft consonant at either end survives, and zeros beyond.
    """
    loud = np.flatnonzero(np.abs(samples) >= QUIET * np.abs(samples).max())
    return np.pad(samples, margin)[loud[0] : loud[-1] + 2 * margin + 1]


def level(samples: Samples, how: Finish) -> Samples:
    """One gain for the whole clip: to the loudness, or to the peak where that comes first.

    Raises ConversionError for a clip that has no loudness: all its sound lies outside of what is heard.
    """
    full = samples / np.abs(samples).max()  # so that no clip falls below the meter's absolute gate for its gain alone
    measured = loudness(full, how.sample_rate)
    if not np.isfinite(measured):
        raise ConversionError("the speech engine gave a clip without loudness: nothing in it would be heard")
    gain, highest = how.loudness - measured, how.peak - BURST_TOLERANCE  # dB, dBTP
    allowed = 10 ** ((highest - gain) / 20)
    peak = true_peak(full, above=allowed)
    if peak > allowed:
        gain = highest - 20 * np.log10(peak)
    return np.asarray(full * 10 ** (gain / 20))


def encode(samples: Samples, rate: int) -> bytes:
    """A WAV file of 16-bit PCM, without dither, so that the same samples give the same bytes."""
    file = io.BytesIO()
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
    soundfile.write(file, pcm, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
