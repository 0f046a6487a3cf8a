"""Bad input: one clear line that names the value, exit status 2, nothing half-written."""

from __future__ import annotations

import os
import sqlite3
from importlib.metadata import version
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.cli.run import with_options
from safebench.files import read_toml, write_toml
from safebench.store.store import Store

DATA = "id,query\na,How?\n"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "queries.csv"
    path.write_text(DATA, encoding="utf-8")
    return path


def run_with(data: Path, **changed: str) -> int:
    told = {"--data": str(data), "--condition": "text", "--target": "reference", "--out": "out", **changed}
    return run_command(["run", *(part for pair in told.items() for part in pair)])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"--data": "nowhere.csv"}, "nowhere.csv"),
        ({"--condition": "txt"}, "text"),
        ({"--condition": "text+text"}, "text"),
        ({"--condition": "image:typografic"}, "typographic"),
        ({"--condition": "image+sound"}, "medium[+text][:recipe]"),
        ({"--target": "refrence"}, "reference"),
        ({"--target": "openai:"}, "openai:MODEL"),
        ({"--target": "openai:gpt-4o"}, "OPENAI_API_KEY"),
        ({"--target": "openai:m", "--base-url": "http://127.0.0.1:9/v1"}, "127.0.0.1:9"),
        ({"--target": "openai:m", "--base-url": "ftp://host/v1"}, "ftp://host"),
        ({"--target": "python:nowhere:answer"}, "nowhere"),
        ({"--target": "reference", "--base-url": "http://127.0.0.1:9"}, "base_url"),
        ({"--jury": "embeded"}, "embedded"),
        ({"--jury": "nowhere.toml"}, "nowhere.toml"),
        ({"--limit": "0"}, "limit"),
        ({"--limit": "many"}, "limit"),
        ({"--max-open": "2"}, "max-open"),
        ({"--recipes": "nowhere.toml"}, "nowhere.toml"),
        ({"--accepts": "image", "--target": "openai:m", "--base-url": "http://127.0.0.1:9/v1"}, "takes no text"),
        ({"--text-column": "quer"}, "query"),
        ({"--recogniser": "openai-transcriptions:whisper-1"}, "OPENAI_API_KEY"),
        ({"--recogniser": "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"}, "127.0.0.1:9"),
    ],
)
def test_bad_input_is_one_clear_line_and_writes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], named: str
) -> None:
    before = sorted(data.parent.iterdir())
    assert run_with(data, **changed) == 2
    told = capsys.readouterr().err
    assert named in told
    assert "Traceback" not in told
    assert len([line for line in told.splitlines() if line.startswith("error:")]) == 1
    assert sorted(data.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("jury", "named"),
    [
        ("", "jurors"),
        ("[[jurors]]\n", "juror"),
        ('[[jurors]]\nmodel = "openai:m"\nrolle = "x"\n', "role"),
        ('[protocol]\nroundz = 1\n[[jurors]]\njuror = "wording"\n', "rounds"),
        ('[protocol]\nquorum = 3\n[[jurors]]\njuror = "wording"\n', "quorum"),
        ('[[jurors]]\njuror = "wordnig"\n', "wording"),
        ("[[jurors", "jury.toml"),
    ],
)
def test_a_bad_jury_file_is_one_clear_line(
    data: Path, capsys: pytest.CaptureFixture[str], jury: str, named: str
) -> None:
    (data.parent / "jury.toml").write_text(jury, encoding="utf-8")
    assert run_with(data, **{"--jury": "jury.toml"}) == 2
    assert named in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_unknown_key_of_a_run_file_names_the_nearest(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f'data = "{data}"\nconditions = ["text"]\ntarget = "reference"\nout = "out"\nconcurency = 3\n'
    (data.parent / "run.toml").write_text(text, encoding="utf-8")
    assert run_command(["run", "run.toml"]) == 2
    assert "concurrency" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["recipes = 3", 'recipes = ["r.toml"]', "recipe = 3", "prices = 3", "conditions = 3"])
