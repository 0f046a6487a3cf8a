"""Decodes the bytes of a recording that somebody else made, and trusts none of its numbers."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

from converters.text_to_speech.engine import Spoken
from safebench.errors import ConversionError

_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF})  # what is written by who streams, and does not know the length


def decode(data: bytes, what: str) -> Spoken:
    """Samples, (frames, channels), and their rate in Hz. Raises ConversionError for what is no whole recording."""
    import soundfile

    if not data:
        raise ConversionError(f"{what} is empty")
    _refuse_cut_wav(data, what)
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as error:
        raise ConversionError(f"{what} is no recording that can be decoded: {error}") from error
    return _checked(samples, int(rate), what)


def _checked(samples: Any, rate: int, what: str) -> Spoken:
    if not samples.size:
        raise ConversionError(f"{what} has no samples")
    if not np.isfinite(samples).all():
        raise ConversionError(f"{what} has samples that are not finite numbers")
    if not 1000 <= rate <= 768_000:
        raise ConversionError(f"{what} has a sample rate of {rate} Hz, which no recording has")
    return samples, rate


def _refuse_cut_wav(data: bytes, what: str) -> None:
    """A WAV file that ends before the length in its header: the decoder would give the first part as if it were all."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"data":
            if size not in _UNKNOWN_SIZES and at + 8 + size > len(data):
                raise ConversionError(f"{what} is cut: {len(data) - at - 8} of {size} bytes of sound are there")
            return
        at += 8 + size + size % 2
