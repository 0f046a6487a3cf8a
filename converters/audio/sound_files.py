"""Reads clips: the one that an effect gets, and those that a user names in an option."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import soundfile

from converters import recordings
from converters.recordings import Samples
from converters.text_to_speech.waveform import resample
from safebench.errors import BadInput, ConversionError

RATES = (4000, 192_000)  # Hz; a header that names another one is wrong
LONGEST = 600.0  # s of a user's file


def decode(data: bytes) -> tuple[Samples, int]:
    """Samples of one channel (the mean of all), full scale 1.0, and their rate in Hz.

    Raises ConversionError for bytes that are no recording, a header that does not fit what follows it, a clip without
    samples, and samples that are not finite numbers.
    """
    try:
        recordings.refuse_cut(data)
        channels, rate = recordings.decode(data)
    except ValueError as error:
        raise ConversionError(f"the recording cannot be decoded: {error}") from error
    if not RATES[0] <= rate <= RATES[1]:
        raise ConversionError(f"the recording's header names a rate of {rate} Hz")
    return channels.mean(axis=1), rate


class Recording:
    """A file that a user named. Raises BadInput, naming `option`, where it is missing or no recording."""

    def __init__(self, path: Path, option: str) -> None:
        self.path = path
        if not path.is_file():
            raise BadInput(f"{option} = {str(path)!r}: there is no such file (paths start at the working directory)")
        try:
            seconds = soundfile.info(str(path)).duration
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise BadInput(f"{option} = {str(path)!r} cannot be read as a recording: {error}") from error
        if not 0 < seconds <= LONGEST:
            raise BadInput(f"{option} = {str(path)!r} lasts {seconds:.0f} s; it has to be above 0 and up to {LONGEST}")
        self._at: dict[int, Samples] = {}

    @cached_property
    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ConversionError(f"{self.path.name} cannot be read any more: {error}") from error

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self._bytes).hexdigest()

    def at(self, rate: int) -> Samples:
        """One channel, (frames,), resampled to `rate` Hz. Raises ConversionError for a file in which nothing sounds."""
        if rate not in self._at:
            samples, own = decode(self._bytes)
            if not samples.any():
                raise ConversionError(f"{self.path.name} is silent")
            self._at[rate] = resample(samples, own, rate)
        return self._at[rate]


def recordings_in(folder: Path, option: str) -> list[Recording]:
    """The recordings of a folder by name, others left out. Raises BadInput where there is none."""
    if not folder.is_dir():
        raise BadInput(f"{option} = {str(folder)!r}: there is no such folder (paths start at the working directory)")
    endings = {f".{ending.lower()}" for ending in soundfile.available_formats()} | {".opus"}
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings and path.is_file())
    if not files:
        raise BadInput(f"{option} = {str(folder)!r}: there is no recording in this folder")
    return [Recording(file, option) for file in files]
