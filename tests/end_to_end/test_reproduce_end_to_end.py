"""The paper's study, whole: of a cascade over an endpoint, with its backbone, all tables and the page."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.testing.server import ScriptedServer

pytestmark = pytest.mark.slow


def test_all_parts_of_a_cascade_end_with_their_tables(
    tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "shared.toml"
    ears = '[options.recognisers]\naudio = "pocketsphinx"\n'
    shared.write_text(f'base_url = "{world.url}"\npreflight = false\nworkers = 1\n{ears}', encoding="utf-8")
    command = [
        "reproduce", "paper", str(shared), "--small", "--limit", "4", "--target", "cascade:openai:tested",
        "--out", str(tmp_path / "paper"), "--html",
    ]  # fmt: skip
    assert run_command(command) in (0, 1)
    shown = capsys.readouterr()

    written = json.loads((tmp_path / "paper" / "paper.json").read_text(encoding="utf-8"))
    made = Counter(part for part, _ in {(cell["part"], cell["condition"]) for cell in written["cells"]})
    assert made == {"images": 1, "audio": 4, "image-quality": 6, "backbone": 1, "size": 1}
    assert "backbone, text~request, beside no printed row" in shown.out
    page = (tmp_path / "paper" / "paper.html").read_text(encoding="utf-8")
    assert "it needs labels from people" in page

    asked = len(world.calls)
    assert run_command(command) in (0, 1)
    assert len(world.calls) == asked  # nothing is asked twice
