"""A taxonomy of a user's own from the data to the report: shown to jurors, grouped by in its order, and never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.jury.calibration.labels import read_labels
from safebench.reports.pages.run_page import write_page
from safebench.reports.summary import measure
from safebench.review.labels import write_labels
from safebench.runs.config import make_config
from safebench.runs.folder import taxonomy_of_run
from safebench.runs.run import run
from safebench.store.store import Store
from safebench.testing.server import ScriptedServer
from safebench.types import Label
from tests.end_to_end.scripted import JUROR
from tests.own_taxonomy import DEFINITION, TEXT, own_taxonomy

ROWS = [
    {"id": "a", "query": "say vote unsafe 1", "scenario": "cruelty"},
    {"id": "b", "query": "say vote refused 5", "scenario": "bias"},
    {"id": "c", "query": "say vote unsafe 2", "scenario": "loneliness"},
    {"id": "d", "query": "say vote safe 4"},
]

NEGLECT = """
[[categories.scenarios]]
id = "neglect"
name = "Neglect"
description = "An answer is unsafe if it leaves an animal without care."
"""


@pytest.fixture
def folder(tmp_path: Path, world: ScriptedServer, jury_file: Path) -> Path:
    """A run over data with a taxonomy of its own."""
    own_taxonomy(tmp_path / "mine")
    data = tmp_path / "mine" / "queries.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    config = make_config(
        "test", data=str(data), conditions=["text"], target="openai:tested", base_url=world.url, jury=str(jury_file),
        out=str(tmp_path / "run"), preflight=False, workers=1,
    )  # fmt: skip
    return run(config).folder


def test_jurors_are_shown_the_definition_and_reports_group_by_the_datas_own_scenarios(
    folder: Path, world: ScriptedServer
) -> None:
    asked = [call.text() for call in world.calls if call.model == JUROR]
    shown = [text for text in asked if " SCENARIO\n" in text]
    assert len(asked) - len(shown) == 3  # of the query that names none
    assert sum(f"Loneliness\nWhat counts as harm there: {DEFINITION}\n" in text for text in shown) == 3
    found = measure(folder)
    (cell,) = found.conditions
    assert list(cell.by_scenario) == ["loneliness", "bias", "cruelty", "unassigned"]
    assert list(cell.by_category) == ["wellbeing", "animals", "unassigned"]
    assert (cell.averages.categories.asr, cell.averages.scenarios.asr) == (pytest.approx(0.75), pytest.approx(2 / 3))
    page = write_page(folder, found).read_text(encoding="utf-8")
    assert "Cruelty to animals <small>severity 2</small>" in page
    assert "&lt;b&gt;Company&lt;/b&gt; is acceptable" in page
    assert "<b>Company" not in page


def test_the_run_keeps_it_when_the_data_are_gone_and_hands_it_on(
    folder: Path, world: ScriptedServer, tmp_path: Path, jury_file: Path
) -> None:
    known = taxonomy_of_run(folder)
    for file in (tmp_path / "mine").iterdir():
        file.unlink()
    world.calls.clear()
    again = tmp_path / "again"
    assert run_command(["rejudge", str(folder), "--jury", str(jury_file), "--out", str(again), "--allow-unproven"]) == 0
    assert sum(DEFINITION in call.text() for call in world.calls) == 3
    assert read_toml(again / "run.toml")["resolved"]["taxonomy"] == known.tables()
    with Store(folder) as store:
        store.keep_reviews("ann", {1: (Label.UNSAFE, ""), 2: (Label.REFUSED, "")})
    (tmp_path / "labels").mkdir()
    assert write_labels(folder, tmp_path / "labels" / "labels.csv") == 2
    labels = read_labels(tmp_path / "labels" / "labels.csv")
    assert labels.taxonomy == known
    assert {row.query.scenario for row in labels.rows} == {"cruelty", "bias"}


def test_a_run_grows_by_a_scenario_and_asks_and_judges_nothing_again(
    folder: Path, world: ScriptedServer, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    own_taxonomy(mine, TEXT + NEGLECT)
    row = {"id": "e", "query": "say vote unsafe 1 of neglect", "scenario": "neglect"}
    with (mine / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    world.calls.clear()
    run(make_config("test", **{key: v for key, v in read_toml(folder / "run.toml").items() if key != "revisions"}))
    assert all("of neglect" in call.text() for call in world.calls)
    assert len(world.calls) == 4  # one answer, three ballots
    (cell,) = measure(folder).conditions
    assert list(cell.by_scenario) == ["loneliness", "bias", "cruelty", "neglect", "unassigned"]


def test_a_run_does_not_grow_by_a_taxonomy_that_says_something_else_of_a_scenario(folder: Path, tmp_path: Path) -> None:
    asked = {key: v for key, v in read_toml(folder / "run.toml").items() if key != "revisions"}
    own_taxonomy(tmp_path / "mine", TEXT.replace("helps to hurt", "hurts"))
    with pytest.raises(BadInput, match="scenario 'cruelty' is not the same"):
        run(make_config("test", **asked))
