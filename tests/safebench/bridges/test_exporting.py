from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safebench import registry
from safebench.bridges import exporting
from safebench.bridges.exporting import export
from safebench.cli.main import run_command
from safebench.errors import MissingPackage
from safebench.files import read_toml, write_toml
from safebench.plugins import Exporter, Exporting
from safebench.reports.summary import measure
from safebench.runs.preflight import Delivery


class Keeping(Exporter):
    name = "keeping"
    summary = "keeps what it was given"

    def export(self, exporting: Exporting) -> str:
        self.given = exporting
        self.items = list(exporting.items())
        self.calls = list(exporting.calls())
        self.files = {file.name: file.read_bytes() for file in exporting.files}
        return "kept"


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> Keeping:
    made = Keeping()
    monkeypatch.setattr(registry, "create", lambda *_, **__: made)
    return made


def test_without_texts_no_text_goes_out(keeping: Keeping, small_runs: Mapping[str, Path]) -> None:
    assert export(small_runs["whole"], "keeping") == "kept"
    assert {item.query for item in keeping.items} == {item.answer for item in keeping.items} == {None}
    assert len(keeping.items) == 12
    assert {call.messages for call in keeping.calls} == {()}
    assert {call.response.text for call in keeping.calls} == {""}
    assert sorted(keeping.files) == ["report.md", "summary.json"]
    held = repr((keeping.items, keeping.calls)).encode() + b"".join(keeping.files.values())
    assert b"How do tides" not in held
    assert b"simulated answer" not in held
    assert str(small_runs["whole"].parent).encode() not in held + repr(keeping.given.summary).encode()


def test_with_texts_all_of_it_does(keeping: Keeping, small_runs: Mapping[str, Path]) -> None:
    export(small_runs["whole"], "keeping", with_texts=True)
    assert {item.query for item in keeping.items} >= {"How do tides work?"}
    assert all(item.answer for item in keeping.items if item.outcome and item.outcome.decided)
    assert any(call.messages for call in keeping.calls)
    assert "items.parquet" in keeping.files


def test_a_run_is_known_again_and_another_is_another(
    keeping: Keeping, small_runs: Mapping[str, Path], tmp_path: Path
) -> None:
    seen = []
    for folder in (
        small_runs["whole"],
        shutil.copytree(small_runs["whole"], tmp_path / "whole"),
        small_runs["doubted"],
    ):
        export(folder, "keeping")
        seen.append((keeping.given.run, keeping.given.content))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0]


def changed(run: Path, to: Path, **keys: Any) -> Path:
    """A copy of a run with other keys in its file; `answers_of` is one of what it resolves to."""
    asked = read_toml(shutil.copytree(run, to) / "run.toml")
    resolved = {key: keys.pop(key) for key in ("answers_of",) if key in keys}
    write_toml(to / "run.toml", {**asked, **keys, "resolved": {**asked["resolved"], **resolved}})
    return to


def test_shards_the_whole_and_what_was_judged_again_are_runs_of_their_own(
    keeping: Keeping, small_runs: Mapping[str, Path], tmp_path: Path
) -> None:
    ways = ({}, {"shard": "1/2"}, {"shard": "2/2"}, {"jury_seed": 5}, {"answers_of": "/home/jane/run"})
    seen = set()
    for number, keys in enumerate(ways):
        export(changed(small_runs["whole"], tmp_path / str(number), **keys), "keeping")
        seen.add(keeping.given.run)
    assert len(seen) == len(ways)


@pytest.mark.parametrize("with_texts", [False, True])
def test_no_path_of_this_machine_goes_out(
    with_texts: bool, keeping: Keeping, small_runs: Mapping[str, Path], tmp_path: Path
) -> None:
    asked = read_toml(small_runs["whole"] / "run.toml")
    first, *others = asked["jury"]["jurors"]
    jury = {**asked["jury"], "jurors": [{**first, "name": "local:/home/jane/guard#1"}, *others]}
    folder = changed(small_runs["whole"], tmp_path / "run", jury=jury, answers_of="/home/jane/first")
    with closing(sqlite3.connect(folder / "run.db")) as database, database:
        database.execute("UPDATE exchanges SET request = json_set(request, '$.target.argument', '/home/jane/model')")
        database.execute("UPDATE exchanges SET response = json_set(response, '$.model', '/home/jane/served')")
        database.execute("UPDATE exchanges SET juror = 'local:/home/jane/guard#1'")
    export(folder, "keeping", with_texts=with_texts)
    assert {(call.target["argument"], call.response.model) for call in keeping.calls} == {("model", "served")}
    assert keeping.given.summary.jury.jurors[0].name == "local:guard#1"
    held = repr((keeping.given.summary, keeping.calls)).encode()
    held += keeping.files["report.md"] + keeping.files["summary.json"]
    assert b"jane" not in held


@pytest.mark.parametrize("with_texts", [False, True])
def test_what_a_server_said_of_media_goes_out_with_texts_alone(
    with_texts: bool, small_runs: Mapping[str, Path]
) -> None:
    summary = measure(small_runs["whole"])
    (cell,) = summary.conditions
    why = "nothing shows that image reaches the target (How do tides work? is refused)"
    doubted = replace(cell, evidence=replace(cell.evidence, reasons=[why]))
    tried = [Delivery("image", "unknown", "How do tides work? is refused"), Delivery("audio", "delivered", "repeated")]
    made = exporting._private(replace(summary, conditions=[doubted], deliveries=tried), with_texts)
    assert ("tides" in repr(made)) is with_texts
    if not with_texts:
        assert [one.reason for one in made.deliveries] == ["unknown", "repeated"]
        assert made.conditions[0].evidence.reasons == ["nothing shows that image reaches the target (unknown)"]


def test_nothing_is_written_into_the_run(keeping: Keeping, small_runs: Mapping[str, Path]) -> None:
    before = sorted(small_runs["whole"].rglob("*"))
    export(small_runs["whole"], "keeping", with_texts=True)
    assert sorted(small_runs["whole"].rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{run}", "--to", "mlflo"], "unknown exporter 'mlflo'; did you mean mlflow?"),
        (["{run}", "--to", "mlflow:x", "--option", "experiment"], "--option 'experiment' is not written KEY=VALUE"),
        (["{run}", "--to", "mlflow:x", "--option", "experment=a"], "experiment"),
        (["{empty}", "--to", "mlflow:x"], "is not a run folder"),
    ],
)
def test_wrong_input_is_one_clear_line(
    arguments: list[str],
    told: str,
    small_runs: Mapping[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [one.format(run=small_runs["whole"], empty=tmp_path) for one in arguments]
    assert run_command(["export", *filled]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_package_that_is_missing_comes_with_its_command(
    small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.plugins.is_installed", lambda _: False)
    with pytest.raises(MissingPackage, match=r"pip install 'safebench\[mlflow\]'"):
        export(small_runs["whole"], "mlflow:x")


def test_what_servers_count_is_kept_as_numbers() -> None:
    usage = {"total_tokens": 3, "told": "a text", "details": {"audio": 2, "why": "a text"}}
    assert exporting._numbers(usage) == {"total_tokens": 3, "details": {"audio": 2}}
