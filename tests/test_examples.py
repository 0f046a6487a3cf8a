"""The scripts in examples/ run as they stand, in an empty folder, with the reference target and without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAID = {
    "own_target.py": ["text {", "image:typographic {"],
    "convert_and_load.py": ["3 queries in converted/mine", "'audio:female'"],
    "compare_conditions.py": ["targets: ", "reference", "image:typographic: 4 items"],
}


def test_every_example_is_run() -> None:
    assert sorted(SAID) == sorted(path.name for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name)],
        cwd=tmp_path, env={**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not [line for line in SAID[name] if line not in done.stdout], done.stdout


def test_a_medium_takes_no_more_than_the_docs_say() -> None:
    lines = sum(len(file.read_text().splitlines()) for file in (ROOT / "examples" / "safebench-video").glob("*/*.py"))
    assert lines <= 250
