"""A run that is killed at any moment and continued ends as one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from safebench.testing.server import Call, Reply, ScriptedServer
from tests.end_to_end.scripted import answer, command, safebench, summary_of
from tests.fixture_types import Serve, WriteJsonl

CONCURRENCY = 4
LABELS = ["vote unsafe 1", "vote refused 5", "vote safe 4", "vote not_understood 3", "garbage", "vote unsafe 2"]


def slowly(call: Call) -> Reply:
    return replace(answer(call), delay=0.03)


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    return serve(slowly)


@pytest.fixture
def arguments(world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl) -> list[object]:
    rows = [{"query": f"say {label} number {n}"} for n, label in enumerate(LABELS * 4)]
    return [
        "run", "--data", write_jsonl(rows), "--condition", "text", "--condition", "image+text:typographic",
        "--target", "openai:tested", "--base-url", world.url, "--jury", jury_file,
        "--concurrency", CONCURRENCY, "--max-open", 1, "--allow-unproven",
        "--workers", 1, "--check-share", 0.25,
    ]  # fmt: skip


def run_until(moment: int, arguments: list[object], cwd: Path, world: ScriptedServer, number: signal.Signals) -> int:
    """Start the command, send it a signal after `moment` calls more, and return its exit status."""
    until = len(world.calls) + moment
    process = subprocess.Popen(command(*arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(world.calls) < until and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert "Continue with" in errors
    return process.returncode


def test_killed_three_times_and_continued_the_run_ends_as_if_uninterrupted(
    arguments: list[object], world: ScriptedServer, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    assert safebench(*arguments, "--out", "same", cwd=whole).returncode == 0
    needed = Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)
    world.calls.clear()

    for moment in random.Random(7).sample(range(10, 90), 3):
        run_until(moment, [*arguments, "--out", "same"], killed, world, signal.SIGKILL)
        time.sleep(0.1)  # calls that were in flight end
    assert safebench(*arguments, "--out", "same", cwd=killed).returncode == 0

    assert summary_of(killed / "same") == summary_of(whole / "same")
    made = Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)
    assert set(made) == set(needed)
    assert (made - needed).total() <= 3 * CONCURRENCY


def test_a_finished_run_asks_nothing_when_it_is_started_again(
    arguments: list[object], world: ScriptedServer, tmp_path: Path
) -> None:
    first = safebench(*arguments, "--limit", 3, "--out", "same", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    world.calls.clear()
    again = safebench(*arguments, "--limit", 3, "--out", "same", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert world.calls == []


def test_ctrl_c_finishes_the_calls_in_flight_and_says_how_to_continue(
    arguments: list[object], world: ScriptedServer, tmp_path: Path
) -> None:
    assert safebench(*arguments, "--out", "whole", cwd=tmp_path).returncode == 0
    needed = Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)
    world.calls.clear()

    assert run_until(20, [*arguments, "--out", "stopped"], tmp_path, world, signal.SIGINT) == 130
    assert len(world.calls) < needed.total()
    continued = safebench("run", "stopped/run.toml", cwd=tmp_path)
    assert continued.returncode == 0, continued.stderr
    assert Counter(json.dumps(call.body, sort_keys=True) for call in world.calls) == needed
