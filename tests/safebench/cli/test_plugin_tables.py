"""What `safebench list` shows, and what it chooses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.cli.plugins import Listed
from safebench.models.catalogue import models


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run_command(["list", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def names(lines: list[str]) -> list[str]:
    """Of the models that are shown, in their order."""
    return [first for line in lines if (first := line.partition(" ")[0]) in models()]


def test_models_are_chosen_by_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = names(listed(capsys, "targets", "--medium", "audio"))
    assert set(chosen) == {name for name, model in models().items() if "audio" in model.accepts}
    assert 0 < len(chosen) < len(models())


def test_models_are_chosen_by_whether_they_were_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert names(listed(capsys, "targets", "--tried")) == [name for name, model in models().items() if model.tried]


def test_without_a_choice_all_models_are_shown_and_retired_ones_last(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "targets")
    shown = names(lines)
    assert sorted(shown) == sorted(models())
    retired = {name for name, model in models().items() if model.retired}
    assert set(shown[-len(retired) :]) == retired
    assert any("retired by its maker on 2025-10-28" in line for line in lines)
    assert any(line.split()[:1] == ["reference"] for line in lines)


def test_a_model_that_its_maker_took_away_says_when() -> None:
    """By which it is listed last; a note is read by people alone."""
    assert not [model.name for model in models().values() if "shut down" in model.note]
    assert {models()[f"gemini-1.5-{size}"].retired for size in ("pro", "flash")} == {"2025-09-29"}


def document(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    assert run_command([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_document_of_models_holds_what_is_known_of_each_as_values(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "list", "targets")
    known = {model["name"]: model for model in told["models"]}
    assert list(known)[-1] in {name for name, model in models().items() if model.retired}
    assert known["gemini-1.5-pro"]["retired"] == "2025-09-29"
    listening = known["qwen2-audio-7b"]
    assert (listening["tried"], listening["retired"], listening["accepts"]) == (False, None, ["text", "audio"])
    reference = next(plugin for plugin in told["targets"] if plugin["name"] == "reference")
    assert (reference["ready"], reference["lacking"], reference["error"]) == (True, None, None)
    assert document(capsys, "list", "targets", "--tried")["targets"] == []


@pytest.mark.parametrize("what", list(Listed))
def test_the_document_of_each_kind_has_its_rows(capsys: pytest.CaptureFixture[str], what: str) -> None:
    told = document(capsys, "list", what)
    assert told[what]
    assert all(type(row.get("ready", True)) is bool for row in told[what])
    assert "" not in [value for row in told[what] for value in row.values()]
    assert what != "recipes" or told["gates"]["audio"]["max_wer"] > 0


@pytest.mark.parametrize("what", ["data", "published"])
def test_counts_are_numbers_in_a_document(capsys: pytest.CaptureFixture[str], what: str) -> None:
    for row in document(capsys, what, "list")[what]:
        assert all(type(value) is int for key, value in row.items() if key not in ("name", "title", "sha256"))


def test_published_figures_are_numbers_in_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    first = document(capsys, "published", "list")["published"][0]["name"]
    rows = document(capsys, "published", "show", first)["rows"]
    assert rows
    assert all(type(row["AVG"]) is float for row in rows)


def test_where_no_model_of_a_medium_was_run_it_is_said_with_those_that_were(capsys: pytest.CaptureFixture[str]) -> None:
    told = " ".join(listed(capsys, "targets", "--medium", "audio", "--tried"))
    assert told.startswith("no model that takes audio was run here; of the others ")
    assert "smollm2" in told
    assert "leave out --tried" in told


def test_the_voices_say_whether_they_can_speak_here(capsys: pytest.CaptureFixture[str]) -> None:
    lines = listed(capsys, "voices")
    assert any("audio:us-female" in line and line.rstrip().endswith("yes") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["targets", "--medium", "audoi"], "did you mean audio?"),
        (["voices", "--tried"], "safebench list targets"),
        (["smells"], "smells"),
    ],
)
def test_a_choice_that_cannot_be_made_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert run_command(["list", *arguments]) == 2
    told = capsys.readouterr().err
    assert named in told
    assert told.count("error:") == 1


def test_what_was_published_is_shown_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["published"]) == 0
    told = capsys.readouterr()
    assert "image" in told.out
    assert not told.err


@pytest.mark.parametrize("arguments", [[], ["jury"], ["data"]])
def test_a_command_without_its_own_command_shows_its_help_and_no_empty_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run_command(arguments) == 2
    assert "error:" not in capsys.readouterr().err
