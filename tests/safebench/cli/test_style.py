"""What a terminal shows is what was said, whatever its encoding and whatever a name looks like."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.markup import render

from safebench.cli.main import app, run_command
from safebench.cli.style import allow_any_character, plain_console, plain_table

ODD = "openai:m: HTTP 403 :smile: [bold]x[/bold] [/] [link=a]b \\[red] :warning:"


def test_neither_markup_nor_emoji_codes_change_a_text() -> None:
    page = io.StringIO()
    console = plain_console(file=page, width=200)
    console.print(ODD, style="bold")
    table = plain_table(ODD, title=ODD)
    table.add_row(ODD)
    console.print(table)
    assert page.getvalue().count(ODD) == 4


def test_errors_and_notes_name_files_as_they_are_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a:m: [red]b :smile:.csv"
    assert run_command(["data", "check", str(file)]) == 2
    file.write_text("query\nHow?\n", encoding="utf-8")
    assert run_command(["data", "check", str(file)]) == 0
    shown = capsys.readouterr()
    assert f"error: data {str(file)!r}: no such file" in shown.err
    assert f"note: {file}: 1 queries without intent" in shown.out


@pytest.mark.parametrize("acting", ["\x1b[2J", "\x07", "\x9b31m", "\r", "\u202e"])
def test_what_a_file_says_does_not_act_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], acting: str
) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps({f"a{acting}b": 1}), encoding="utf-8")
    assert run_command(["data", "check", str(file)]) == 2
    page = io.StringIO()
    table = plain_table()
    table.add_column("x")
    table.add_row(f"a{acting}b")
    plain_console(file=page, width=200).print(f"a{acting}b", table)
    written = acting.encode("unicode_escape").decode()
    for told in (capsys.readouterr().err, page.getvalue()):
        assert f"a{written}b" in told
        assert acting not in told


@pytest.mark.parametrize(("name", "status"), [("data.csv", 0), ("ñ→.csv", 2)])
def test_a_terminal_that_is_not_utf8_shows_all_it_can(tmp_path: Path, name: str, status: int) -> None:
    (tmp_path / "data.csv").write_text("id,query,intent,Büro→\nñ→,How?,benign,x\n", encoding="utf-8")
    command = [sys.executable, "-m", "safebench", "data", "duplicates", name, "data.csv"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == status
    assert "ñ\\u2192" in (done.stdout + done.stderr).decode("latin-1")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_document_is_json_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "é😀.csv").write_text("query,intent\nHow?,benign\n", encoding="utf-8")
    command = [sys.executable, "-m", "safebench", "data", "show", "é😀.csv", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert "é😀" in str(json.loads(done.stdout.decode(encoding)))
    assert ("é😀".encode() in done.stdout) == (encoding == "utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_tables_are_shown_in_any_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """With the signs that it has: no line of a table that it lacks ends the command."""
    file = tmp_path / "q.csv"
    file.write_text("id,query,language\n→1,Wie heißt „das“ 😀?,de\n→2,Wie heißt „das“ 😀??,de\n", encoding="utf-8")
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding) as page, monkeypatch.context() as terminal:
        terminal.setattr(sys, "stdout", page)
        allow_any_character()
        for command in (["data", "list"], ["data", "show", str(file)], ["list", "targets"]):
            assert run_command(command) == 0
        page.flush()
        shown = written.getvalue().decode(encoding)
    for part in ("starter", "openai", "unassigned", "\\u21921  \\u21922"):
        assert part in shown


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_names_that_are_not_utf8_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.csv")
    file.write_text("query\nHow?\n", encoding="utf-8")
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    run = ["run", "--data", "starter", "-c", "text", "--target", "reference", "--limit", "1", "--out"]
    for arguments in (["data", "check", str(file)], [*run, str(folder)], ["convert", str(file), "--out", "x"]):
        assert run_command(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "is not UTF-8: rename the file or folder" in line
    monkeypatch.chdir(folder)
    assert run_command([*run, "out"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_name_inside_a_folder_that_is_not_utf8_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / os.fsdecode(b"caf\xe9.csv")).write_text("query\nHow?\n", encoding="utf-8")
    command = ["data", "import", "generic", str(source), "--columns", "id=query", "--out", str(tmp_path / "out")]
    assert run_command(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not UTF-8: rename the file or folder of that name" in line


def test_no_help_is_taken_for_markup() -> None:
    helps = list(_helps(typer.main.get_command(app)))
    assert len(helps) > 100
    for text in helps:
        assert render(text, emoji=True).plain == text


def _helps(command: Any) -> Iterator[str]:
    yield from filter(None, (command.help, *(getattr(one, "help", None) for one in command.params)))
    for inner in getattr(command, "commands", {}).values():
        yield from _helps(inner)
