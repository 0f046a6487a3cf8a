"""Similarity of texts by a local text model; needs the extra `local`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

from safebench.errors import BadInput, MissingPackage
from safebench.generating.similarity import Similarity

NEEDS = ("torch", "transformers")
BATCH = 32  # texts
LONGEST = 256  # tokens


def check_embedding(model: str) -> None:
    """Raises MissingPackage where `local` is not installed."""
    missing = [package for package in NEEDS if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingPackage(f"selection.embeddings = {model!r}", missing, "local")


def by_embedding(texts: Sequence[str], model: str) -> Similarity:
    """Cosine of the mean of the last hidden states over all tokens (Reimers and Gurevych, EMNLP 2019), not below 0.

    Raises BadInput for a model that cannot be loaded.
    """
    vectors = _vectors(texts, *_load(model)) if texts else []
    return lambda a, b: max(0.0, float(vectors[a] @ vectors[b]))


_LOADED: dict[str, tuple[Any, Any]] = {}


def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and model; kept. Only safetensors, and no code that comes with a model."""
    from transformers import AutoModel, AutoTokenizer

    if model not in _LOADED:
        try:
            net = AutoModel.from_pretrained(model, use_safetensors=True, trust_remote_code=False).eval()
            _LOADED[model] = (AutoTokenizer.from_pretrained(model, trust_remote_code=False), net)
        except (OSError, ValueError) as error:
            raise BadInput(f"selection.embeddings = {model!r} cannot be loaded: {error}") from error
    return _LOADED[model]


def _vectors(texts: Sequence[str], tokenizer: Any, model: Any) -> Any:
    """Shape (texts, width), each of length 1."""
    import torch

    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            told = list(texts[start : start + BATCH])
            tokens = tokenizer(told, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
            hidden = model(**tokens).last_hidden_state
            seen = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            found.append((hidden * seen).sum(dim=1) / seen.sum(dim=1))
    return torch.nn.functional.normalize(torch.cat(found), dim=1).numpy()
