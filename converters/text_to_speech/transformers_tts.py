"""Speech by a local transformers model: VITS and MMS, SpeechT5, Bark and others that read a text aloud.

Clips are made one by one. In a batch, VITS draws its noise for all clips together, and its vocoder runs from the end of
a shorter clip on into the padding: even with the noise turned off, the last 22 ms of a clip changed by more than its
peak. A clip would depend on those that happen to be made beside it.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from converters.local_options import LocalOptions
from converters.text_to_speech import waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.transformers_text import check_text
from converters.text_to_speech.transformers_voices import Parameters, voice_parameters
from safebench.errors import BadInput, ConversionError
from safebench.models.torch_backend import (
    check_exists,
    choose_device,
    existing,
    import_transformers,
    installed,
    load_problem,
    only_weights,
    reproducible,
    seed_of,
    to_numpy,
)
from safebench.plugins import Work

# They give sound for a text, but do not read it aloud: they play music to it, or answer it.
NO_READERS = frozenset({"musicgen", "musicgen_melody", "qwen2_5_omni", "qwen3_omni_moe"})


class TransformersTts(SpeechEngine):
    name = "transformers-tts"
    summary = "speech by a local transformers model: VITS/MMS, SpeechT5, Bark, …"
    version = f"2 transformers {installed('transformers')} torch {installed('torch')} {waveform.VERSION}"
    needs = ("torch", "transformers")
    extra = "local"
    varies = True

    class Options(LocalOptions, SpeechOptions):
        revision: str | None = None  # of a published model; a branch can move, so name a commit
        speaker: int | str | None = None  # number of a speaker, or name of a voice preset
        language: str | None = None  # for models of several languages
        vocoder: str | None = None  # for models that give spectrograms (SpeechT5): folder or published name
        speaker_embedding: Path | None = None  # .npy, for models that take one (SpeechT5)
        dtype: Literal["auto", "float32", "float16", "bfloat16"] = "float32"
        trust_remote_code: bool = False  # runs Python code that comes with the model: only for a model you trust

        def files(self) -> list[Path]:
            return existing(self.model, self.vocoder, self.speaker_embedding)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        for name in ("model", "vocoder"):
            check_exists(name, getattr(self.options, name))
        embedding = self.options.speaker_embedding
        self._embedding = read_embedding(embedding) if embedding else None

    def check(self) -> None:
        _ = self._loaded

    @property
    def language(self) -> str | None:
        """As the options say, or as a published model is named: facebook/mms-tts-eng."""
        named = re.search(r"mms-tts-([a-z]{3})\b", str(self.options.model))
        return self.options.language or (named[1] if named else None)

    def speak(self, work: Work) -> Spoken:
        pipeline, parameters = self._loaded
        text = check_text(work.text, pipeline.tokenizer, pipeline.model.config)
        with reproducible(seed_of(work), self.options.threads):
            try:
                spoken = pipeline(text, **parameters.as_call())
            except (RuntimeError, ValueError, IndexError, TypeError) as error:
                raise ConversionError(f"{self.options.model} could not speak the text: {error}") from error
        return to_numpy(spoken["audio"]), int(spoken["sampling_rate"])

    @cached_property
    def _loaded(self) -> tuple[Any, Parameters]:
        """The pipeline, and the voice's parameters. Raises BadInput when the model or the voice cannot be used."""
        transformers = import_transformers(f"converter {self.name!r}")
        device = choose_device(self.options.device)
        try:
            with only_weights():
                pipeline = self._pipeline(transformers, device)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise BadInput(f"model {self.options.model!r} cannot be loaded: {load_problem(error)}") from error
        return pipeline, voice_parameters(pipeline, self.options, self._embedding)

    def _pipeline(self, transformers: Any, device: str) -> Any:
        source = {"revision": self.options.revision, "trust_remote_code": self.options.trust_remote_code}
        config = transformers.AutoConfig.from_pretrained(self.options.model, **source)
        if config.model_type in NO_READERS:
            raise BadInput(f"model {self.options.model!r} ({config.model_type}) does not read a text aloud")
        auto, vocoder = self._classes(transformers, config)
        model = auto.from_pretrained(self.options.model, use_safetensors=True, dtype=self.options.dtype, **source)
        return transformers.pipeline(
            "text-to-audio",
            model=model.eval(),
            tokenizer=transformers.AutoTokenizer.from_pretrained(self.options.model, **source),
            processor=self._processor(transformers, source),
            vocoder=vocoder.to(device) if vocoder is not None else None,
            device=device,
        )

    def _classes(self, transformers: Any, config: Any) -> tuple[Any, Any]:
        """The Auto class for this model, and its vocoder where it gives a spectrogram."""
        if type(config) not in transformers.MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING:
            if self.options.vocoder is not None:
                raise BadInput(f"model {self.options.model!r} gives speech itself: leave out `vocoder`")
            return transformers.AutoModelForTextToWaveform, None
        if self.options.vocoder is None:
            raise BadInput(f"model {self.options.model!r} gives a spectrogram: name a `vocoder` (SpeechT5HifiGan)")
        vocoder = transformers.SpeechT5HifiGan.from_pretrained(self.options.vocoder, use_safetensors=True)
        return transformers.AutoModelForTextToSpectrogram, vocoder.eval()

    def _processor(self, transformers: Any, source: dict[str, Any]) -> Any:
        """None where the model has a tokenizer only."""
        try:
            processor = transformers.AutoProcessor.from_pretrained(self.options.model, **source)
        except (OSError, ValueError):
            return None
        return processor if isinstance(processor, transformers.ProcessorMixin) else None


def read_embedding(file: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A speaker embedding, (1, dimensions). Raises BadInput for a file that is no plain array of numbers."""
    try:
        array = np.load(file, allow_pickle=False)  # with pickles, a file could run code
        vector = np.asarray(array, dtype=np.float32).reshape(1, -1)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise BadInput(f"speaker_embedding {file} is no .npy file with numbers: {error}") from error
    if not vector.size or not np.isfinite(vector).all():
        raise BadInput(f"speaker_embedding {file} is empty, or holds numbers that are not finite")
    return vector
