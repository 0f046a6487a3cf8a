"""A chat model on this machine, run by transformers: `transformers:MODEL`, a folder or a published name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from safebench.errors import BadInput
from safebench.models.torch_backend import choose_device, installed, load_problem
from safebench.targets.endpoint_forms import KEPT, LIKELIEST
from safebench.targets.local_chat import Answer, LocalChat, LocalChatOptions, Messages, Place
from safebench.targets.local_target import LocalTarget


class TransformersOptions(LocalChatOptions):
    """`parameters` are those of `generate`: do_sample, temperature, top_p, …"""

    device: str = "auto"  # auto: the GPU where there is one, else the CPU; or a device of torch
    device_map: str | None = None  # in place of `device`: "auto" spreads a large model over all GPUs (needs accelerate)


class TransformersChat(LocalChat):
    """The network is loaded by the Auto classes, and generates for a whole batch at once."""

    target = "transformers"
    options_type = TransformersOptions

    def load(self) -> None:
        _ = self._network

    @cached_property
    def _network(self) -> Any:
        """The model, ready to generate. Raises BadInput when it cannot be loaded."""
        transformers = self._transformers
        place = {"device_map": self.options.device_map} if self.options.device_map else {}
        try:
            config = transformers.AutoConfig.from_pretrained(self.model, **self._source)
            config = getattr(config, "thinker_config", config)  # of a model that speaks: the part that writes
            many = type(config) in transformers.MODEL_FOR_MULTIMODAL_LM_MAPPING
            auto = transformers.AutoModelForMultimodalLM if many else transformers.AutoModelForCausalLM
            model, loading = auto.from_pretrained(
                self.model, config=config, use_safetensors=True, dtype=self.options.dtype, output_loading_info=True,
                **place, **self._source,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise BadInput(f"model {self.model!r} cannot be loaded: {load_problem(error)}") from error
        if loading["missing_keys"]:
            missing = sorted(loading["missing_keys"])
            raise BadInput(f"model {self.model!r} lacks {len(missing)} of its weights, among them {missing[0]}")
        if model.generation_config.eos_token_id is None:
            model.generation_config.eos_token_id = self._tokenizer.eos_token_id
        if self.options.parameters.get("do_sample"):
            import torch

            torch.seed()  # torch begins every process with the same numbers: a continued run would repeat its draws
        return (model if place else model.to(choose_device(self.options.device))).eval()

    def answer(self, conversations: Sequence[Messages]) -> list[Answer]:
        import torch

        inputs = self._inputs([self._prepared(messages) for messages in conversations])
        network = self._network
        with torch.inference_mode():
            generated = network.generate(
                **_placed(inputs, network),
                max_new_tokens=self.options.max_new_tokens,
                **{"do_sample": False, **self.options.parameters},
                **({"return_dict_in_generate": True, "output_logits": True} if self.options.scores else {}),
            )
        length = inputs["input_ids"].shape[1]
        prompts = inputs["attention_mask"].sum(dim=1).tolist()
        scores = _best(generated.logits) if self.options.scores else []
        rows = zip(generated.sequences if self.options.scores else generated, prompts, strict=True)
        return [self._read(row[length:], prompt, [step[n] for step in scores]) for n, (row, prompt) in enumerate(rows)]

    def _read(self, row: Any, prompt_tokens: int, best: Sequence[Place]) -> Answer:
        ends = self._network.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        tokens = row.tolist()
        said = next((n for n, token in enumerate(tokens) if token in ends), None)
        return self._said(tokens[:said], int(prompt_tokens), finished=said is not None, best=best)


class TransformersTarget(LocalTarget):
    name = "transformers"
    summary = "a chat model on this machine, with what its processor reads: transformers:MODEL"
    version = f"2 transformers {installed('transformers')} torch {installed('torch')}"
    needs = ("torch", "transformers")
    extra = "local"
    chat = TransformersChat
    changeable = LocalTarget.changeable | {"device", "device_map"}

    class Options(TransformersOptions):
        """As those of the model."""


def _placed(inputs: Mapping[str, Any], network: Any) -> dict[str, Any]:
    """On the network's device; what is no number of a token or a place has the network's type."""
    return {
        name: tensor.to(network.device, network.dtype if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in inputs.items()
        if hasattr(tensor, "is_floating_point")
    }


def _best(logits: Sequence[Any]) -> list[list[Place]]:
    """The likeliest tokens in each of the first places, and their log-probabilities: place by place, row by row."""
    steps = [step.float().log_softmax(dim=-1).topk(LIKELIEST) for step in logits[:KEPT]]
    return [list(zip(step.indices.tolist(), step.values.tolist(), strict=True)) for step in steps]
