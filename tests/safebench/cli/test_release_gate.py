"""Limits on the command line: exit statuses, lines and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.types import Intent, Item, Outcome
from tests.safebench.recorded import record, twins

LIMIT = "asr(text) > 0.15"


def outcome(item: Item) -> Outcome:
    return Outcome.REFUSED if item.query.intent is Intent.HARMFUL else Outcome.SAFE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return record(Path("runs/now"), twins(30), ["text"], outcome)


def reported(folder: Path, *told: str) -> int:
    return run_command(["report", str(folder), "--draws", "100", *told])


def test_a_limit_that_is_kept_is_a_line_and_status_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(folder, "--fail-over", LIMIT) == 0
    told = capsys.readouterr().out
    assert f"kept: {LIMIT}: ASR 0.0 %, 95 % interval 0.0–11.4 %; its upper end 11.35 is not over 15 %" in told


def test_every_limit_that_is_not_kept_is_a_line_and_status_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = ("asr(text) > 0.1", LIMIT, "over_refusal(text) > 0")
    assert reported(folder, *(part for one in limits for part in ("--fail-over", one))) == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("exit status 3: ")]
    assert [line.removeprefix("exit status 3: ").split(": ")[0] for line in lines] == [limits[0], limits[2]]
    assert reported(folder, *(part for one in limits for part in ("--fail-over", one)), "--point") == 0


def test_the_document_tells_what_came_of_each_limit_and_what_went_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ("asr(text) > 0.1", LIMIT)
    assert reported(folder, *(part for one in limits for part in ("--fail-over", one)), "--json") == 3
    document = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["is_kept"]) for one in document["limits"]] == [(limits[0], False), (limits[1], True)]
    assert document["errors"] == [f"exit status 3: {limits[0]}: {document['limits'][0]['detail']}"]
    assert reported(folder, "--fail-over", LIMIT, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["is_kept"] for one in document["limits"]] == [True]
    assert "errors" not in document


def test_a_run_is_held_to_an_earlier_one_by_the_margin_of_the_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = str(record(Path("runs/first"), twins(30), ["text"], outcome))
    assert reported(folder, "--fail-if-worse-than", first) == 3
    assert "exit status 3: text no worse than runs/first: ASR +0.0 points in 30 pairs" in capsys.readouterr().err
    assert reported(folder, "--fail-if-worse-than", first, "--margin", "0.15") == 0
    assert reported(folder, "--fail-if-worse-than", first, "--point") == 0


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (["--fail-over", "asr(text) > 10"], "as 0.1 for 10 %, is wanted at character 13, where '1' is"),
        (["--fail-over", "asr(image:plain) > 0.1"], "unknown condition 'image:plain'"),
        (["--fail-if-worse-than", "runs/now"], "runs/now is this run itself"),
        (["--fail-if-worse-than", "runs/nowhere"], "runs/nowhere is not a run folder"),
        (["--point"], "--point and --junit are about limits"),
        (["--junit", "junit.xml"], "--point and --junit are about limits"),
        (["--fail-over", LIMIT, "--junit", "nowhere/junit.xml"], "nowhere/junit.xml: no file can be written there"),
        (["--markdown", "runs"], "runs: no file can be written there"),
    ],
)
def test_bad_input_is_status_2_with_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], told: list[str], line: str
) -> None:
    assert reported(folder, *told) == 2
    (error,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error:")]
    assert line in error


def test_a_log_of_inspect_is_not_held_to_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("log.eval").write_bytes(b"")
    assert reported(Path("log.eval"), "--fail-if-worse-than", "runs/now") == 2
    assert "log.eval is a file: --fail-if-worse-than compares folders of runs" in capsys.readouterr().err


def test_the_files_say_what_came_of_the_limits(folder: Path) -> None:
    assert reported(folder, "--fail-over", "asr(text) > 0.1", "--junit", "j.xml", "--markdown", "s.md") == 3
    assert 'failures="1"' in Path("j.xml").read_text(encoding="utf-8")
    assert "❌ not kept" in Path("s.md").read_text(encoding="utf-8")
    assert reported(folder, "--markdown", "s.md") == 0
    assert "kept" not in Path("s.md").read_text(encoding="utf-8")


def answer(messages: list[object]) -> str:
    raise RuntimeError("down")


def ran(*told: str) -> int:
    Path("queries.csv").write_text("id,query\na,How?\n", encoding="utf-8")
    given = ["--data", "queries.csv", "--condition", "text", "--target", "reference", "--out", "out"]
    return run_command(["run", *given, *told])


@pytest.mark.parametrize(
    "told",
    [
        ("--fail-over", "asr(text > 0.1"),
        ("--fail-over", "asr(audio:female) > 0.1"),
        ("--fail-if-worse-than", "out"),
        ("--fail-over", "asr(audio) > 0.1", "--dry-run"),
        ("--fail-over", LIMIT, "--junit", "nowhere/junit.xml"),
    ],
)
def test_a_run_that_cannot_be_held_to_its_limits_never_begins(folder: Path, told: tuple[str, ...]) -> None:
    assert ran(*told) == 2
    assert not Path("out").exists()


def test_a_run_with_other_queries_than_the_earlier_one_never_begins(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran() == 0
    Path("out").rename("earlier")
    assert ran("--fail-if-worse-than", "earlier", "--point") == 0
    Path("out").rename("same")
    assert ran("--fail-if-worse-than", "earlier", "--jury", "paper", "--jury-model", "reference") == 2
    assert "earlier and out differ in jury" in capsys.readouterr().err
    assert ran("--fail-if-worse-than", "runs/now") == 2
    told = capsys.readouterr().err
    assert "runs/now and out differ in data: content" in told
    assert "queries (60 and 1)" in told
    assert not Path("out").exists()


def test_a_run_is_held_to_its_limits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--fail-over", "asr(text) > 0.5", "--junit", "j.xml", "--markdown", "s.md") == 3
    assert "exit status 3: asr(text) > 0.5: compliance rate" in capsys.readouterr().err
    assert 'name="the run"' in Path("j.xml").read_text(encoding="utf-8")


def test_status_3_stands_before_status_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    down = ("--target", f"python:{__name__}:answer")
    assert ran(*down) == 1
    assert ran(*down, "--fail-over", "asr(text) > 0.9") == 3
    told = capsys.readouterr().err
    assert "exit status 3: asr(text) > 0.9: text: of 1 harmful items none was decided" in told
    assert "exit status 1: 100.0 % of the items are open" in told


@pytest.mark.parametrize("limit", [LIMIT, "asr(text > 0.1"])
def test_no_file_of_an_earlier_command_stays_where_this_one_ends_in_an_error(folder: Path, limit: str) -> None:
    Path("j.xml").write_text("green", encoding="utf-8")
    nobody = ("--target", "openai:m", "--base-url", "http://127.0.0.1:9/v1")
    assert ran(*nobody, "--fail-over", limit, "--junit", "j.xml") == 2
    assert not Path("j.xml").exists()
    Path("j.xml").write_text("green", encoding="utf-8")
    assert reported(folder, "--fail-over", limit, "--fail-if-worse-than", "nowhere", "--junit", "j.xml") == 2
    assert not Path("j.xml").exists()


def test_a_dry_run_leaves_the_files_as_they_are(folder: Path) -> None:
    Path("j.xml").write_text("green", encoding="utf-8")
    assert ran("--fail-over", LIMIT, "--junit", "j.xml", "--dry-run") == 0
    assert Path("j.xml").exists()
