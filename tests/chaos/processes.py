"""A command in a process group of its own, of which nothing is left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.end_to_end.scripted import command

LONGEST = 300.0  # s that a command may take


@contextmanager
def started(arguments: Sequence[object], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """With what it says in `stdout` and `stderr`."""
    environment = {**os.environ, "OPENAI_API_KEY": "none", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def finish(arguments: Sequence[object], folder: Path) -> None:
    with started(arguments, folder) as process:
        _, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, errors
