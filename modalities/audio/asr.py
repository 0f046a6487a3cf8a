"""Hears with a local speech-recognition model of transformers: Whisper and its kin, Wav2Vec2 and other CTC models."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from converters.recordings import Samples
from converters.text_to_speech.waveform import resample
from modalities.audio.decoding import decode
from modalities.audio.signal import is_silent
from modalities.audio.splitting import pieces
from safebench.errors import BadInput, SafeBenchError
from safebench.models.torch_backend import check_exists, choose_device, import_transformers, installed, load_problem
from safebench.plugins import PluginOptions, Recogniser
from safebench.types import Media

LONGEST = 30.0  # s heard at once: what Whisper takes, and what attention over a CTC model's frames can hold
SHORTEST = 0.1  # s; CTC models need some frames, so a shorter rest is filled with silence


class TransformersAsr(Recogniser):
    """Written `transformers-asr:MODEL`: a folder, or the name of a published model, which is then downloaded.

    Greedy and in float32, so the same clip gives the same text on the same device. A multilingual Whisper finds the
    language by itself. Only safetensors are loaded, and no code that comes with a model.
    """

    name = "transformers-asr"
    summary = "hears with a local transformers model (Whisper, Wav2Vec2, …): transformers-asr:MODEL"
    version = f"1 transformers {installed('transformers')} torch {installed('torch')}"
    needs = ("torch", "transformers")
    extra = "local"
    medium = "audio"

    class Options(PluginOptions):
        argument: str = Field(min_length=1)  # the model
        device: str = "auto"  # auto: the GPU where there is one, else the CPU; or a device of torch
        threads: int = Field(1, ge=1)  # CPU threads of a worker process; another number rounds differently

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists(f"recogniser {self.name!r}: model", self.options.argument)

    @classmethod
    def language(cls, options: Any) -> str | None:
        """English, of a Whisper that is made for it alone."""
        return "en" if options.argument.endswith(".en") else None

    def check(self) -> None:
        _ = self._engine

    def recognise(self, media: Media) -> str:
        """Raises ValueError for undecodable media, BadInput for a model that cannot be used, SafeBenchError else."""
        samples, rate = decode(media)
        if is_silent(samples):
            return ""  # Whisper would hear "Thank you." even there
        engine = self._engine
        heard = resample(samples, rate, engine.rate)
        try:
            texts = [engine.hear(chunk) for chunk in pieces(heard, engine.rate, LONGEST) if not is_silent(chunk)]
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise SafeBenchError(f"{self.options.argument} could not hear the clip: {load_problem(error)}") from error
        return " ".join(text for text in texts if text)

    @cached_property
    def _engine(self) -> _Engine:
        transformers = import_transformers(f"recogniser {self.name!r}")
        try:
            return _Engine(transformers, self.options)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise BadInput(f"model {self.options.argument!r} cannot be loaded: {load_problem(error)}") from error


class _Engine:
    """A loaded model with its processor."""

    def __init__(self, transformers: Any, options: Any) -> None:
        source = {"trust_remote_code": False}
        config = transformers.AutoConfig.from_pretrained(options.argument, **source)
        self._ctc = type(config) in transformers.MODEL_FOR_CTC_MAPPING
        auto = transformers.AutoModelForCTC if self._ctc else transformers.AutoModelForSpeechSeq2Seq
        model = auto.from_pretrained(options.argument, use_safetensors=True, dtype="float32", **source)
        self._processor = transformers.AutoProcessor.from_pretrained(options.argument, **source)
        self._model = model.to(choose_device(options.device)).eval()
        self._threads = options.threads
        self._allow_choices()
        self.rate = int(self._processor.feature_extractor.sampling_rate)

    def _allow_choices(self) -> None:
        """Whisper refuses to be told a task while its generation settings count as derived from the model's config."""
        settings = getattr(self._model, "generation_config", None)
        if settings is not None:
            settings._from_model_config = False

    def hear(self, samples: Samples) -> str:
        """The text in at most LONGEST seconds at the model's rate."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                tokens = self._tokens(self._inputs(samples))
        finally:
            torch.set_num_threads(before)
        return str(self._processor.tokenizer.batch_decode(tokens, **self._decoding)[0]).strip()

    def _inputs(self, samples: Samples) -> Any:
        filled = np.pad(samples, (0, max(0, round(SHORTEST * self.rate) - samples.size)))
        extractor = self._processor.feature_extractor
        inputs = extractor(filled, sampling_rate=self.rate, return_tensors="pt", return_attention_mask=True)
        return inputs.to(self._model.device)

    def _tokens(self, inputs: Any) -> Any:
        if self._ctc:
            return self._model(**inputs).logits.argmax(dim=-1)
        return self._model.generate(**inputs, do_sample=False, num_beams=1, **self._task)

    @property
    def _task(self) -> dict[str, str]:
        """A multilingual Whisper can also translate, which is no hearing; the others refuse to be told a task."""
        settings = self._model.generation_config
        has_tasks = getattr(settings, "is_multilingual", False) and getattr(settings, "task_to_id", None)
        return {"task": "transcribe"} if has_tasks else {}

    @property
    def _decoding(self) -> dict[str, bool]:
        """CTC tokenizers take the special tokens out by themselves, as part of joining repeated ones."""
        return {} if self._ctc else {"skip_special_tokens": True}
