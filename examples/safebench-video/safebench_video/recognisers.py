"""Read or hear videos with the recognisers of their pictures and of their sound."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import field_validator

from safebench import registry
from safebench.errors import BadInput
from safebench.planning import recogniser_class
from safebench.plugins import PluginOptions, Recogniser
from safebench.rendering import prepare_recogniser, recognise
from safebench.types import Media
from safebench_video import mp4

SAMPLES = 3  # frames that are read: the middle one of each third


def texts_of(found: Iterable[str]) -> str:
    """What the frames say, in order, without what was said before."""
    return "\n".join(dict.fromkeys(text for text in found if text))


class VideoFrames(Recogniser):
    name = "video-frames"
    summary = "reads text in three frames of a video, offline"
    version = f"1 rapidocr {registry.load(Recogniser, 'rapidocr').version}"
    needs = ("rapidocr", "onnxruntime")
    extra = "embedded"
    medium = "video"

    def recognise(self, media: Media) -> str:
        return texts_of(recognise("rapidocr", frame) for frame in mp4.frames(media, SAMPLES))


class VideoSound(Recogniser):
    name = "video-sound"
    summary = "hears a video's sound track: video-sound:NAME, with the name of a recogniser of speech"
    medium = "video"

    class Options(PluginOptions):
        argument: str  # NAME[:ARGUMENT]

        @field_validator("argument")
        @classmethod
        def _hears(cls, value: str) -> str:
            if recogniser_class(value).medium != "audio":
                raise BadInput(f"recogniser {value!r} hears no speech: see `safebench list recognisers`")
            return value

    def check(self) -> None:
        prepare_recogniser(self.options.argument)

    def recognise(self, media: Media) -> str:
        return recognise(self.options.argument, mp4.sound(media))
