"""Similarity by a text model, checked against the same sums done text by text, without padding."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from safebench.cli.main import run_command
from safebench.datasets.duplicates import Pair
from safebench.datasets.embeddings import alike, by_embedding
from safebench.datasets.queries import Dataset
from safebench.errors import BadInput
from safebench.generation.plan import GenerationPlan, Selection
from safebench.generation.rows import Candidate, ScenarioRow
from safebench.generation.selecting import select, without_alike
from safebench.generation.stage import Making
from safebench.progress import NoProgress
from safebench.types import Query
from tests.fixture_types import WriteJsonl
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
    scenario = ScenarioRow(id="bias", name="Bias", description="x", source="taxonomy", count=4)
    similarity = by_embedding(TEXTS, model)
    chosen = select(rows, [scenario], Selection(embeddings=model, distance=0, diversity=1))
    second = min(range(1, 4), key=lambda n: similarity(0, n))
    assert [row.id for row in sorted(chosen, key=lambda row: row.rank or 0)][:2] == ["q0", f"q{second}"]


WORDS = ["amber", "anchor", "autumn", "basket", "beacon", "bridge", "candle", "canyon", "cedar"]
MANY = [" ".join(words) for words in itertools.permutations(WORDS[:4], 3)] + WORDS


@pytest.mark.parametrize("rows", [3, 1024])
def test_pairs_that_mean_the_same_are_those_of_comparing_all(
    model: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.datasets.embeddings.ROWS", rows)
    similarity = by_embedding(MANY, model)
    every = {pair: similarity(*pair) for pair in itertools.combinations(range(len(MANY)), 2)}
    threshold = float(np.median(list(every.values())))
    expected = {pair for pair, cosine in every.items() if cosine >= threshold}
    pairs = alike(MANY, threshold, model=model)
    assert [(pair.first, pair.second) for pair in pairs] == sorted(expected)
    assert all(pair.similarity == pytest.approx(every[pair.first, pair.second], abs=1e-5) for pair in pairs)
    some = alike(MANY, threshold, compared=5, model=model)
    assert [(pair.first, pair.second) for pair in some] == sorted(pair for pair in expected if pair[0] < 5)


def test_copies_are_told_once_and_no_text_is_no_pair(model: str) -> None:
    assert alike(["Why?", "One amber door.", "one amber door"], 0.99999, model=model) == [Pair(1, 2, 1.0, exact=True)]
    assert alike([], 0.5, model=model) == []


def test_what_means_the_same_is_dropped_across_scenarios_and_against_compared_sets(model: str) -> None:
    """The compared query comes first, then the best score; what is like one of them goes, whatever its scenario."""
    texts = {"q0": TEXTS[1], "q1": TEXTS[0], "q2": "Why would anybody paint a door in amber?", "q3": "What?"}
    similarity = by_embedding([*texts.values(), TEXTS[3]], model)
    (near, cosine) = max(((n, similarity(n, 4)) for n in range(4)), key=lambda one: one[1])
    assert all(similarity(n, 4) < cosine for n in range(4) if n != near)
    selection = Selection(embeddings=model, duplicate_cosine=cosine - 1e-6)
    plan = GenerationPlan(title="A test", selection=selection)
    other = Dataset("other", (Query("known", TEXTS[3]),))
    making = Making(plan, None, None, (other,), NoProgress())  # type: ignore[arg-type]
    rows = [
        Candidate(id=id, scenario=f"s{n}", query=text, writer="w", score=n)
        for n, (id, text) in enumerate(texts.items())
    ]
    rows.append(Candidate(id="gone", scenario="s0", query=TEXTS[3], writer="w", status="dropped", why="low_score: 1"))
    told = {row.id: row.why for row in without_alike(making, rows)}
    assert told[f"q{near}"] == f"duplicate: similarity {cosine:.2f} to known of other"
    assert told["gone"] == "low_score: 1"

    making = Making(plan, None, None, (), NoProgress())  # type: ignore[arg-type]
    pair = [Candidate(id=id, scenario=id, query=TEXTS[0], writer="w", score=n) for n, id in enumerate(("a", "b"))]
    assert [row.why for row in without_alike(making, pair)] == ["duplicate: similarity 1.00 to b", ""]


def test_without_a_model_nothing_is_compared_by_meaning() -> None:
    making = Making(GenerationPlan(title="A test"), None, None, (), NoProgress())  # type: ignore[arg-type]
    rows = [Candidate(id=id, scenario=id, query="Why so?", writer="w", score=1) for id in ("a", "b")]
    assert without_alike(making, rows) == rows


def test_the_command_lists_what_means_the_same(
    model: str, write_jsonl: WriteJsonl, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = str(write_jsonl([{"id": "a", "query": TEXTS[0]}, {"id": "b", "query": TEXTS[1]}]))
    other = str(write_jsonl([{"id": "c", "query": "Any amber floor?"}], "other.jsonl"))
    cosine = by_embedding([TEXTS[0], "Any amber floor?"], model)(0, 1)
    assert 0.1 < cosine < 1
    told = ["data", "duplicates", mine, other, "--embeddings", model, "--cosine", str(cosine - 1e-5)]
    assert run_command(told) == 0
    said = capsys.readouterr().out
    assert f"cosine {cosine:.3f}  a  c in {other}" in said
    assert "pairs equal: 0, near: 0, like in meaning: " in said
    assert run_command(told[:4]) == 0
    assert "cosine" not in capsys.readouterr().out


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
