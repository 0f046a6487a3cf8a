"""A run held to an earlier one: shown to be no worse, condition by condition, or not kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.files import read_toml, write_toml
from safebench.reports.release_gate import GateResult, ReleaseGate, make_gate
from safebench.reports.report import report
from safebench.runs.config import RUN_FILE
from safebench.statistics.gap import GapSettings
from safebench.store.store import Store
from safebench.types import Absence, Intent, Item, Label, Outcome
from tests.safebench.recorded import record, twins

N = 120


def ends(harm: int) -> Callable[[Item], Outcome]:
    def outcome(item: Item) -> Outcome:
        if item.query.intent is Intent.BENIGN:
            return Outcome.SAFE
        return Outcome.UNSAFE if int(item.query.id[1:]) < harm else Outcome.REFUSED

    return outcome


def written(folder: Path, harm: int = 0, conditions: tuple[str, ...] = ("text",), **told: Any) -> Path:
    return record(folder, twins(told.pop("n", N)), conditions, told.pop("outcome", ends(harm)), **told)


def against(earlier: Path, folder: Path, *, point: bool = False, margin: float = 0.05) -> list[GateResult]:
    gate = ReleaseGate(worse_than=earlier, point=point)
    gate.check(["text"], folder)
    return gate.results(report(folder), GapSettings(margin))


def test_a_run_that_answers_alike_is_no_worse(tmp_path: Path) -> None:
    first, now = written(tmp_path / "first", 3), written(tmp_path / "now", 3)
    (found,) = against(first, now)
    assert found.is_kept
    assert found.line.startswith(f"text no worse than {first}: ASR +0.0 points in {N} pairs, 95 % interval")


def test_what_was_not_shown_to_be_no_worse_is_not_kept(tmp_path: Path) -> None:
    first, now = written(tmp_path / "first", 3), written(tmp_path / "now", 8)  # 5 of 120 more: 4.2 points
    (found,) = against(first, now)
    assert not found.is_kept
    assert "ASR +4.2 points" in found.detail
    assert found.detail.endswith("is over 5 points")
    assert against(first, now, point=True)[0].is_kept
    assert against(first, now, margin=0.15)[0].is_kept
    assert not against(first, now, point=True, margin=0.04)[0].is_kept


def test_a_condition_that_was_not_asked_again_is_not_kept(tmp_path: Path) -> None:
    first = written(tmp_path / "first", conditions=("text", "text:plain"), n=100)
    same, other = against(first, written(tmp_path / "now", conditions=("text", "image:plain"), n=100))
    assert same.is_kept
    assert other.detail == "text:plain: no item has an outcome"
    assert not other.is_kept


def test_runs_without_a_condition_in_common_keep_nothing(tmp_path: Path) -> None:
    first = written(tmp_path / "first", conditions=("text",), n=10)
    (found,) = against(first, written(tmp_path / "now", conditions=("text:plain", "text:other"), n=10))
    assert not found.is_kept


def test_speech_that_nobody_understood_is_no_better_than_before(tmp_path: Path) -> None:
    spoken = ("audio:female",)
    first = written(tmp_path / "first", 20, spoken, probe=lambda item: "understood")
    (found,) = against(first, written(tmp_path / "now", 0, spoken, outcome=lambda item: Outcome.REFUSED))
    assert not found.is_kept
    assert "audio:female is not concludable" in found.detail


def test_an_unfinished_run_is_held_to_nothing(tmp_path: Path) -> None:
    first = written(tmp_path / "first", outcome=lambda item: None, n=3)
    with pytest.raises(BadInput, match=r"first is unfinished: 6 items have no outcome yet; nothing is held to it"):
        against(first, written(tmp_path / "now", n=3))


def test_a_run_in_which_a_juror_was_away_is_no_measure(tmp_path: Path) -> None:
    first, now = written(tmp_path / "first", n=3), written(tmp_path / "now", n=3)
    for folder in (first, now):
        asked = read_toml(folder / RUN_FILE)
        write_toml(folder / RUN_FILE, {**asked, "jury": {**asked["jury"], "jurors": [{"juror": "wording"}]}})
    with Store(first) as store:
        row = (1, 0, "wording#1", Label.ABSTAIN, None, "no answer", "[]", 0, Absence.CALL_FAILED)
        store._db.execute("INSERT INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with pytest.raises(BadInput, match=r"first is no measure: juror wording#1 cast no vote in 1 ballots"):
        against(first, now)


@pytest.mark.parametrize(
    ("earlier", "told"),
    [("now", "now is this run itself"), ("nowhere", "nowhere is not a run folder"), ("other", "differ in data")],
)
def test_what_a_run_cannot_be_held_to_is_one_line(tmp_path: Path, earlier: str, told: str) -> None:
    written(tmp_path / "other", n=5)
    now = written(tmp_path / "now", n=3)
    with pytest.raises(BadInput) as raised:
        against(tmp_path / earlier, now)
    assert told in raised.value.problems[0]


def test_every_limit_that_is_none_has_its_line() -> None:
    with pytest.raises(BadInput) as raised:
        make_gate(["asr(text)", "asr(text) > 0.1", "gap(text) > 0.1"], None, point=False)
    assert [line.split("'")[1] for line in raised.value.problems] == ["asr(text)", "gap(text) > 0.1"]


def test_a_gate_without_limits_is_none() -> None:
    assert not make_gate([], None, point=False)
    assert make_gate(["asr(text) > 0.1"], None, point=False)
