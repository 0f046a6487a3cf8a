"""What a diffusers pipeline is told for a picture, and how much of a text it reads."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

from safebench.errors import BadInput

_CALLED = {  # our options by what the pipelines call them
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "width": "width",
    "height": "height",
    "negative_prompt": "negative_prompt",
}
# Tokens of a prompt, where a pipeline cuts at a number that neither its tokenizer nor its signature tells.
_WINDOWS = {"HunyuanDiTPipeline": 256, "IFPipeline": 77, "Kandinsky3Pipeline": 128}


def parameters(options: Any, count: int) -> dict[str, Any]:
    """For `count` pictures; what is not given is left to the pipeline."""
    options_by_call = {called: getattr(options, ours) for called, ours in _CALLED.items()}
    given = {called: value for called, value in options_by_call.items() if value is not None}
    if "negative_prompt" in given:
        given["negative_prompt"] = [given["negative_prompt"]] * count
    return given


def check_call(pipeline: Any, options: Any) -> None:
    """Raises BadInput for an option that this pipeline does not take, or that would change nothing."""
    where = f"model {options.model!r} ({type(pipeline).__name__})"
    taken = _taken(pipeline)
    for called in parameters(options, 1):
        if called not in taken:
            raise BadInput(f"{where} takes no `{_CALLED[called]}`: leave it out")
    if options.negative_prompt is None:
        return
    strength = _strength(taken, options.guidance)
    if strength <= 1:
        raise BadInput(f"{where} leaves out the `negative_prompt` at a guidance of {strength:g}: it needs one above 1")
    unread = unread_tokens(pipeline, options.negative_prompt)
    if unread:
        raise BadInput(f"{where}: the `negative_prompt` is longer than it reads, by {unread} token(s)")


def _taken(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(type(pipeline).__call__).parameters


def _strength(taken: Mapping[str, inspect.Parameter], guidance: float | None) -> float:
    """The weight of the text against the negative prompt; distilled pipelines have another name for it."""
    if "true_cfg_scale" in taken:
        return float(taken["true_cfg_scale"].default)
    if guidance is None and "guidance_scale" in taken:
        guidance = taken["guidance_scale"].default
    return math.inf if guidance is None else guidance


def unread_tokens(pipeline: Any, text: str) -> int:
    """How many tokens at the text's end are cut off; 0 where at least one of the text encoders reads it whole.

    Where a pipeline wraps the text into a chat template, the template's tokens are not counted.
    """
    return min(
        (max(0, _length(tokenizer, text) - _window(pipeline, tokenizer)) for tokenizer in _readers(pipeline)), default=0
    )


def _length(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, truncation=False, verbose=False).input_ids)


def _window(pipeline: Any, tokenizer: Any) -> int:
    taken = _taken(pipeline)
    default = taken["max_sequence_length"].default if "max_sequence_length" in taken else None
    limits = (tokenizer.model_max_length, default, _WINDOWS.get(type(pipeline).__name__))
    return min(limit for limit in limits if limit is not None)


def _readers(pipeline: Any) -> Iterator[Any]:
    """The tokenizers whose text encoder is there; a pipeline can be loaded without one of several."""
    parts = pipeline.components
    for name, part in parts.items():
        reads = parts.get(name.replace("tokenizer", "text_encoder")) is not None
        if "tokenizer" in name and part is not None and reads:
            yield part
