"""`safebench reproduce`: what ends it before anything is asked, and what is written where a part fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.testing.server import Call, Reply, chat, error
from tests.fixture_types import Serve

SIZE = ["reproduce", "paper", "--part", "size", "--limit", "2", "--out", "out"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written() -> dict[str, Any]:
    return dict(json.loads(Path("out/paper.json").read_text(encoding="utf-8")))


def test_a_name_that_the_tables_do_not_have_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*SIZE, "--model", "Qwen2-VL-3B"]) == 2
    assert "unknown model of the paper's tables 'Qwen2-VL-3B' in --model; did you mean" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize("model", ["Qwen2-VL-2B", "Mini-Omni", "Qwen2-Audio"])
def test_names_of_tables_and_of_texts_are_known(model: str) -> None:
    assert run_command([*SIZE, "--model", model, "--dry-run"]) == 0


def test_a_mistake_ends_a_dry_run_with_status_2_and_is_told_from_what_only_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["reproduce", "paper", "--data", "nosuch", "--part", "size", "--part", "attacks", "--dry-run", "--json"]
    assert run_command(command) == 2
    shown = json.loads(capsys.readouterr().out)
    assert {one["part"]: one["broken"] for one in shown["parts"]} == {"size": True, "attacks": False}
    assert "nosuch" in shown["errors"][0]


def test_the_folder_of_every_part_is_looked_at_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    other = Path("out/size/mine.txt")
    other.parent.mkdir(parents=True)
    other.write_text("mine", encoding="utf-8")
    assert run_command([*SIZE, "--part", "images"]) == 2
    assert "out/size exists and is no run folder" in capsys.readouterr().err
    assert [*Path("out").iterdir()] == [other.parent]


def test_a_run_of_something_else_is_not_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    starter = ["--data", "starter", "--target", "reference", "--limit", "2"]
    assert run_command(["run", "-c", "text", *starter, "--allow-unproven", "--out", "out/size"]) == 0
    assert run_command([*SIZE, "--part", "images"]) == 2
    assert "out/size" in capsys.readouterr().err
    assert not Path("out/images").exists()


@pytest.mark.parametrize("place", ["out", "out/size"])
def test_a_file_is_no_folder(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).write_text("mine", encoding="utf-8")
    assert run_command(SIZE) == 2
    assert f"error: {place} is no folder: choose another --out" in capsys.readouterr().err


def test_what_was_made_before_a_part_failed_is_written_and_what_failed_is_asked_again(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jurors judge the answers of a run, and are away when it comes to those with labels."""
    away = [True]

    def juror(call: Call) -> Reply:
        if away[0] and "a labelled answer" in call.text():
            return error(400, "away")
        return chat('{"reason": "r", "label": "unsafe", "rating": 1}')

    monkeypatch.setenv("OPENAI_BASE_URL", serve(juror).url)
    rows = "How?,a labelled answer,unsafe\nWhy?,a labelled answer or two,safe\n"
    Path("labels.csv").write_text(f"query,answer,label\n{rows}", encoding="utf-8")
    command = [*SIZE, "--part", "jury", "--jury-model", "openai:judge", "--labels", "labels.csv", "--html"]
    assert run_command(command) == 2
    assert "--retry-failed makes those that failed again" in capsys.readouterr().err
    assert {cell["part"] for cell in written()["cells"]} == {"size"}
    assert written()["not_made"] == {"jury": "the command ended before it was made"}
    page = Path("out/paper.html").read_text(encoding="utf-8")
    assert '<section id="size">' in page
    assert "<b>jury</b>: the command ended before it was made" in page

    away[0] = False
    assert run_command(command) == 2  # what failed is kept
    assert run_command([*command, "--retry-failed"]) in (0, 1)
    assert written()["jury"]["verdicts"]["jury"]["right"]["value"] == 0.5
    assert written()["not_made"] == {}
