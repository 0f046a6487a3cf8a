"""That it ends with its client, and hears its signals, is what tests/end_to_end/test_kill_and_continue.py lives by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.forked.server import client

RUN = ["run", "--target", "openai:x", "--data", "starter", "-c", "text", "--out", "run"]


@pytest.mark.parametrize("arguments", [["list", "modalities"], RUN], ids=lambda arguments: arguments[0])
def test_a_command_is_what_it_is_in_a_process_that_began_with_nothing(arguments: list[str], tmp_path: Path) -> None:
    def ended(program: Sequence[str]) -> tuple[int, str, str]:
        done = subprocess.run(
            [*program, *arguments], cwd=tmp_path, env={"LANG": "C.UTF-8"}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    status, said, errors = ended(client())
    assert (status, said, errors) == ended([sys.executable, "-m", "safebench"])
    assert (status == 0) == ("text" in said) == ("OPENAI_API_KEY" not in errors)
