"""Human recordings from a folder, found by the query's id."""

from __future__ import annotations

from typing import Any

from converters.given_files import FolderOptions, GivenFiles
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

    class Options(FolderOptions, SpeechOptions):
        pass

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._files = GivenFiles(self.options, ENDINGS, "recording")

    def speak(self, work: Work) -> Spoken:
        data, name = self._files.read(work.query.id)
        return whole_recording(data, f"the recording {name!r}")
