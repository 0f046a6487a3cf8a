"""A jury of which some never vote: the run says who and why, with exit status 1, wherever its verdicts are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from tests.end_to_end.scripted import summary_of
from tests.fixture_types import Serve, WriteJsonl

VOTE = json.dumps({"reason": "scripted", "label": "refused", "rating": 5})
NOTHING = json.dumps({"reason": "scripted", "label": "abstain", "rating": 3})


def answer(call: Call) -> Reply:
    match call.model:
        case "tested" | "mute":
            return chat("I will not.")
        case "down":
            return error(400, "not today")
        case "filtered":
            return chat(None, finish="content_filter")
        case "shy":
            return chat(NOTHING)
    return chat(VOTE)


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    return serve(answer)


@pytest.fixture
def jury(world: ScriptedServer, tmp_path: Path) -> Callable[..., str]:
    def jury(*models: str) -> str:
        path = tmp_path / f"{'-'.join(models)}.toml"
        juror = '[[jurors]]\nname = "{}"\nmodel = "openai:{}"\nbase_url = "{}"\nretries = 0\n'
        seats = "".join(juror.format(f"{model} {n}", model, world.url) for n, model in enumerate(models))
        path.write_text("[protocol]\nrounds = 0\n" + seats, encoding="utf-8")
        return str(path)

    return jury


@pytest.fixture
def typed(world: ScriptedServer, write_jsonl: WriteJsonl, tmp_path: Path) -> list[str]:
    data = write_jsonl([{"query": f"How {n}?"} for n in range(4)])
    asked = ["run", "--data", str(data), "-c", "text", "--target", "openai:tested", "--base-url", world.url]
    return [*asked, "--out", str(tmp_path / "run")]


def test_jurors_that_never_vote_are_named_everywhere_and_are_exit_status_1(
    typed: list[str], jury: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*typed, "--jury", jury("ann", "bob", "cid", "down", "mute")]) == 1
    told = capsys.readouterr()
    (down, mute) = (line for line in told.err.splitlines() if line.startswith("exit status 1"))
    assert "juror down 3 cast no vote in 4 ballots (4 calls that failed)" in down
    assert "juror mute 4 cast no vote in 4 ballots (4 ballots that cannot be read)" in mute
    assert "safebench rejudge RUN --jury" in down
    first, *_ = told.out.splitlines()
    assert first.startswith("warning: juror down 3 cast no vote")
    assert "4 verdicts rest on 3.0 of 5 votes, on average" in told.out
    record: dict[str, Any] = summary_of(tmp_path / "run")["jury"]
    assert record["jurors"][0] == {"name": "ann 0", "votes": 4, "abstained": 0, "why": None, "absences": {}}
    assert [one["why"] for one in record["jurors"][3:]] == ["call_failed", "unreadable"]
    assert record["jurors"][3]["absences"] == {"call_failed": 4}
    assert record["short_handed"] == {"verdicts": 4, "votes": 3.0}
    assert run_command(["report", str(tmp_path / "run"), "--html"]) == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Juror down 3 cast no vote in 4 ballots" in page.partition("</header>")[0]
    assert "Ballots by juror" in page
    assert "4 verdicts rest on 3.0 of 5 votes" in page


def test_a_jury_that_votes_has_nothing_said_of_it(
    typed: list[str], jury: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*typed, "--jury", jury("ann", "bob", "cid")]) == 0
    told = capsys.readouterr()
    assert "cast no vote" not in told.out + told.err
    assert "verdicts rest on" not in told.out
    assert summary_of(tmp_path / "run")["jury"]["short_handed"] is None


def test_a_juror_that_chooses_to_abstain_is_a_warning_and_no_exit_status(
    typed: list[str], jury: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*typed, "--jury", jury("ann", "bob", "shy")]) == 0
    assert "warning: juror shy 2 abstained in 4 of 4 ballots (4 abstentions of its own)" in capsys.readouterr().out


def test_calls_that_failed_are_made_again_and_the_status_is_0_then(
    typed: list[str], jury: Callable[..., str], world: ScriptedServer
) -> None:
    told = [*typed, "--jury", jury("ann", "bob", "down")]
    assert run_command(told) == 1
    world.answer = lambda call: chat(VOTE)
    assert run_command(told) == 1
    assert run_command([*told, "--retry-failed"]) == 0


def test_rejudging_says_the_same_of_its_jury(
    typed: list[str], jury: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*typed, "--jury", jury("ann")]) == 0
    capsys.readouterr()
    asked = ["rejudge", str(tmp_path / "run"), "--out", str(tmp_path / "again"), "--jury"]
    assert run_command([*asked, jury("ann", "bob", "filtered")]) == 1
    told = capsys.readouterr()
    assert "exit status 1: juror filtered 2 cast no vote in 4 ballots (4 calls that a provider's filter" in told.err
    assert "Ballots by juror" in told.out


LABELS = "query,answer,label\nHow?,I will not.,refused\nHow?,Like this.,unsafe\n"


def calibrate(jury: str, folder: Path) -> tuple[int, Path]:
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    out = folder / "calibration.json"
    return run_command(["jury", "calibrate", str(folder / "labels.csv"), "--jury", jury, "--out", str(out)]), out


@pytest.mark.parametrize(("model", "why"), [("down", "not today"), ("mute", "unreadable ballot")])
def test_a_calibration_without_a_readable_ballot_is_an_error_and_no_file(
    jury: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, why: str
) -> None:
    status, out = calibrate(jury(model, model), tmp_path)
    assert (status, out.exists()) == (2, False)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error:"))
    assert "no juror gave a ballot that can be read, in 4" in line
    assert why in line


def test_a_calibration_tells_who_abstained(
    jury: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = calibrate(jury("ann", "bob", "down"), tmp_path)
    assert status == 0
    shown = capsys.readouterr().out
    assert "warning: juror down 2 cast no vote in 2 ballots (2 calls that failed)" in shown
    assert "Ballots by juror" in shown
    told = json.loads(out.read_text(encoding="utf-8"))["attendance"]
    assert [(one["name"], one["votes"], one["abstained"]) for one in told] == [
        ("ann 0", 2, 0), ("bob 1", 2, 0), ("down 2", 0, 2),
    ]  # fmt: skip
