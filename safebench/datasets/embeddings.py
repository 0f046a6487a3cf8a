"""Similarity of texts by a local text model, and texts that mean the same by it; needs the extra `local`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from safebench.datasets.duplicates import Pair, exact_pairs, plain_text
from safebench.errors import BadInput, MissingPackage

NEEDS = ("torch", "transformers")
BATCH = 32  # texts
LONGEST = 256  # tokens
ROWS = 1024  # texts that are compared with all others at once


def check_embedding(model: str) -> None:
    """Raises MissingPackage where `local` is not installed."""
    missing = [package for package in NEEDS if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingPackage(f"embeddings by {model!r}", missing, "local")


def by_embedding(texts: Sequence[str], model: str) -> Callable[[int, int], float]:
    """Cosine of the mean of the last hidden states over all tokens (Reimers and Gurevych, EMNLP 2019), not below 0.

    Raises BadInput for a model that cannot be loaded.
    """
    vectors = _vectors(texts, *_load(model)) if texts else []
    return lambda a, b: max(0.0, float(vectors[a] @ vectors[b]))


def alike(texts: Sequence[str], threshold: float, compared: int | None = None, *, model: str) -> list[Pair]:
    """Pairs whose cosine is at least a threshold, in the order of the texts; all are compared.

    Copies of a text and `compared` are treated as in `safebench.datasets.duplicates.duplicates`. Raises
    MissingPackage, and BadInput for a model that cannot be loaded.
    """
    check_embedding(model)
    compared = len(texts) if compared is None else compared
    pairs, kept = exact_pairs(list(map(plain_text, texts)), compared)
    vectors: Any = _vectors([texts[n] for n in kept], *_load(model)) if kept else []
    heads = sum(n < compared for n in kept)
    for start in range(0, heads, ROWS):
        cosines = vectors[start : min(start + ROWS, heads)] @ vectors.T
        for row, b in zip(*(cosines >= threshold).nonzero(), strict=True):
            if (a := start + row) < b:
                pairs.append(Pair(kept[a], kept[b], float(cosines[row, b]), exact=False, by_meaning=True))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


_LOADED: dict[str, tuple[Any, Any]] = {}


def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and model; kept. Only safetensors, and no code that comes with a model."""
    from transformers import AutoModel, AutoTokenizer

    if model not in _LOADED:
        try:
            net = AutoModel.from_pretrained(model, use_safetensors=True, trust_remote_code=False).eval()
            _LOADED[model] = (AutoTokenizer.from_pretrained(model, trust_remote_code=False), net)
        except (OSError, ValueError) as error:
            raise BadInput(f"the model of embeddings, {model!r}, cannot be loaded: {error}") from error
    return _LOADED[model]


def _vectors(texts: Sequence[str], tokenizer: Any, model: Any) -> Any:
    """Shape (texts, width), each of length 1."""
    import torch

    vectors = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            tokens = tokenizer(batch, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
            hidden = model(**tokens).last_hidden_state
            seen = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            vectors.append((hidden * seen).sum(dim=1) / seen.sum(dim=1))
    return torch.nn.functional.normalize(torch.cat(vectors), dim=1).numpy()
