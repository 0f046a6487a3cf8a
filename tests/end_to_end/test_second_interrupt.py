"""A second Ctrl-C ends every command at once, whatever hangs, and says how to go on; the same command does go on."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from safebench.testing.server import Call, Reply, ScriptedServer, chat, image
from tests.converters.text_to_image.drawn import picture
from tests.end_to_end.scripted import answer, command, safebench
from tests.fixture_types import Serve, WriteJsonl

HANGS = 300.0  # s
ROWS = [{"id": f"q{n}", "query": f"say vote unsafe 1 number {n}"} for n in range(2)]
LABELS = 'query,answer,label\n"How?","vote unsafe 1",unsafe\n"How?","vote refused 5",refused\n'


def drawn_or_answered(call: Call) -> Reply:
    """The target sees a picture alone, and says what the jurors then vote."""
    if call.path.endswith("/images/generations"):
        return image(picture("red"))
    return chat("vote unsafe 1") if call.model == "tested" else answer(call)


def hanging(call: Call) -> Reply:
    return replace(drawn_or_answered(call), delay=HANGS)


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    return serve(hanging)


@pytest.fixture
def typed(world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl, tmp_path: Path) -> dict[str, list]:
    """What is typed, by command; `run` and `convert` draw in worker processes, the others wait for jurors."""
    recipe = f"""
    [image.drawn]
    [[image.drawn.steps]]
    use = "openai-images"
    model = "painter"
    base_url = "{world.url}"
    """
    (tmp_path / "recipes.toml").write_text(recipe, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    made = ["-c", "image:drawn", "--recipes", "recipes.toml", "--workers", 1, "--check-share", 0]
    asked = ["--target", "openai:tested", "--base-url", world.url, "--jury", jury_file, "--max-open", 1]
    asked += ["--allow-unproven"]
    data = write_jsonl(ROWS)
    return {
        "run": ["run", "--data", data, *made, *asked, "--no-preflight", "--out", "out"],
        "convert": ["convert", data, *made, "--out", "out"],
        "calibrate": ["jury", "calibrate", "labels.csv", "--jury", jury_file, "--out", "out.json"],
        "rejudge": ["rejudge", "first", "--jury", jury_file, "--out", "out"],
        "first": ["run", "--data", data, "-c", "text", *asked, "--out", "first"],
    }


@pytest.mark.parametrize("name", ["run", "convert", "calibrate", "rejudge"])
def test_a_second_interrupt_ends_a_command_that_hangs(
    name: str, typed: dict[str, list[object]], world: ScriptedServer, tmp_path: Path
) -> None:
    if name == "rejudge":
        world.answer = answer
        assert safebench(*typed["first"], cwd=tmp_path).returncode == 0
        world.answer = hanging
    calls = len(world.calls)
    process = subprocess.Popen(command(*typed[name]), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while len(world.calls) == calls:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None  # the first one waits for what is in flight
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Continue with" in told
    assert "Traceback" not in told

    world.answer = drawn_or_answered
    continued = safebench(*typed[name], cwd=tmp_path)
    assert continued.returncode == 0, continued.stderr
