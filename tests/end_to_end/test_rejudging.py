"""The answers of a run before another jury: no target is asked, and a killed judging goes on where it was."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.files import read_toml
from safebench.reports.finished_run import differences, read_run
from safebench.runs.batches import Batches, SentBatch
from safebench.runs.config import make_config
from safebench.runs.rejudge import rejudge
from safebench.runs.run import run
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from tests.end_to_end.scripted import command
from tests.fixture_types import Serve, WriteJsonl

QUERIES = [{"id": f"{word}-{n}", "query": f"{word} {n}"} for n in range(4) for word in ("unsafe", "refused", "blocked")]


def answer(call: Call) -> Reply:
    """The target says its query again, or is stopped; the lenient juror finds nothing unsafe, the strict one all."""
    if call.model == "tested":
        stopped = "blocked" in call.text()
        return chat(None if stopped else call.text(), finish="content_filter" if stopped else "stop")
    label = {"lenient": "refused", "strict": "unsafe"}[call.model]
    return chat(json.dumps({"reason": "scripted", "label": label, "rating": 3}))


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    return serve(answer)


@pytest.fixture
def first(world: ScriptedServer, write_jsonl: WriteJsonl, tmp_path: Path) -> Path:
    config = make_config(
        "test", data=str(write_jsonl(QUERIES)), conditions=["text"], target="openai:tested", base_url=world.url,
        jury=tables(world, "lenient"), out=str(tmp_path / "first"), preflight=False, workers=1,
    )  # fmt: skip
    return run(config).folder


def tables(world: ScriptedServer, model: str) -> dict[str, object]:
    return {"jurors": [{"model": f"openai:{model}", "base_url": world.url, "retries": 0}]}


def jury_file(world: ScriptedServer, model: str, folder: Path) -> str:
    path = folder / f"{model}.toml"
    path.write_text(f'[[jurors]]\nmodel = "openai:{model}"\nbase_url = "{world.url}"\nretries = 0\n', encoding="utf-8")
    return str(path)


def outcomes(folder: Path) -> dict[str, str]:
    with Store(folder, readonly=True) as store:
        return {row["query"]: row["outcome"] for row in store.rows("SELECT query, outcome FROM items")}


def test_another_jury_judges_the_same_answers_and_no_target_is_asked(
    first: Path, world: ScriptedServer, tmp_path: Path
) -> None:
    asked = len(world.calls)
    found = rejudge(first, tmp_path / "second", jury_file(world, "strict", tmp_path))
    assert {call.model for call in world.calls[asked:]} == {"strict"}
    assert len(world.calls) - asked == 8  # answers that a filter stopped have nothing to be judged
    assert found.moves == {("refused", "unsafe"): 8}
    assert found.variance == 0.5  # each verdict turned
    assert outcomes(tmp_path / "second") == {
        q["id"]: q["query"].split()[0].replace("refused", "unsafe") for q in QUERIES
    }
    assert set(outcomes(first).values()) == {"refused", "blocked"}  # the run before is as it was
    told = read_toml(tmp_path / "second" / "run.toml")
    assert told["resolved"]["answers_of"] == str(first)
    assert any("jury" in line for line in differences(read_run(first), read_run(tmp_path / "second")))


def test_the_new_folder_is_a_run_that_can_be_continued(first: Path, world: ScriptedServer, tmp_path: Path) -> None:
    rejudge(first, tmp_path / "second", jury_file(world, "strict", tmp_path))
    asked = len(world.calls)
    assert run_command(["run", str(tmp_path / "second" / "run.toml"), "--max-open", "1"]) == 0
    assert len(world.calls) == asked


def test_another_seed_of_the_same_jury_asks_it_anew(first: Path, world: ScriptedServer, tmp_path: Path) -> None:
    asked = len(world.calls)
    found = rejudge(first, tmp_path / "second", jury_file(world, "lenient", tmp_path), seed=7)
    assert len(world.calls) - asked == 8
    assert (found.moves, found.kappa, found.variance) == ({("refused", "refused"): 8}, None, 0.0)


def test_a_juror_that_stops_answering_loses_nothing(
    first: Path, world: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["rejudge", str(first), "--jury", jury_file(world, "strict", tmp_path), "--out", str(tmp_path / "second")]
    before, asked = world.answer, len(world.calls)
    world.answer = lambda call: error(401, "wrong key") if call.number >= asked + 5 else before(call)
    assert run_command([*typed, "--concurrency", "1"]) == 2
    assert "wrong key" in capsys.readouterr().err
    world.answer, refused = before, len(world.calls)
    assert run_command(typed) == 0
    assert len(world.calls) - refused == 3  # five were recorded, the sixth was refused
    assert "judged again: 8 answers, 8 with another outcome" in capsys.readouterr().out


def test_a_jury_that_leaves_too_much_open_is_exit_status_1(
    first: Path, world: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = world.answer
    fails = lambda call: call.model == "strict" and "unsafe 0" not in call.text()  # noqa: E731  it votes once
    world.answer = lambda call: error(400, "not today") if fails(call) else before(call)
    typed = ["rejudge", str(first), "--jury", jury_file(world, "strict", tmp_path), "--out", str(tmp_path / "second")]
    assert run_command(typed) == 1
    assert "exit status 1: 58.3 % of the items are open (see --max-open)" in capsys.readouterr().err
    assert run_command([*typed, "--max-open", "0.7"]) == 0


def test_a_judging_that_is_interrupted_says_how_to_go_on(first: Path, world: ScriptedServer, tmp_path: Path) -> None:
    before = world.answer
    slow = lambda call: Reply(before(call).body, delay=0.5)  # noqa: E731
    world.answer = slow
    jury, out = jury_file(world, "strict", tmp_path), tmp_path / "second"
    prices = tmp_path / "prices.toml"
    prices.write_text("", encoding="utf-8")
    limits = ("--max-calls", 50, "--prices", prices)
    typed = command("rejudge", first, "--concurrency", 1, "--jury", jury, *limits, "--out", out)
    asked = len(world.calls)
    process = subprocess.Popen(typed, stderr=subprocess.PIPE, text=True)
    while len(world.calls) < asked + 2:
        assert process.poll() is None
    process.send_signal(2)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert f"safebench rejudge {first} --jury {jury} --max-calls 50 --prices {prices} --out {out}" in told
    world.answer = before
    assert subprocess.run(typed, capture_output=True, check=False).returncode == 0
    assert len(world.calls) == asked + 8


@pytest.mark.parametrize("what", ["no run", "another folder", "another jury", "unfinished", "away"])
def test_what_cannot_be_judged_again_is_one_clear_line(
    what: str, first: Path, world: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, jury = tmp_path / "second", jury_file(world, "strict", tmp_path)
    typed = ["rejudge", str(first), "--jury", jury, "--out", str(out)]
    if what == "no run":
        typed[1], told = str(tmp_path), "is not a run folder"
    elif what == "another folder":
        typed[-1], told = str(tmp_path), "exists and is no run folder"
    elif what == "another jury":
        rejudge(first, out, jury_file(world, "lenient", tmp_path), seed=1)
        told = "holds another run: it differs in its jury"
    elif what == "away":
        asked = {"base_url": world.url, "key_name": "KEY", "path": "/v1", "model": "judge", "requests": 3}
        Batches(first).keep(SentBatch(file="requests/0001/0001-judge.jsonl", **asked))
        told = f"3 calls of {first} are with a batch service, and would be asked a second time"
    else:
        with Store(first) as store:
            store.reopen_failed()
            list(store.rows("UPDATE items SET outcome = NULL WHERE id = 1 RETURNING id"))
        told = "1 items have no outcome yet; first: safebench run"
    assert run_command(typed) == 2
    assert told in capsys.readouterr().err.replace("\n", " ")


def test_jurors_whose_calls_failed_are_asked_again_and_nobody_else(
    first: Path, world: ScriptedServer, tmp_path: Path
) -> None:
    def down_for_some(call: Call) -> Reply:
        return error(500) if call.model == "strict" and "unsafe 1" in call.text() else answer(call)

    world.answer = down_for_some
    jury, second = jury_file(world, "strict", tmp_path), tmp_path / "second"
    rejudge(first, second, jury)
    assert outcomes(second)["unsafe-1"] == "undecided"
    world.answer = answer
    asked = len(world.calls)
    assert rejudge(first, second, jury).moves[("refused", "undecided")] == 1  # the same again asks nobody
    assert len(world.calls) == asked
    found = rejudge(first, second, jury, retry_failed=True)
    assert found.moves == {("refused", "unsafe"): 8}
    assert [call.model for call in world.calls[asked:]] == ["strict"]
    assert list(outcomes(second).values()).count("blocked") == 4  # what nobody judges stays as it was


def test_a_folder_is_made_with_the_rights_of_the_user_and_privately_for_him_alone(
    first: Path, world: ScriptedServer, tmp_path: Path
) -> None:
    def rights(folder: Path) -> int:
        return functools.reduce(int.__or__, (path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))))

    (first / "media").mkdir(exist_ok=True)
    (first / "media" / "clip.wav").write_bytes(b"RIFF")
    (first / "media").chmod(0o777)
    (first / "media" / "clip.wav").chmod(0o600)
    jury = ["--jury", jury_file(world, "strict", tmp_path), "--allow-unproven"]
    before = os.umask(0o027)
    try:
        run_command(["rejudge", str(first), *jury, "--out", str(tmp_path / "second")])
        assert rights(tmp_path / "second") & 0o027 == 0
        assert rights(tmp_path / "second") & 0o040
        run_command(["rejudge", str(first), *jury, "--out", str(tmp_path / "third"), "--private"])
        assert rights(tmp_path / "third") & 0o077 == 0
        run_command(["rejudge", str(first), *jury, "--out", str(tmp_path / "second"), "--private"])
        assert (tmp_path / "second").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
