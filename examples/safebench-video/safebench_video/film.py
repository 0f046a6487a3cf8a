"""The converter `film`: holds a picture while a voice speaks the text."""

import io
from dataclasses import replace
from typing import Any

import soundfile
from pydantic import Field

from converters.pictures import decode
from safebench import registry
from safebench.errors import ConversionError
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media
from safebench_video import mp4


class Film(Converter):
    name, version = "film", mp4.VERSION
    summary = "a picture held while a voice speaks the text, as MP4"
    takes, gives = "image", "video"
    varies = True  # as the voice does

    class Options(PluginOptions):
        voice: str = "en-us+f5"  # as `words_per_minute` an option of the converter `espeak`
        words_per_minute: int = 150
        seconds: float = Field(3.0, gt=0, le=600)  # the picture is held so long, or until the sound ends
        frames_per_second: int = Field(5, ge=1, le=30)

        def versions(self) -> list[str]:
            return [registry.load(Converter, "espeak").version]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        spoken = {"voice": self.options.voice, "words_per_minute": self.options.words_per_minute}
        self._speaker = registry.create(Converter, "espeak", "the sound of film", **spoken)

    def check(self) -> None:
        self._speaker.check()  # before a run: whether there is such a voice

    def convert(self, work: Work) -> Media:
        try:
            picture = decode(work.media.read() if work.media else b"")
        except ValueError as error:
            raise ConversionError(f"query {work.query.id!r}: film: {error}") from error
        speech = self._speaker.convert(replace(work, media=None)).read()
        samples, rate = soundfile.read(io.BytesIO(speech), dtype="int16")
        seconds = max(self.options.seconds, len(samples) / rate)
        return Media.of("video", mp4.MIME, mp4.write(picture, samples, rate, seconds, self.options.frames_per_second))
