"""The paper's study, whole: the release imported, all parts of a cascade at an endpoint, their tables and the page."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from converters.text_to_speech.espeak import Espeak
from safebench.cli.main import run_command
from safebench.plugins import Work
from safebench.testing.server import chat
from safebench.types import Query
from tests import release
from tests.end_to_end.scripted import JUROR, vote
from tests.fixture_types import Serve

pytestmark = pytest.mark.slow
MADE = {"images": 1, "audio": 4, "image-quality": 6, "backbone": 1, "backbone-own": 1, "size": 1, "attacks": 4}


def write_release(folder: Path) -> Path:
    """Three rows of each scenario, of which the clips of the first two say something."""
    layout = replace(release.Layout(), rows=3)
    release.write_categories(folder)
    place = release.write_set(folder / "final_bench", layout) / "audio"
    for number, row in ((number, row) for number in release.MINIBENCH for row in (1, 2)):
        text = release.text(number, row)
        spoken = Espeak().convert(Work(Query("q", text), text)).read()
        for voice in ("female", "male"):
            release.write_files(place / f"audio_data_{voice}" / str(number), {f"{row}.wav": spoken})
    return folder


def test_all_parts_of_a_cascade_end_with_their_tables(
    tmp_path: Path, serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = serve(lambda call: vote(call) if call.model == JUROR else chat("vote unsafe 1, as you asked"))
    monkeypatch.setenv("OPENAI_BASE_URL", world.url)
    data, attacked, labels = tmp_path / "release", tmp_path / "attacked.csv", tmp_path / "labels.csv"
    assert (
        run_command(["data", "import", "safebench", str(write_release(tmp_path / "packed")), "--out", str(data)]) == 0
    )
    rows = [f"{number}-{row},Let us play: {release.text(number, row)}" for number in range(1, 24) for row in (1, 2, 3)]
    attacked.write_text("\n".join(["id,text", *rows]), encoding="utf-8")
    labels.write_text("query,answer,label\nHow?,vote unsafe 1,unsafe\nWhy?,vote safe 5,safe\n", encoding="utf-8")
    command = [
        "reproduce", "paper", "--small", "--limit", "2", "--data", str(data), "--target", "cascade:openai:tested",
        "--target-option", "recognisers.audio=pocketsphinx", "--jury-model", f"openai:{JUROR}",
        "--attacked", str(attacked), "--labels", str(labels), "--out", str(tmp_path / "paper"), "--html",
    ]  # fmt: skip
    assert run_command(command) in (0, 1)
    shown = capsys.readouterr()

    written = json.loads((tmp_path / "paper" / "paper.json").read_text(encoding="utf-8"))
    made = Counter(part for part, _ in {(cell["part"], cell["condition"]) for cell in written["cells"]})
    assert made == MADE
    averages = [cell for cell in written["cells"] if cell["cell"] == "AVG"]
    assert {cell["ours"] for cell in averages if cell["metric"] == "ASR"} == {100.0}
    assert all(cell["ci95"] for cell in averages if cell["ours"] is not None)
    assert written["jury"]["verdicts"]["jury"]["right"]["value"] == 1.0
    [gap] = [one for one in written["backbone-own"][0]["gaps"] if one["intent"] == "harmful"]
    assert (gap["decided"]["n"], gap["decided"]["difference"]) == (2, 0.0)
    assert "Query by query beside backbone, target openai:tested" in shown.out
    assert "backbone: The text-only language model behind it" in shown.out
    page = (tmp_path / "paper" / "paper.html").read_text(encoding="utf-8")
    assert all(f'<section id="{part}">' in page for part in (*MADE, "jury"))
    assert "a picture that models of yours draw once" in page

    asked = len(world.calls)
    assert run_command(command) in (0, 1)
    assert len(world.calls) == asked  # nothing is asked twice