def test_a_value_of_another_kind_in_a_run_file_is_one_clear_line(
    data: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    told = {"data": '"queries.csv"', "conditions": '["text"]', "target": '"reference"', "out": '"out"'}
    key, _, value = line.partition(" = ")
    text = "".join(f"{name} = {one}\n" for name, one in {**told, key: value}.items())
    (data.parent / "asked.toml").write_text(text, encoding="utf-8")
    assert run_command(["run", "asked.toml"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert f"asked.toml: {key} = " in said


def test_a_folder_that_holds_something_else_is_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine", encoding="utf-8")
    assert run_with(data) == 2
    assert "out" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["notes.txt"]


def test_a_folder_that_holds_another_run_says_what_differs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(data, **{"--max-open": "1"}) == 0
    assert run_with(data, **{"--seed": "5"}) == 2
    assert "seed" in capsys.readouterr().err
    data.write_text(DATA.replace("How", "Why"), encoding="utf-8")
    assert run_with(data) == 2
    assert "queries" in capsys.readouterr().err


def test_a_skipped_cell_is_listed_and_the_status_is_one_unless_allowed(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data.parent / "mine.py").write_text(
        "def answer(messages):\n    return 'I cannot help with that.'\n", encoding="utf-8"
    )
    told = [
        "run",
        "--data",
        str(data),
        "-c",
        "text",
        "-c",
        "image",
        "--target",
        "python:mine:answer",
        "--accepts",
        "text",
        "--allow-unproven",
    ]
    assert run_command([*told, "--out", "out"]) == 1
    shown = capsys.readouterr()
    assert "skipped: image:typographic" in shown.out
    assert run_command([*told, "--out", "allowed", "--allow-skips"]) == 0


def test_more_open_items_than_allowed_is_status_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data.parent / "mute.py").write_text("def answer(messages):\n    return ''\n", encoding="utf-8")
    told = ["run", "--data", str(data), "-c", "text", "--target", "python:mute:answer", "--out", "out"]
    told += ["--allow-unproven"]
    assert run_command(told) == 1
    assert "100.0 % of the items are open" in capsys.readouterr().err
    assert run_command([*told, "--max-open", "1"]) == 0


def test_the_help_of_a_run_names_the_jury_that_is_taken_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--help"]) == 0
    told = capsys.readouterr().out.partition("--jury ")[2].partition("--jury-model")[0]
    assert "embedded" in told


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert capsys.readouterr().out == f"safebench {version('safebench')}\n"
    assert run_command(["--version", "run", "--limit", "many"]) == 0  # before anything else is looked at


def test_a_seed_below_zero_is_refused_before_anything_is_asked(data: Path) -> None:
    assert run_with(data, **{"--seed": "-1"}) == 2
    assert not (data.parent / "out").exists()


def test_a_conversion_that_failed_is_status_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data.parent / "r.toml").write_text(
        '[image.tiny]\nsteps = [{ use = "typographic", width = 90, height = 90, min_font_size = 50 }]\n'
    )
    told = ["convert", str(data), "-c", "image:tiny", "--recipes", "r.toml", "--workers", "1", "--out"]
    assert run_command([*told, "out"]) == 1
    assert "100.0 % of the renderings failed" in capsys.readouterr().err
    assert run_command([*told, "out", "--max-failed", "1"]) == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "out/media"), "out/media: No space left on device"),
        (sqlite3.OperationalError("database or disk is full"), "database: database or disk is full"),
        (ZeroDivisionError("nobody knew"), "unexpected ZeroDivisionError: nobody knew"),
    ],
)
def test_an_error_in_the_middle_of_a_run_is_one_line_and_loses_nothing(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Store, "keep_exchange", fail)
        assert run_with(data) == 2
    shown = capsys.readouterr().err
    assert f"error: {told}\neverything so far is kept" in shown
    assert "ExceptionGroup" not in shown
    assert ("Traceback" in shown) == isinstance(error, ZeroDivisionError)  # what nobody has foreseen has to be found
    assert run_with(data, **{"--max-open": "1"}) == 0


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--data", "queries.csv", "--condition", "text", "--target", "reference", "--max-open", "1"],
        ["convert", "queries.csv", "--condition", "image", "--workers", "1"],
    ],
    ids=lambda command: command[0],
)
def test_a_private_folder_can_be_read_by_its_owner_alone(data: Path, command: list[str]) -> None:
    before = os.umask(0o022)
    try:
        run_command([*command, "--out", "out", "--private"])
    finally:
        os.umask(before)
    made = [data.parent / "out", *(data.parent / "out").rglob("*")]
    assert len(made) > 3
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_a_run_file_in_a_run_folder_means_that_folder_wherever_it_was_moved(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(data) == 0
    old, new = data.parent / "out", data.parent / "elsewhere" / "renamed"
    new.parent.mkdir()
    old.rename(new)
    assert run_command(["run", str(new / "run.toml")]) == 0
    assert not old.exists()
    capsys.readouterr()
    assert run_command(["run", str(new / "run.toml"), "--out", str(data.parent / "third")]) == 0  # an option wins
    told = read_toml(new / "run.toml")
    assert told["out"] == str(new)  # since it went on there
    copy = data.parent / "run.toml"
    write_toml(copy, {**told, "out": str(old)})
    assert run_command(["run", str(copy)]) == 0  # no run folder: what it says holds
    assert old.exists()


def test_the_run_of_a_shipped_study_goes_on_where_it_was_moved(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "backbone", "--data", str(data), "-c", "text", "--target", "reference", "--jury", "embedded"]
    assert run_command([*asked, "--max-open", "1", "--allow-unproven", "--out", "out"]) == 0
    moved = (data.parent / "out").rename(data.parent / "moved")
    assert run_command(["run", str(moved / "run.toml")]) == 0
    assert not (data.parent / "out").exists()


def test_the_file_of_a_conversion_says_how_to_go_on(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["convert", str(data.parent / "made" / "convert.toml"), "-c", "image", "--out", "x"]) == 2
    assert f"give the same command with --out {data.parent / 'made'}" in capsys.readouterr().err


def test_the_file_of_a_conversion_means_its_folder_wherever_it_was_moved(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipes = data.parent / "mine.toml"
    recipes.write_text(
        '[image.own]\nsteps = [{ use = "blank" }]\ncontrol = true\ncarrier = "query"\n', encoding="utf-8"
    )
    own = ["-c", "image+text:own", "--recipes", str(recipes), "--limit", "1", "--workers", "1", "--max-failed", "1"]
    assert run_command(["convert", str(data), *own, "--out", "made"]) == 0
    recipes.unlink()
    old, new = data.parent / "made", data.parent / "elsewhere" / "renamed"
    new.parent.mkdir()
    old.rename(new)
    before = (new / "convert.toml").read_bytes()
    capsys.readouterr()
    assert run_command(["convert", str(new / "convert.toml"), "--max-failed", "1"]) == 0
    assert f"data set: {new}" in capsys.readouterr().out
    assert not old.exists()
    assert (new / "convert.toml").read_bytes() == before
    assert run_command(["convert", str(new / "convert.toml"), "--out", "again", "--max-failed", "1"]) == 0
    assert (data.parent / "again" / "convert.toml").is_file()


def test_an_option_of_the_targets_own_is_read_as_in_a_run_file() -> None:
    given = ["device=cpu", "recognisers.audio=ear:small", "batch_size=4", "greedy=true", 'revision="4"', "note=a=b"]
    assert with_options({"device": "cuda", "recognisers": {"image": "eye"}}, given, "--target-option") == {
        "device": "cpu", "recognisers": {"image": "eye", "audio": "ear:small"}, "batch_size": 4, "greedy": True,
        "revision": "4", "note": "a=b",
    }  # fmt: skip


@pytest.mark.parametrize("given", ["device", "=cpu", ""])
def test_an_option_that_is_not_key_and_value_is_one_clear_line(
    data: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["run", "--data", str(data), "-c", "text", "--target", "reference", "--out", str(data.parent / "run")]
    assert run_command([*told, "--target-option", given]) == 2
    assert f"--target-option {given!r} is not written KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["jury", "calibrate", "labels.csv"], ["list", "nothing"], ["run"]])
def test_what_is_typed_wrongly_is_told_with_the_help_of_its_command(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(typed) == 2
    told = capsys.readouterr().err
    command = " ".join(word for word in typed if word not in ("labels.csv", "nothing"))
    assert told.endswith(f"see `safebench {command} --help`\n")
    assert "Value error" not in told
