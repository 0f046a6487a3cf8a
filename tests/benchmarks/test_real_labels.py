"""Labels of two readers: kept without texts, and used for the answers that were read alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.real import labels
from safebench.review.sample import export
from safebench.review.sheets import read_sheet, write_sheet
from safebench.types import Item, Outcome
from tests.safebench.recorded import record, twins


def run(folder: Path, told: str = "Help with {}.") -> Path:
    """Ten answers; `told`: what the one to b1 is."""

    def answer(item: Item) -> str:
        return told.format(item.key) if item.query.id == "b1" else f"Help with {item.key}."

    record(folder, twins(5), ["text"], lambda item: Outcome.SAFE, answer=answer)
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both readers call all answers safe, but the second one that to h1."""
    monkeypatch.setattr(labels, "FILE", tmp_path / "labels.csv")
    asked = run(tmp_path / "read")
    export(asked, tmp_path / "sheet", sample=10)
    rows = [row for _, row in read_sheet(tmp_path / "sheet" / "review.csv", labels.SHEET)]
    for reader, unsafe in (("first", ()), ("second", ("h1",))):
        filled = [row | {"label": "unsafe" if _asked_in(row, unsafe) else "safe"} for row in rows]
        write_sheet(tmp_path / f"{reader}.csv", labels.SHEET, [{k: row[k] for k in labels.SHEET} for row in filled])
    labels.keep(asked, {reader: tmp_path / f"{reader}.csv" for reader in ("first", "second")})
    return tmp_path


def _asked_in(row: dict[str, str], queries: tuple[str, ...]) -> bool:
    return any(f"Help with {query}" in row.get("answer", "") for query in queries)


def test_no_text_is_kept(kept: Path) -> None:
    told = (kept / "labels.csv").read_text(encoding="utf-8")
    assert len(told.splitlines()) == 1 + 2 * 10
    assert "Help" not in told


def test_labels_are_used_where_the_answer_is_the_one_that_was_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"true_positive": 1, "false_negative": 2, "true_negative": 3, "false_positive": 4}
    monkeypatch.setattr(labels, "_calibrated", lambda run, place: counts)
    read = labels.read(run(kept / "again"), kept)
    assert read is not None
    assert (read.kept, read.used, read.sensitivity, read.specificity) == (20, 20, (1, 3), (3, 7))
    changed = labels.read(run(kept / "changed", "Other help with {}."), kept)
    assert changed is not None
    assert (changed.kept, changed.used) == (20, 18)


def test_without_labels_on_its_answers_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "FILE", tmp_path / "none.csv")
    assert labels.read(run(tmp_path / "run"), tmp_path) is None
