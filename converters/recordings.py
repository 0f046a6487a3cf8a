"""Decodes the bytes of a recording, whoever made them."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from safebench.errors import ConversionError

Samples = NDArray[np.float64]  # full scale is 1.0; one channel, (frames,), unless something else is said
_WAV = ("audio/wav", "audio/x-wav", "audio/wave")
TYPES: Mapping[str, tuple[str, ...]] = {  # as a format may be called; any other by its own name
    "WAV": _WAV,
    "WAVEX": _WAV,
    "RF64": _WAV,
    "MP3": ("audio/mpeg", "audio/mp3"),
    "OGG": ("audio/ogg", "audio/opus"),
}
UNKNOWN_FROM = 1_900_000_000  # bytes that a header promises, or none, where its writer did not know the length
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000  # Hz, of recordings
MOST_CHANNELS = 64  # of a file that is read without a decoder
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")  # the whole one of a plain file


class Plain(NamedTuple):
    """What the header of a plain file tells, see `plain`."""

    channels: int
    rate: int  # Hz
    frames: int


def decode(data: bytes) -> tuple[Samples, int]:
    """Samples, (frames, channels) with full scale 1.0, and their rate in Hz.

    Raises ValueError for what is no recording, has no samples, or samples that are not finite numbers.
    """
    data = with_sizes(data)
    if (header := plain(data)) is not None:
        numbers = np.frombuffer(data, "<i2", offset=_HEADER.size).reshape(header.frames, header.channels)
        return np.multiply(numbers, 1 / 32_768, dtype=np.float64), header.rate
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    if not samples.size:
        raise ValueError("it has no samples")
    if not np.isfinite(samples).all():
        raise ValueError("it has samples that are not finite numbers")
    return samples, int(rate)


def check_whole(data: bytes) -> str:
    """Its format. Raises ValueError for what is no whole recording.

    Of a WAV file of whole numbers the header tells, cheaply.
    """
    data = with_sizes(data)
    if plain(data) is not None:
        return "WAV"
    promised = refuse_cut(data)
    try:
        header = soundfile.info(io.BytesIO(data))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if promised and header.frames and header.subtype.startswith("PCM_"):
        return str(header.format)
    frames = len(decode(data)[0])
    if frames < header.frames:
        raise ValueError(f"its header promises {header.frames} samples, and {frames} follow")
    return str(header.format)


def plain(data: bytes) -> Plain | None:
    """What the header of a whole WAV file tells that holds 16-bit numbers and nothing else; None for all others.

    It takes no decoder to read it, and so nothing in it can end the process.
    """
    if len(data) <= _HEADER.size:
        return None
    riff, length, wave, first, size, form, channels, rate, speed, block, bits, then, sound = _HEADER.unpack_from(data)
    is_plain = (
        (riff, wave, first, then) == (b"RIFF", b"WAVE", b"fmt ", b"data")
        and (size, form, bits) == (16, 1, 16)
        and (length, sound) == (len(data) - 8, len(data) - _HEADER.size)
        and 1 <= channels <= MOST_CHANNELS
        and LOWEST_RATE <= rate <= HIGHEST_RATE
        and (block, speed) == (2 * channels, 2 * channels * rate)
        and sound % block == 0
    )
    return Plain(channels, rate, sound // block) if is_plain else None


def check_type(form: str, mime: str) -> None:
    """Raises ValueError where a recording of this format is none of type `mime`."""
    known = TYPES.get(form, (f"audio/{form.lower()}", f"audio/x-{form.lower()}"))
    if mime not in known:
        raise ValueError(f"the recording is {known[0]}, and not {mime} as it says")


def refuse_cut(data: bytes) -> int:
    """How many bytes of sound a WAV file's header promises. Raises ValueError where fewer follow."""
    promised, present = sound_bytes(with_sizes(data))
    if present < promised:
        raise ValueError(f"its header promises {promised} bytes, and {present} follow")
    return promised


def whole_recording(data: bytes, what: str) -> tuple[Samples, int]:
    """As `decode`, of a recording that somebody else made; `what` says in errors where it comes from.

    None of its numbers is trusted. Raises ConversionError for what is no whole recording.
    """
    if not data:
        raise ConversionError(f"{what} is empty")
    size, present = sound_bytes(with_sizes(data))
    if size > present:
        raise ConversionError(f"{what} is cut: {present} of {size} bytes of sound are there")
    try:
        samples, rate = decode(data)
    except ValueError as error:
        raise ConversionError(f"{what} is no recording that can be decoded: {error}") from error
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ConversionError(f"{what} has a sample rate of {rate} Hz, which no recording has")
    return samples, rate


def sound_bytes(data: bytes) -> tuple[int, int]:
    """How many bytes of sound a WAV file's header promises, and how many follow it; (0, 0) where nothing tells.

    The decoder reads as far as the bytes go, so a file that was cut off would pass for a shorter recording.
    """
    at = _sound(data)
    return (0, 0) if at is None else (_size(data, at), len(data) - at - 8)


def with_sizes(data: bytes) -> bytes:
    """The same, with the sizes in the header of a WAV file that was streamed, whose writer did not know them.

    Raises ValueError where another recording follows: a decoder would read the first alone.
    """
    at = _sound(data)
    if at is None:
        return data
    size, present = _size(data, at), len(data) - at - 8
    if not (size == 0 or size >= UNKNOWN_FROM) or size == present:
        after = data[at + 8 + size + size % 2 :]
        if _is_wav(after):
            raise ValueError("several recordings follow one another in it")
        return data
    sizes = struct.pack("<I", len(data) - 8), struct.pack("<I", present)
    return b"".join((data[:4], sizes[0], data[8 : at + 4], sizes[1], data[at + 8 :]))


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _size(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at + 4)[0])


def _sound(data: bytes) -> int | None:
    """Where the chunk with the sound begins in a WAV file."""
    at = 12 if _is_wav(data) else len(data)
    while at + 8 <= len(data):
        if data[at : at + 4] == b"data":
            return at
        at += 8 + _size(data, at) + _size(data, at) % 2
    return None
