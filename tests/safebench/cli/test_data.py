"""Data are read alike by all commands that take them: the same option names their encoding, and all say what was taken
for granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.cli.main import run_command

ENCODING = ["--encoding", "cp1252"]
ASKED = ["-c", "text", "--target", "reference", "--jury", "embedded", "--max-open", "1", "--allow-unproven"]
COMMANDS = [
    ["data", "show", "q.csv"],
    ["data", "check", "q.csv"],
    ["data", "duplicates", "q.csv"],
    ["data", "export", "q.csv", "--out", "out"],
    ["data", "import", "generic", "q.csv", "--columns", "text=Query", "--out", "out"],
    ["run", "--data", "q.csv", *ASKED, "--out", "out"],
    ["run", "--data", "q.csv", *ASKED, "--out", "out", "--dry-run"],
    ["estimate", "--data", "q.csv", *ASKED],
    ["convert", "q.csv", "-c", "image:blank", "--recipes", "r.toml", "--workers", "1", "--out", "out"],
    ["convert", "q.csv", "-c", "image:blank", "--recipes", "r.toml", "--out", "out", "--dry-run"],
    ["jury", "calibrate", "q.csv", "--jury", "embedded", "--draws", "100", "--out", "out"],
]
BLANK = '[image.blank]\nsteps = [{ use = "blank" }]\ncontrol = true\ncarrier = "query"\n'
ROWS = "ID;Query;Answer;Label\n1;Was heißt „Öl“?;Ich sage es.;unsafe\n2;Warum?;Nein.;refused\n;;;\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.csv").write_bytes(ROWS.encode("cp1252"))
    (tmp_path / "r.toml").write_text(BLANK, encoding="utf-8")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status, and all that was shown, in one line."""
    status = run_command(list(arguments))
    shown = capsys.readouterr()
    return status, " ".join(f"{shown.out} {shown.err}".split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: " ".join((*one[:2], *one[-1:])))
def test_each_command_takes_the_encoding_and_says_what_it_took_for_granted(
    here: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    status, told = said(capsys, *command)
    assert status == 2
    assert "it is not UTF-8: save it as UTF-8 (in Excel: CSV UTF-8), or name its encoding, such as --encoding" in told
    assert not (here / "out").exists()
    status, told = said(capsys, *command, *ENCODING)
    assert status == 0, told
    assert "2 queries without intent were taken as harmful" in told or "2 rows without intent: their queries" in told
    assert "1 blank rows were left out" in told


def test_the_sheet_of_a_reviewer_is_read_in_its_encoding(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "run", "--data", "q.csv", *ASKED, *ENCODING, "--out", "run")[0] == 0
    assert said(capsys, "review", "export", "run", "--out", "sheet")[0] == 0
    written = (here / "sheet" / "review.csv").read_text(encoding="utf-8-sig")
    (here / "back.csv").write_bytes(written.replace('"","",""', '"","refused","schön"').encode("cp1252"))
    bring = ("review", "import", "run", "back.csv", "--reviewer", "anna")
    status, told = said(capsys, *bring)
    assert (status, "save it as UTF-8" in told) == (2, True)
    status, told = said(capsys, *bring, *ENCODING)
    assert status == 0, told
