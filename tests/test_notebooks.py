"""The notebooks in examples/ run as they stand, in an empty folder and without a network, and hold no output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
SHOWN = {
    "first-run": ["image:typographic", '<div class="safebench">', "image/png"],
    "own-modality": ["'leaflet'", "{'passed'}", '<div class="safebench">'],
    "calibrate-a-jury": ["true_positive", "corrected ASR"],
}


def test_every_notebook_is_run() -> None:
    assert sorted(SHOWN) == sorted(path.stem for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_output(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    shown = run(path, tmp_path)
    assert [words for words in SHOWN[path.stem] if words not in shown] == []


def run(path: Path, folder: Path) -> str:
    """What its cells show. Whatever one installs lies in the folder alone."""
    plugins = folder / "plugins"
    plugins.mkdir()
    installing = {"PIP_TARGET": str(plugins), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    found = os.pathsep.join([str(ROOT), str(plugins)])
    environment = {**os.environ, **installing, "PYTHONPATH": found, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    notebook: Any = nbformat.read(path, as_version=4)
    patience = {"timeout": 300, "startup_timeout": 300}  # s, on a machine that is busy with other tests
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=place, **patience)
    client.execute(env=environment)
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", ()))
