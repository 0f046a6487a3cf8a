"""Decodes the bytes of a recording that somebody else made, and trusts none of its numbers."""

from __future__ import annotations

from converters import recordings
from converters.text_to_speech.engine import Spoken
from safebench.errors import ConversionError

_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF})  # what is written by who streams, and does not know the length


def decode(data: bytes, what: str) -> Spoken:
    """Samples, (frames, channels), and their rate in Hz. Raises ConversionError for what is no whole recording."""
    if not data:
        raise ConversionError(f"{what} is empty")
    size, found = recordings.sound_bytes(data)
    if size > found and size not in _UNKNOWN_SIZES:
        raise ConversionError(f"{what} is cut: {found} of {size} bytes of sound are there")
    try:
        samples, rate = recordings.decode(data)
    except ValueError as error:
        raise ConversionError(f"{what} is no recording that can be decoded: {error}") from error
    if not 1000 <= rate <= 768_000:
        raise ConversionError(f"{what} has a sample rate of {rate} Hz, which no recording has")
    return samples, rate
