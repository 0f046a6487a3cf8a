"""A chat model on this machine, whoever runs its network: its processor, media as that takes them, tokens as text."""

from __future__ import annotations

import base64
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy as np
import soundfile
import soxr
from pydantic import Field, FilePath

from safebench.errors import BadInput
from safebench.models.families import plain
from safebench.models.torch_backend import import_transformers, load_problem
from safebench.plugins import PluginOptions
from safebench.targets.hearing import TAIL, samples_heard
from safebench.targets.thinking import is_mark
from safebench.types import TEXT, ScoredToken

Messages = list[dict[str, Any]]  # one conversation in the chat format, media decoded
Place = tuple[Sequence[int], Sequence[float]]  # tokens that could stand in it, and their log-probabilities
READERS = {"image": "image_processor", "audio": "feature_extractor", "video": "video_processor"}  # of a processor


class LocalChatOptions(PluginOptions):
    """How a model is loaded and how it answers."""

    revision: str | None = None  # of a published model; a branch can move, so name a commit
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"  # auto: that of the checkpoint
    batch_size: int = Field(8, ge=1)  # conversations at once; halved by itself where memory does not suffice
    max_new_tokens: int = Field(1024, ge=1)
    chat_template: FilePath | None = None  # a file, in place of the model's own
    trust_remote_code: bool = False  # runs Python code that comes with the model: only for a model you trust
    parameters: Mapping[str, Any] = {}  # of sampling, by the names of who runs the model; greedy when not given
    raw: bool = False  # asked by whole prompts, with special tokens of their own: it needs no chat template
    scores: bool = False  # tells the probabilities of its tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model generated, and how many tokens that took."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finished: bool  # False: it was still talking when `max_new_tokens` was reached
    scored: tuple[ScoredToken, ...] = ()  # the first tokens, where scores are wanted


class TooLong(ValueError):
    """The model would hear only the beginning of a clip."""


