"""Tests of the bridge are collected only where inspect is installed; the gate's environment for local models has it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("inspect_ai") else ["test_*"]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect's caches and traces stay in the test's folder."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture
def jury_file(jury_file: Path) -> str:
    """As an argument of a task."""
    return str(jury_file)


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., Any]:
    """Run the task as `inspect eval safebench/run` does; the log, read back from its file."""
    from inspect_ai import eval
    from inspect_ai.log import read_eval_log

    def go(model: Any, limit: int | None = None, epochs: int = 1, **told: Any) -> Any:
        (log,) = eval(
            "safebench/run", model=model, task_args={"workers": 1, **told}, display="none", max_retries=0,
            log_dir=str(tmp_path / "logs"), ctl_server=False, limit=limit, epochs=epochs,
        )  # fmt: skip
        return read_eval_log(log.location)

    return go
