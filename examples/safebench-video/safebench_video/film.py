"""The converter `film`: holds a picture while the text is spoken."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import soundfile
from pydantic import Field

from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.pictures import decode
from safebench.plugins import Converter, PluginOptions, Work
from safebench.recipes import Step
from safebench.types import TEXT, Media
from safebench_video import mp4


class Film(Converter):
    name = "film"
    summary = "a picture held while a voice speaks the text, as MP4"
    version = mp4.VERSION
    takes = "image"
    gives = "video"
    varies = True  # as the voice does

    class Options(PluginOptions):
        sound: tuple[Step, ...] = (Step(use="espeak"),)  # the chain of converters that speaks the text
        seconds: float = Field(3.0, gt=0, le=600)  # the picture is held so long, or until the sound ends
        frames_per_second: int = Field(5, ge=1, le=30)

        def voice(self) -> list[Converter]:
            return [registry.create(Converter, step.use, "the sound of film", **step.options) for step in self.sound]

        def versions(self) -> Iterable[str]:
            return [version for one in self.voice() for version in (one.version, *one.options.versions())]

        def files(self) -> Iterable[Path]:
            return [file for one in self.voice() for file in one.options.files()]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._voice = self.options.voice()
        chain = [TEXT, *(one.gives for one in self._voice)]
        if [one.takes for one in self._voice] != chain[:-1] or TEXT in chain[1:] or chain[-1] != "audio":
            told = ", ".join(chain[1:]) or "nothing"
            raise BadInput(f"the sound of film has to go from text to audio, and its steps give {told}")

    def check(self) -> None:
        for converter in self._voice:
            converter.check()

    def convert(self, work: Work) -> Media:
        if work.media is None:
            raise ConversionError(f"query {work.query.id!r}: film: put a step that makes a picture before this one")
        try:
            picture = decode(work.media.read())
            samples, rate = soundfile.read(io.BytesIO(self._speak(work)), dtype="int16", always_2d=True)
        except (ValueError, soundfile.SoundFileError) as error:
            raise ConversionError(f"query {work.query.id!r}: film: {error}") from error
        seconds = max(self.options.seconds, len(samples) / rate)
        mono = samples.mean(axis=1).round().astype("int16")
        data = mp4.write(picture, mono, rate, seconds, self.options.frames_per_second)
        return Media.of("video", mp4.MIME, data)

    def _speak(self, work: Work) -> bytes:
        """What the chain makes of the same text."""
        media = None
        for number, converter in enumerate(self._voice, work.step + 1):
            media = converter.convert(replace(work, media=media, step=number))
        return media.read() if media else b""
