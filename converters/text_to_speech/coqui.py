"""Speech by a Coqui TTS model (PyPI `coqui-tts`): many voices, many languages, and cloned voices."""

from __future__ import annotations

import pickle
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from converters.local_options import LocalOptions
from converters.text_to_speech import waveform
from converters.text_to_speech.coqui_files import ModelFiles, find_model
from converters.text_to_speech.coqui_text import check_text, splits_faithfully
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from safebench.errors import BadInput, ConversionError, unknown
from safebench.models.torch_backend import (
    choose_device,
    existing,
    import_local,
    installed,
    only_weights,
    reproducible,
    seed_of,
    to_numpy,
)
from safebench.plugins import Work


class Coqui(SpeechEngine):
    name = "coqui"
    summary = "speech by a Coqui TTS model on this machine"
    version = f"2 coqui-tts {installed('coqui-tts')} torch {installed('torch')} {waveform.VERSION}"
    needs = ("TTS", "torch", "torchaudio")
    extra = "local"
    varies = True

    class Options(LocalOptions, SpeechOptions):
        speaker: str | None = Field(None, min_length=1)  # for models of several voices
        language: str | None = Field(None, min_length=1)  # for models of several languages
        reference: Path | None = None  # a clip of the voice to be cloned, for models that clone

        def files(self) -> list[Path]:
            return existing(self.model, self.reference)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._files = find_model(self.options.model)
        if self.options.reference is not None and not self.options.reference.is_file():
            raise BadInput(f"reference {str(self.options.reference)!r} is no file")

    def check(self) -> None:
        _ = self._loaded

    @property
    def language(self) -> str | None:
        """As the options say, or as a published model is named: tts_models/en/vctk/vits."""
        named = re.match(r"tts_models/([a-z]{2,3})/", str(self.options.model))
        return self.options.language or (named[1] if named else None)

    def speak(self, work: Work) -> Spoken:
        tts = self._loaded
        text = check_text(work.text, getattr(tts.synthesizer.tts_model, "tokenizer", None), self.options.language)
        with reproducible(seed_of(work), self.options.threads), only_weights():
            try:
                samples = tts.tts(
                    text, split_sentences=splits_faithfully(tts, text, self.options.language), **self._voice
                )
            except Exception as error:  # what a model raises for a text that it cannot say has no common type
                kind = type(error).__name__
                raise ConversionError(f"{self.options.model} could not speak the text: {kind}: {error}") from error
        return to_numpy(samples), int(tts.synthesizer.output_sample_rate)

    @property
    def _voice(self) -> dict[str, Any]:
        reference = self.options.reference
        return {
            "speaker": self.options.speaker,
            "language": self.options.language,
            "speaker_wav": str(reference) if reference else None,
        }

    @cached_property
    def _loaded(self) -> Any:
        """Coqui's TTS object. Raises BadInput when the model or the voice cannot be used."""
        import_local("torch", f"converter {self.name!r}")
        import_local("torchaudio", f"converter {self.name!r}")
        api = import_local("TTS.api", f"converter {self.name!r}")
        device = choose_device(self.options.device)
        with only_weights():
            tts = load(api.TTS, self.options.model, self._files).to(device)
        check_voice(tts, self.options)
        return tts


def load(factory: Any, model: str, files: ModelFiles | None) -> Any:
    """Coqui's TTS object for files on this disk, or for a published model. Raises BadInput where there is none."""
    try:
        if files is not None:
            return factory(model_path=str(files.weights), config_path=str(files.config), progress_bar=False)
        return factory(published(factory, model), progress_bar=False)
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))
        raise BadInput(
            f"model {model!r} is refused: its checkpoint is a pickle that holds more than weights"
            f"{f' ({refused[1]})' if refused else ''}, and loading it could run code"
        ) from error
    except EOFError as error:  # its question about the licence found nobody to answer
        raise BadInput(f"model {model!r} asks to accept its licence: read it, then set COQUI_TOS_AGREED=1") from error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError, AttributeError) as error:
        raise BadInput(f"model {model!r} cannot be loaded: {type(error).__name__}: {error}") from error


def published(factory: Any, model: str) -> str:
    """The name of a published model. Raises BadInput for another one, with the nearest."""
    known = factory().models
    if model not in known and "fairseq" not in model:
        raise unknown("Coqui model", model, known, "option `model`, which is no file or folder either")
    return model


def check_voice(tts: Any, options: Any) -> None:
    """Raises BadInput for a speaker, language or reference that the model does not have, or needs and did not get."""
    where = f"model {options.model!r}"
    _check_reference(tts, options, where)
    if options.reference is None:
        if tts.is_multi_speaker and not tts.speakers:
            raise BadInput(f"{where} has no voice of its own: give it a clip to clone with `reference`")
        _check_choice("speaker", options.speaker, tts.speakers if tts.is_multi_speaker else None, where)
    _check_choice("language", options.language, tts.languages if tts.is_multi_lingual else None, where)


def _check_reference(tts: Any, options: Any, where: str) -> None:
    if options.reference is None:
        return
    if not tts.synthesizer.tts_model.config.supports_cloning:
        raise BadInput(f"{where} cannot clone a voice: leave out `reference`")
    if options.speaker is not None:  # Coqui would keep the cloned voice on disk under that name, for later runs
        raise BadInput(f"{where}: name a `speaker` or a `reference`, not both")


def _check_choice(option: str, chosen: str | None, known: list[str] | None, where: str) -> None:
    """`known` is None where the model has one only, and there is nothing to choose."""
    if known is None:
        if chosen is not None:
            raise BadInput(f"{where} has one {option} only: leave out `{option}`")
    elif chosen is None:
        some = ", ".join(sorted(known)[:8])
        raise BadInput(f"{where} has {len(known)} {option}s: name one with `{option}`, e.g. {some}")
    elif chosen not in known:
        raise unknown(f"Coqui {option}", chosen, known, where)
