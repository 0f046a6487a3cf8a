"""The converter `film`: holds a picture while the text is spoken."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
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

    class Options(PluginOptions):
        sound: tuple[Step, ...] = (Step(use="espeak"),)  # the chain of converters that speaks the text
        seconds: float = Field(3.0, gt=0, le=600)  # the picture is held so long, or until the sound ends
        frames_per_second: int = Field(5, ge=1, le=30)

        def nested(self) -> Iterable[Step]:
            return self.sound

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        where = "the sound of converter 'film'"
        self._voice = [registry.create(Converter, step.use, where, **step.options) for step in self.options.sound]
        chain = [TEXT, *(converter.gives for converter in self._voice)]
        fits = [converter.takes for converter in self._voice] == chain[:-1]
        if not fits or TEXT in chain[1:] or chain[-1] != "audio":
            raise BadInput(
                f"{where} has to go from text to audio, and its steps give {', '.join(chain[1:]) or 'nothing'}"
            )

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
