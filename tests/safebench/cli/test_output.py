"""`--json` and `--quiet` of every command: one valid document on stdout, and nothing on stderr but errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import _command, run_command
from safebench.cli.style import OutputConsole
from safebench.errors import BadInput

RUN = ["run", "--data", "queries.csv", "-c", "text", "--target", "reference", "--allow-unproven"]
COMMANDS: dict[str, list[str]] = {
    "quickstart": ["-c", "text", "--workers", "1"],
    "run": [*RUN[1:], "--out", "mine"],
    "estimate": [*RUN[1:-1]],
    "convert": ["queries.csv", "-c", "image", "--out", "set", "--workers", "1", "--check-share", "0"],
    "report": ["first"],
    "rejudge": ["first", "--jury", "embedded", "--seed", "5", "--out", "again", "--allow-unproven"],
    "merge": ["merged", "nowhere"],
    "generate": ["starter", "--writer", "reference", "--judge", "reference", "--judge", "reference", "--dry-run"],
    "compare": ["first", "second"],
    "leaderboard": ["first", "second"],
    "export": ["first", "--to", "nobody"],
    "doctor": ["--bundle", "bundle.json"],
    "new": ["target", "mine-own"],
    "list": ["recipes"],
    "data list": [],
    "data show": ["starter-tiny"],
    "data check": ["queries.csv"],
    "data duplicates": ["queries.csv"],
    "data importers": [],
    "data import": ["nobody", "nowhere"],
    "data export": ["queries.csv", "--out", "exported"],
    "data push": ["nowhere", "nobody/nothing"],
    "data score": ["queries.csv", "--judge", "reference", "--judge", "reference", "--dry-run"],
    "reproduce": ["paper", "--dry-run"],
    "published": [],
    "published list": [],
    "published show": ["image"],
    "published audit": [],
    "review serve": ["nowhere"],
    "review export": ["first", "--out", "sheet"],
    "review import": ["first", "nowhere.csv", "--reviewer", "me"],
    "review labels": ["nowhere"],
    "jury list": [],
    "jury show": ["paper"],
    "jury calibrate": ["labels.csv", "--jury", "embedded"],
    "requests export": ["first", "--out", "asked"],
    "requests import": ["first", "."],
    "requests submit": ["first"],
    "requests status": ["first"],
    "requests fetch": ["first"],
}
FAILING = {"export", "merge", "data import", "data push", "review serve", "review import", "review labels"}
FAILING |= {"requests export", "requests import", "requests submit"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        Path("queries.csv").write_text("id,query\na,How do tides work?\nb,How do bees fly?\n", encoding="utf-8")
        rows = "How?,Like this and so on.,unsafe\nWhy?,I cannot help with that.,refused\n"
        Path("labels.csv").write_text(f"query,answer,label\n{rows}", encoding="utf-8")
        for name in ("first", "second"):
            assert run_command([*RUN, "--out", name]) == 0
    return folder


@pytest.fixture
def here(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def names(command: Any = None, before: str = "") -> Iterator[str]:
    command = command or _command()
    inner = getattr(command, "commands", {})
    if not inner or (before and command.invoke_without_command):
        yield before.strip()
    for name, one in inner.items():
        yield from names(one, f"{before} {name}")


def test_every_command_is_tried() -> None:
    assert set(names()) == set(COMMANDS)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_one_document_and_no_notes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = run_command([*command.split(), *COMMANDS[command], "--json", "--quiet"])
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    lines = printed.err.splitlines()
    assert [line for line in lines if not line.startswith(("error:", "exit status 1:", "see `"))] == []
    assert (status == 2) == (command in FAILING)
    assert bool(lines) == (status != 0)
    assert document
    assert not status or document["errors"] == lines


@pytest.mark.usefixtures("here")
def test_the_document_of_a_run_is_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*RUN, "--out", "mine", "--json"]) == 0
    printed = capsys.readouterr()
    summary = json.loads(Path("mine/summary.json").read_text(encoding="utf-8"))
    assert json.loads(printed.out) == {"folder": "mine", "problems": [], "summary": summary}
    assert "estimate: 2 calls" in printed.err


@pytest.mark.usefixtures("here")
def test_a_quiet_run_shows_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*RUN, "--out", "mine", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "results: mine" in printed.out
    assert printed.err == ""


@pytest.mark.usefixtures("here")
def test_a_quickstart_says_at_once_that_it_has_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def begins(*_: object, **__: object) -> None:
        raise BadInput(capsys.readouterr().err)

    monkeypatch.setattr("safebench.runs.run.run", begins)
    assert run_command(["quickstart"]) == 2
    assert "getting ready: some seconds" in capsys.readouterr().err


def test_a_document_with_a_result_tells_what_went_wrong_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    output = OutputConsole()
    for result in ({"healthy": False}, ["rows"], None):
        for problems in (["exit status 1: so"], []):
            output.begin(as_json=True)
            output.result(result)
            output.finish(1, problems)
            assert json.loads(capsys.readouterr().out)["errors"] == (problems or ["exit status 1"])


def test_what_is_no_option_is_told_in_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["data", "list", "--nothing", "--json"]) == 2
    assert "No such option: --nothing" in json.loads(capsys.readouterr().out)["errors"][0]
