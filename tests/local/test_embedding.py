"""Similarity by a text model, checked against the same sums done text by text, without padding."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from safebench.errors import BadInput
from safebench.generating.embedding import by_embedding
from safebench.generating.plan import Selection
from safebench.generating.rows import Candidate, Scenario
from safebench.generating.selecting import select
from tests.local.tiny_text import build_text

TEXTS = ["One amber door.", "Seven silver sparrows sing on a long and quiet roof.", "one amber door", "Why?"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build_text(tmp_path_factory.mktemp("model")))


def cosine(model: str, a: str, b: str) -> float:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, net = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model).eval()
    with torch.inference_mode():
        means = [
            net(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0).numpy() for text in (a, b)
        ]
    return float(means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1]))


def test_it_is_the_cosine_of_the_mean_hidden_states(model: str) -> None:
    similarity = by_embedding(TEXTS, model)
    for a, b in ((0, 1), (0, 2), (1, 3)):
        assert similarity(a, b) == pytest.approx(max(0.0, cosine(model, TEXTS[a], TEXTS[b])), abs=1e-5)
    assert similarity(1, 1) == pytest.approx(1)


def test_selection_goes_by_it(model: str) -> None:
    rows = [Candidate(id=f"q{n}", scenario="bias", query=text, writer="w", score=9 - n) for n, text in enumerate(TEXTS)]
    scenario = Scenario(id="bias", name="Bias", description="x", source="taxonomy", count=4)
    similarity = by_embedding(TEXTS, model)
    found = select(rows, [scenario], Selection(embeddings=model, distance=0, diversity=1))
    second = min(range(1, 4), key=lambda n: similarity(0, n))
    assert [row.id for row in sorted(found, key=lambda row: row.rank or 0)][:2] == ["q0", f"q{second}"]


def test_a_model_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be loaded"):
        by_embedding(TEXTS, str(tmp_path / "none"))


def test_pickled_weights_are_refused(model: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(model, tmp_path / "pickled"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="cannot be loaded"):
        by_embedding(TEXTS, str(folder))
