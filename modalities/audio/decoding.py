"""Decodes the bytes of a recording."""

from __future__ import annotations

import io

from converters import recordings
from converters.recordings import Samples
from safebench.types import Media


def decode(media: Media) -> tuple[Samples, int]:
    """Samples of one channel (the mean of all), and their rate in Hz. Raises ValueError for what is no recording."""
    try:
        channels, rate = recordings.decode(media.read())
    except ValueError as error:
        raise ValueError(f"the recording cannot be decoded: {error}") from error
    return channels.mean(axis=1) if channels.shape[1] > 1 else channels[:, 0], rate


def duration(media: Media | None) -> float | None:
    """In s, from the header; None where there is no recording. Raises as Media.read does."""
    import soundfile

    if media is None:
        return None
    data = media.read()
    if (header := recordings.plain(data)) is not None:
        return header.frames / header.rate
    try:
        return float(soundfile.info(io.BytesIO(data)).duration)
    except (soundfile.SoundFileError, RuntimeError):
        return None
