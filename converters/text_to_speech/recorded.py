"""Human recordings from a folder, found by the query's id."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from converters.text_to_speech import waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.recordings import decode
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work

ENDINGS = (".wav", ".flac", ".mp3", ".ogg")
INDEX = "index.csv"


class Recorded(SpeechEngine):
    name = "recorded"
    summary = "human recordings from a folder, one file for each query id"
    version = f"1 soundfile {waveform.installed('soundfile')} {waveform.VERSION}"

    class Options(SpeechOptions):
        folder: Path  # holds ID.wav, .flac, .mp3 or .ogg; index.csv (id,file) for ids that are no file names

        def files(self) -> list[Path]:
            return [self.folder]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        if not self.options.folder.is_dir():
            raise BadInput(f"folder {str(self.options.folder)!r} of recordings does not exist")
        self._folder: Path = self.options.folder.resolve()
        self._index = read_index(self._folder / INDEX)

    def speak(self, work: Work) -> Spoken:
        file = self._file(work.query.id)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConversionError(f"the recording {file.name!r} cannot be read: {error.strerror}") from error
        return decode(data, f"the recording {file.name!r}")

    def _file(self, query: str) -> Path:
        """Raises ConversionError when there is none, or more than one."""
        named = self._index.get(query)
        candidates = [named] if named is not None else [plain_name(query) + ending for ending in ENDINGS]
        found = [path for path in (self._inside(candidate) for candidate in candidates) if path.is_file()]
        if not found:
            raise ConversionError(f"there is no recording in {self._folder.name}: looked for {', '.join(candidates)}")
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise ConversionError(f"more than one recording: {names}; keep one, or name it in {INDEX}")
        return found[0]

    def _inside(self, name: str) -> Path:
        """Nobody vouches for ids and the index: no path may lead out of the folder, not even by a link."""
        try:
            path = (self._folder / name).resolve()
        except (OSError, ValueError) as error:
            raise ConversionError(f"{name[:80]!r} is no file name") from error
        if not path.is_relative_to(self._folder):
            raise ConversionError(f"{name[:80]!r} leads out of the folder of recordings")
        return path


def plain_name(query: str) -> str:
    """An id that can be a file name as it is. Raises ConversionError for another one."""
    odd = any(character in '/\\:*?"<>|' or not character.isprintable() for character in query)
    if not query or odd or query.startswith(".") or len(query.encode()) > 200:
        raise ConversionError(f"the id is no plain file name: name its recording in {INDEX}, columns id,file")
    return query


def read_index(file: Path) -> dict[str, str]:
    """File by id; empty where there is no index. Raises BadInput for one that cannot be read."""
    if not file.is_file():
        return {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    problems = [f"{file}, entry {n}: needs an id and a file" for n, row in enumerate(rows, 1) if not _complete(row)]
    index = {row["id"]: row["file"] for row in rows if _complete(row)}
    if not problems and len(index) < len(rows):
        problems = [f"{file}: an id is named twice"]
    if problems:
        raise BadInput(*problems)
    return index


def _complete(row: dict[str, str]) -> bool:
    return bool(row.get("id")) and bool(row.get("file"))
