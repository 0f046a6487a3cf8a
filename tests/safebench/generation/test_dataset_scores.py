"""Sets scored side by side, by judges that a local server plays."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.generation.dataset_scores import Scoring, sampled_sets
from safebench.generation.rows import DIMENSIONS
from safebench.testing.server import ScriptedServer
from tests.fixture_types import Serve
from tests.own_taxonomy import DEFINITION, TEXT, own_taxonomy
from tests.safebench.generation.scripted import answer, fenced

Score = Callable[..., int]
ROWS = [
    {"id": "a", "query": "Simulated request in tone nine.", "scenario": "cruelty"},
    {"id": "b", "query": "Simulated request in tone seven.", "scenario": "loneliness"},
    {"id": "c", "query": "Simulated request in tone two."},
    {"id": "d", "query": "A harmless request in tone one.", "intent": "benign"},
]


@pytest.fixture
def world(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    server = serve(answer)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return server


@pytest.fixture
def score(tmp_path: Path, world: ScriptedServer) -> Score:
    own_taxonomy(tmp_path / "mine")
    (tmp_path / "mine" / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")

    def run(*sets: str, judges: Sequence[str] = ("judge-a", "judge-b"), flags: Sequence[str] = ()) -> int:
        named = [word for judge in judges for word in ("--judge", f"openai:{judge}")]
        return run_command(["data", "score", *sets, *named, "--out", str(tmp_path / "scores"), *flags])

    return run


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "scores" / "summary.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_sets_stand_side_by_side_with_means_agreement_and_distributions(
    score: Score, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = str(tmp_path / "mine"), tmp_path / "mine" / "other.jsonl"
    other.write_text(json.dumps(ROWS[0] | {"scenario": "bias"}) + "\n", encoding="utf-8")
    assert score(mine, judges=("judge-a", "judge-inverted")) == 0
    (one,) = summary(tmp_path)["sets"]
    harm = one["dimensions"]["harmfulness"]
    assert harm["mean"] == pytest.approx((6 + 6 + 5.5) / 3)  # 9 and 3, 7 and 5, 2 and 9 of the one that turns it around
    assert harm["alpha"] < 0
    assert harm["counts"] == [0, 0, 1, 1, 0, 1, 0, 1, 0, 2]
    assert one["dimensions"]["feasibility"]["ci95"] is None  # all the same: that is no certainty
    assert (one["harmful"], one["benign"], one["scored"], one["unscored"]) == (3, 1, 3, 0)
    assert list(one["by_category"]) == ["wellbeing", "animals", "unassigned"]
    assert list(one["by_scenario"]) == ["loneliness", "cruelty", "unassigned"]
    shown = {fenced(call.text(), "SCENARIO") for call in world.calls}
    assert f"Loneliness\nWhat is unsafe there: {DEFINITION}" in shown
    assert len(shown) == 3
    asked = len(world.calls)
    assert score(mine, judges=("judge-a", "judge-inverted")) == 0
    assert len(world.calls) == asked  # nothing is asked twice
    assert "note: " in capsys.readouterr().out
    assert score(mine, str(other), judges=("judge-a", "judge-inverted"), flags=["--sample", "2", "--json"]) == 0
    assert len(world.calls) == asked + 2  # of the other set
    told = json.loads(capsys.readouterr().out)["sets"]
    granted = [f"{mine}: 3 queries without intent were taken as harmful"]
    assert summary(tmp_path)["sets"][0]["notes"] == told[0]["notes"] == granted
    assert [(one["data"], one["harmful"], one["scored"]) for one in told] == [(mine, 3, 2), (str(other), 1, 1)]


def test_an_answer_that_cannot_be_read_is_no_score_and_a_judge_without_any_is_named(
    score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(str(tmp_path / "mine"), judges=("judge-a", "judge-broken")) == 1
    told = capsys.readouterr()
    assert "exit status 1: judge openai:judge-broken gave no score that could be read" in told.err
    assert "judge openai:judge-broken: 0 scored, 3 could not be read" in told.out
    (one,), judges = summary(tmp_path)["sets"], summary(tmp_path)["judges"]
    assert [sum(one["dimensions"][name]["counts"]) for name in DIMENSIONS] == [3, 3, 3]
    assert {name: part["alpha"] for name, part in one["dimensions"].items()} == dict.fromkeys(DIMENSIONS)
    assert [(row["judge"], row["scored"], row["unreadable"]) for row in judges] == [
        ("openai:judge-a", 3, 0), ("openai:judge-broken", 0, 3)
    ]  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "scores" / "scores.jsonl").read_text().splitlines()]
    assert all("asked 3 times" in row["abstained"]["openai:judge-broken"] for row in rows)
    assert "query" not in rows[0]


def test_where_nobody_can_be_read_no_query_has_a_score(
    score: Score, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(str(tmp_path / "mine"), judges=("judge-broken",)) == 1
    assert "3 queries have no score" in capsys.readouterr().err
    assert summary(tmp_path)["sets"][0]["dimensions"]["harmfulness"]["mean"] is None


def test_the_budget_stops_it_and_the_same_command_goes_on(
    score: Score, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = str(tmp_path / "mine")
    assert score(mine, flags=["--max-calls", "4"]) == 1
    assert "raise --max-calls" in capsys.readouterr().err
    assert score(mine) == 0
    assert len(world.calls) == 6
    assert score(mine, flags=["--dry-run"]) == 0
    assert len(world.calls) == 6


def test_sets_that_contradict_each_other_or_hold_nothing_harmful_are_refused(score: Score, tmp_path: Path) -> None:
    own_taxonomy(tmp_path / "other", TEXT.replace("Care for it", "Fun with it"))
    for folder, rows in (("other", ROWS[:1]), ("benign", ROWS[3:])):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "queries.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    asked = {name: str(tmp_path / name) for name in ("mine", "other", "benign")}
    judges = ({"model": "openai:m"},)
    with pytest.raises(BadInput, match=f"in {asked['mine']} and in {asked['other']}: its description differs"):
        sampled_sets(Scoring(data=(asked["mine"], asked["other"]), judges=judges))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no harmful query"):
        sampled_sets(Scoring(data=(asked["benign"],), judges=judges))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no judges"):
        sampled_sets(Scoring(data=(asked["mine"],), judges=()))
