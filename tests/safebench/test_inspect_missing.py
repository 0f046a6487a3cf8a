"""Without the extra `inspect` its parts say what to install, and nothing else is touched."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from safebench.cli.main import run_command

FOUND = importlib.util.find_spec


@pytest.mark.parametrize(
    "command",
    [
        ["report", "run.eval"],
        ["run", "--data", "starter", "-c", "text", "--target", "inspect:openai/gpt-4o", "--out", "out"],
    ],
)
def test_the_install_command_is_told(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.eval").write_bytes(b"a log")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "inspect_ai" else FOUND(name, *rest)
    )
    assert run_command(command) == 2
    told = capsys.readouterr().err
    assert "pip install 'safebench[inspect]'" in told
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["run.eval"]
