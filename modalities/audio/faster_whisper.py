"""Hears by Whisper without torch, through faster-whisper (CTranslate2)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import field_validator

from converters.recordings import Samples
from converters.text_to_speech.waveform import resample
from modalities.audio.decoding import decode
from modalities.audio.signal import is_silent
from modalities.audio.splitting import pieces
from safebench.errors import BadInput, SafeBenchError, unknown
from safebench.models import weights
from safebench.models.torch_backend import check_exists, existing, installed
from safebench.plugins import PluginOptions, Recogniser
from safebench.types import Media

NAME = "faster-whisper"
RATE = 16000  # Hz
WINDOW, SHORT = 30.0, 15.0  # s that Whisper hears at once; a short clip need not be filled up to the whole of it
ROOM = 3.0  # s of silence after a clip in the short window: without any it repeats itself
FRAMES = 100  # a second

# One hypothesis by the likeliest tokens, and nothing that depends on chance or on what was heard before.
GREEDY = {
    "beam_size": 1,
    "temperature": 0.0,  # a list would be tried in turn, the rest by chance
    "condition_on_previous_text": False,
    "without_timestamps": True,
}


class FasterWhisper(Recogniser):
    """Written `faster-whisper[:MODEL][@LANGUAGE]`: a folder, or a size, which is fetched where no package holds it.

    Without a model it takes the first of data/weights.toml that is installed. A model of several languages finds out
    the language of each clip by itself: told one, it would translate others into it, and a clip in the wrong language
    could pass for the right one. In int8, on one thread, so that worker processes add up.
    """

    name = NAME
    summary = "hears by Whisper, without torch: faster-whisper[:MODEL][@LANGUAGE]"
    version = f"2 faster-whisper {installed('faster-whisper')} ctranslate2 {installed('ctranslate2')}"
    needs = ("faster_whisper",)
    extra = "hearing"
    medium = "audio"

    class Options(PluginOptions):
        argument: str = ""  # [MODEL][@LANGUAGE]

        @field_validator("argument")
        @classmethod
        def _can_be_read(cls, argument: str) -> str:
            split_argument(argument)
            return argument

        def files(self) -> Iterable[Path]:
            return existing(self.model) if self.model else ()

        def versions(self) -> Iterable[str]:
            return weights.digests(NAME, self.model)

        @property
        def model(self) -> str:
            return split_argument(self.argument)[0]

        @property
        def language(self) -> str | None:
            return split_argument(self.argument)[1]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._window = WINDOW
        check_exists(f"recogniser {self.name!r}: model", self.options.model or None)

    @classmethod
    def missing(cls, options: Any) -> str | None:
        return super().missing(options) or (None if options.model else weights.missing(NAME))

    @classmethod
    def language(cls, options: Any) -> str | None:
        """English, of a model that is made for it alone."""
        packaged = weights.find(NAME, options.model)
        model = packaged.argument if packaged else options.model
        return options.language or ("en" if model.endswith(".en") else None)

    def check(self) -> None:
        _ = self._model

    def recognise(self, media: Media) -> str:
        """Raises ValueError for undecodable media, BadInput for a model that cannot be used, SafeBenchError else."""
        samples, rate = decode(media)
        if is_silent(samples):
            return ""  # Whisper would hear "Thank you." even there
        heard = resample(samples, rate, RATE)
        texts = [self._hear(piece) for piece in pieces(heard, RATE, WINDOW) if not is_silent(piece)]
        return " ".join(text for text in texts if text)

    def _hear(self, samples: Samples) -> str:
        """The text in at most WINDOW seconds."""
        model = self._model
        self._window = SHORT if len(samples) / RATE + ROOM <= SHORT else WINDOW
        try:
            segments, _ = model.transcribe(samples.astype(np.float32), language=self.options.language, **GREEDY)
            return " ".join(segment.text.strip() for segment in segments)
        except (RuntimeError, ValueError, IndexError) as error:
            raise SafeBenchError(f"{self.name} could not hear the clip: {error}") from error

    @cached_property
    def _model(self) -> Any:
        from faster_whisper import WhisperModel

        how = {"device": "cpu", "compute_type": "int8", "cpu_threads": 1, "num_workers": 1}
        try:
            model = WhisperModel(**self._source(), **how)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BadInput(f"recogniser {self.name!r}: {self.options.model!r} cannot be loaded: {error}") from error
        self._check_language(model.supported_languages)
        encode = model.encode  # most of the time goes into it, for silence as well
        model.encode = lambda features: encode(features[..., : round(FRAMES * self._window)])
        return model

    def _check_language(self, known: list[str]) -> None:
        if self.options.language not in (None, *known):
            raise unknown("language", self.options.language, known, f"recogniser {self.name!r}")

    def _source(self) -> dict[str, Any]:
        """What is installed, before anything is fetched. Raises BadInput where there is nothing."""
        model = self.options.model
        if model and Path(model).is_dir():
            return {"model_size_or_path": model}
        packaged = weights.find(NAME, model)
        if packaged:
            return {"model_size_or_path": packaged.argument, "files": packaged.read()}
        if not model:
            raise BadInput(f"{self.missing(self.options)}; or name a model: {self.name}:tiny.en")
        pinned = {one.argument: one.revision for one in weights.known(NAME)}
        return {"model_size_or_path": model, "revision": pinned.get(model)}


def split_argument(argument: str) -> tuple[str, str | None]:
    """Model and language of [MODEL][@LANGUAGE]; either may be left out. Raises ValueError for no language's code."""
    model, at, language = argument.rpartition("@")
    if not at:
        return argument, None
    if not (language.isalpha() and language.islower() and len(language) in (2, 3)):
        raise ValueError(f"{language!r} is no code of a language: faster-whisper:MODEL@en")
    return model, language
