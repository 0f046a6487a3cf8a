"""Neural speech by Kokoro-82M through onnxruntime, on the CPU, without torch; its phonemes are espeak-ng's."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from converters.text_to_speech import kokoro_sounds, waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.espeak import speakable
from converters.text_to_speech.espeak_client import espeak_client
from converters.text_to_speech.forked import ChildFailed
from converters.text_to_speech.onnx import samples_of, session_of
from safebench.errors import BadInput, ConversionError, check_known
from safebench.models import weights
from safebench.models.torch_backend import check_exists, installed
from safebench.plugins import Work

NAME = "kokoro"
RATE = 24000  # Hz
SLOWER = 0.9  # with each attempt


class Kokoro(SpeechEngine):
    """English by any of Kokoro's speakers. The same text gives the same bytes: the model draws nothing."""

    name = NAME
    summary = "neural English speech by Kokoro-82M, on this machine"
    version = (
        f"1 onnxruntime {installed('onnxruntime')} espeakng-loader {installed('espeakng-loader')} {waveform.VERSION}"
    )
    needs = ("onnxruntime", "espeakng_loader")
    extra = "embedded"
    varies = True

    class Options(SpeechOptions):
        voice: str = Field(min_length=1)  # a speaker: af_heart, jf_alpha, …
        model: Path | None = None  # a folder with the model (.onnx) and the speakers (.npz or .bin)
        language: Literal["en-us", "en-gb"] = "en-us"  # how English is pronounced
        speed: float = Field(1.0, ge=0.5, le=2.0)

        def files(self) -> Iterable[Path]:
            return [*_in_folder(self.model)] if self.model and self.model.is_dir() else []

        def versions(self) -> Iterable[str]:
            return () if self.model else weights.digests(NAME)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists("model", None if self.options.model is None else str(self.options.model))

    @classmethod
    def missing(cls, options: Any) -> str | None:
        return super().missing(options) or (None if options.model else weights.missing(NAME))

    def check(self) -> None:
        _ = self._style

    @property
    def language(self) -> str:
        return str(self.options.language)

    def speak(self, work: Work) -> Spoken:
        language = self.options.language
        text = speakable(work.text, language)
        try:
            pieces = kokoro_sounds.pieces(text, espeak_client(language).phonemes)
        except ChildFailed as error:
            raise ConversionError(f"espeak-ng could not read the text: {error}") from error
        speed = self.options.speed * SLOWER**work.attempt
        return np.concatenate([self._samples(piece, speed) for piece in pieces]), RATE

    def _samples(self, sounds: list[int], speed: float) -> Any:
        """At RATE. How it is said depends on the number of sounds."""
        session, _ = _loaded(self.options.model)
        given = {
            session.get_inputs()[0].name: np.array([[0, *sounds, 0]], np.int64),
            "style": self._style[min(len(sounds), len(self._style)) - 1].reshape(1, -1).astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        return samples_of(session, given, self.name)

    @cached_property
    def _style(self) -> Any:
        """(number of sounds, 1, 256). Raises BadInput for a speaker that there is not."""
        _, voices = _loaded(self.options.model)
        check_known("speaker", self.options.voice, voices, f"converter {self.name!r}")
        return voices[self.options.voice]


@lru_cache(maxsize=2)
def _loaded(folder: Path | None) -> tuple[Any, Mapping[str, Any]]:
    """The session and the voices. One a process: recipes that share a model share what is loaded."""
    model, voices = (file.read_bytes() for file in _in_folder(folder)) if folder else _from_packages()
    try:
        with np.load(io.BytesIO(voices)) as speakers:  # no pickles: a file could run code
            styles = {name: speakers[name] for name in speakers.files}
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"the speakers of {NAME} cannot be read: {error}") from error
    return session_of(model, f"model of {NAME}"), styles


def _from_packages() -> tuple[bytes, bytes]:
    packaged = weights.find(NAME)
    if packaged is None:
        raise BadInput(f"{NAME} has no weights: {weights.known(NAME)[0].command}, or name a folder with `model`")
    files = packaged.read()
    return files["model.onnx"], files["voices.npz"]


def _in_folder(folder: Path) -> tuple[Path, Path]:
    """The model and the speakers. Raises BadInput where either is not there exactly once."""
    models, voices = sorted(folder.glob("*.onnx")), sorted([*folder.glob("*.npz"), *folder.glob("*.bin")])
    if len(models) != 1 or len(voices) != 1:
        raise BadInput(
            f"{folder} has to hold one model (.onnx) and its speakers in one file (.npz or .bin), as Kokoro's exports"
            f" have them; it holds {len(models)} and {len(voices)}"
        )
    return models[0], voices[0]
