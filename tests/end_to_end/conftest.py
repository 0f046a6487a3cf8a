"""Runs of some forty items that go by files and batches as well as over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.files import write_toml
from safebench.testing.server import ScriptedServer
from tests.end_to_end.batches import QUERIES, RunFile
from tests.fixture_types import WriteJsonl


@pytest.fixture
def run_file(tmp_path: Path, world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl) -> RunFile:
    """A run file of 40 items into the folder of that name."""
    asked: dict[str, Any] = {
        "data": str(write_jsonl(QUERIES)), "conditions": ["text"], "repeats": 2, "target": "openai:tested",
        "base_url": world.url, "jury": str(jury_file), "max_open": 1.0, "allow_unproven": True, "preflight": False,
        "workers": 1, "check_share": 0.0,
    }  # fmt: skip

    def written(out: str, **more: Any) -> Path:
        path = tmp_path / f"{out}.toml"
        values = {**asked, "out": str(tmp_path / out), **more}
        write_toml(path, {key: value for key, value in values.items() if value is not None})
        return path

    return written