class LocalChat(ABC):
    """Nothing is loaded before it is needed: first the processor, then the weights."""

    target: ClassVar[str]  # its name
    options_type: ClassVar[type[LocalChatOptions]]

    def __init__(self, model: str, options: Any) -> None:
        """The user's own chat template is read now: an edited one is another model."""
        self.model = model
        self.options = options
        file = options.chat_template
        self._template = {"chat_template": file.read_text(encoding="utf-8")} if file else {}  # as an argument
        self._heard_whole = 0  # samples of the longest clip that was heard to its end
        self._hears: int | None = None  # samples of a clip, where a limit was found

    @abstractmethod
    def load(self) -> None:
        """Raises BadInput when the model cannot be used."""

    @abstractmethod
    def answer(self, conversations: Sequence[Messages]) -> list[Answer]:
        """One answer for each. Raises torch.OutOfMemoryError, TooLong, and ValueError for what cannot be put to it."""

    # --- loading

    @property
    def _source(self) -> dict[str, Any]:
        return {"revision": self.options.revision, "trust_remote_code": self.options.trust_remote_code}

    @cached_property
    def _transformers(self) -> Any:
        return import_transformers(f"target '{self.target}:{self.model}'")

    @cached_property
    def _processor(self) -> Any:
        """A processor, or the tokenizer of a model of text alone. Raises BadInput."""
        try:
            processor = self._transformers.AutoProcessor.from_pretrained(self.model, **self._source)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise BadInput(f"model {self.model!r} cannot be loaded: {load_problem(error)}") from error
        tokenizer = getattr(processor, "tokenizer", processor)
        own = any(getattr(one, "chat_template", None) for one in (processor, tokenizer))
        if not (own or self.options.chat_template or self.options.raw or _is_mistral(tokenizer)):
            hint = "" if find_spec("mistral_common") else "; one of Mistral's needs pip install 'mistral-common[audio]'"
            raise BadInput(f"model {self.model!r} has no chat template: it is no chat model{hint}")
        tokenizer.padding_side = "left"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return processor

    @property
    def _tokenizer(self) -> Any:
        return getattr(self._processor, "tokenizer", self._processor)

    @property
    def accepts(self) -> frozenset[str]:
        """The media that its processor reads, and text."""
        readers = {medium for medium, name in READERS.items() if getattr(self._processor, name, None) is not None}
        return frozenset({TEXT, *readers})

    # --- asking

    def size(self, messages: Messages) -> int:
        """How long a conversation is, about: conversations of like size make good batches."""
        parts = [part for message in messages for part in _parts(message)]
        return sum(len(part["text"]) if part["type"] == "text" else _size(part) for part in parts)

    def _inputs(self, conversations: Sequence[Messages]) -> Any:
        if self.options.raw:
            return self._tokenizer([whole_prompt(one) for one in conversations], padding=True, return_tensors="pt")
        how = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        how |= self._template
        if self._processor is self._tokenizer:
            return self._processor.apply_chat_template(conversations, padding=True, **how)
        return self._processor.apply_chat_template(conversations, processor_kwargs={"padding": True}, **how)

    def _said(self, tokens: Sequence[int], prompt_tokens: int, *, finished: bool, best: Sequence[Place]) -> Answer:
        """What it said by these tokens, the one that ended it left out."""
        skip = not self._marks_thinking(tokens)
        text = self._tokenizer.decode(tokens, skip_special_tokens=skip).strip()
        scored = tuple(self._scored(tokens[: n + 1], place, skip=skip) for n, place in enumerate(best[: len(tokens)]))
        return Answer(text, prompt_tokens, len(tokens), finished, scored)

    def _scored(self, tokens: Sequence[int], place: Place, *, skip: bool) -> ScoredToken:
        """The last of these tokens, as it stands in the text, and what could have stood in its place."""
        whole, before = (self._tokenizer.decode(part, skip_special_tokens=skip) for part in (tokens, tokens[:-1]))
        likeliest_last = reversed(list(zip(*place, strict=True)))  # of those that look alike, the likeliest stays
        others = {self._tokenizer.decode([token]): logprob for token, logprob in likeliest_last}
        return ScoredToken(whole[len(before) :], others)

    def _marks_thinking(self, tokens: Sequence[int]) -> bool:
        """Whether special tokens mark thinking in it: without them it would be judged as the answer."""
        special = self._tokenizer.convert_ids_to_tokens(sorted(set(tokens) & set(self._tokenizer.all_special_ids)))
        return any(is_mark(str(token), plain()) for token in special)

    # --- media

    def _prepared(self, messages: Messages) -> Messages:
        """Parts as the processor wants them. A model of text alone gets strings."""
        if self._processor is self._tokenizer:
            return [{**m, "content": "\n".join(part["text"] for part in _parts(m))} for m in messages]
        return [{**m, "content": [self._prepared_part(part) for part in _parts(m)]} for m in messages]

    def _prepared_part(self, part: dict[str, Any]) -> dict[str, Any]:
        if part["type"] != "audio":
            return part
        rate = self._processor.feature_extractor.sampling_rate
        clip = _resampled(part["audio"], part["sampling_rate"], rate)
        if clip.size > self._heard_whole:  # whoever hears the end of a clip does not cut a shorter one
            self._check_heard(clip, rate)
            self._heard_whole = clip.size
        return self._clip_part(clip, rate)

    def _clip_part(self, clip: Any, rate: int) -> dict[str, Any]:
        return {
            "type": "audio",
            **({"base64": as_wav(clip, rate)} if _is_mistral(self._tokenizer) else {"audio": clip}),
        }

    def _check_heard(self, clip: Any, rate: int) -> None:
        """Raises TooLong for a clip whose end the processor leaves out."""

        def features(samples: Any) -> Any:
            return self._inputs([[{"role": "user", "content": [self._clip_part(samples, rate)]}]])

        if self._hears is None:
            self._hears = samples_heard(features, clip, rate)
        if self._hears is not None and clip.size >= self._hears + round(TAIL * rate):
            seconds = f"{round(self._hears / rate, 1):g}"
            raise TooLong(
                f"the clip lasts {clip.size / rate:.1f} s and {self.model} hears {seconds} s of it: shorten it, or send"
                f" it in pieces (layout: max_seconds_per_piece = {seconds})"
            )


def _is_mistral(tokenizer: Any) -> bool:
    """It is the one of mistral-common: a template in code, and clips as files."""
    return type(tokenizer).__name__ == "MistralCommonBackend"


def as_wav(clip: Any, rate: int) -> str:
    file = io.BytesIO()
    soundfile.write(file, clip, rate, format="WAV", subtype="FLOAT")
    return base64.b64encode(file.getvalue()).decode()


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _size(part: Mapping[str, Any]) -> int:
    """In characters, about: a second of speech counts as 25, a picture as 1000."""
    return len(part["audio"]) * 25 // part["sampling_rate"] if part["type"] == "audio" else 1000


def _resampled(samples: Any, rate: int, to_rate: int) -> Any:
    return samples if rate == to_rate else np.asarray(soxr.resample(samples, rate, to_rate), dtype=np.float32)


@lru_cache(maxsize=4)
def local_chat(kind: type[LocalChat], model: str, options: str, template: str | None) -> LocalChat:
    """One model in memory for all targets and jurors that use it in the same way.

    `options`: as JSON; `template`: the hash of the file that is named there, by which an edited one is told.
    """
    return kind(model, kind.options_type.model_validate_json(options))


def whole_prompt(messages: Messages) -> str:
    """For a model that is asked without a chat template."""
    return "".join(part["text"] for message in messages for part in _parts(message))
