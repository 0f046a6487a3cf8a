"""Human recordings from a folder, found by the query's id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converters.given_files import GivenFiles
from converters.recordings import whole_recording
from converters.text_to_speech import waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from safebench.models.torch_backend import installed
from safebench.plugins import Work

ENDINGS = (".wav", ".flac", ".mp3", ".ogg")


class Recorded(SpeechEngine):
    name = "recorded"
    summary = "human recordings from a folder, one file for each query id"
    version = f"1 soundfile {installed('soundfile')} {waveform.VERSION}"

    class Options(SpeechOptions):
        separator: str | None = None  # in ids, where a folder begins: with "-", the recording of 3-17 is 3/17.wav
        folder: Path  # holds ID.wav, .flac, .mp3 or .ogg; index.csv (id,file) for ids that are no file names

        def files(self) -> list[Path]:
            return [self.folder]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._files = GivenFiles(self.options.folder, ENDINGS, "recording", self.options.separator)

    def speak(self, work: Work) -> Spoken:
        data, name = self._files.read(work.query.id)
        return whole_recording(data, f"the recording {name!r}")
