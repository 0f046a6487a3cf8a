from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from safebench.cli.run_tables import show_report
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.store.store import Store
from safebench.types import Label, Outcome, Transcript
from tests.safebench.recorded import record, twins

LINE = (
    "Spoken answers under audio:female: 4, in 1 nothing was heard. What was heard and the target's own text got"
    " different verdicts in 2 of 3 (unsafe where either is)."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four spoken answers under one of two conditions."""
    made = record(tmp_path / "run", twins(4), ["text", "audio:female"], lambda item: Outcome.SAFE)
    told = [("x", Label.SAFE), ("x", Label.UNSAFE), ("x", Label.ABSTAIN), ("", None)]
    with Store(made) as store:
        ids = [row["id"] for row in store.rows("SELECT id FROM items WHERE condition = 'audio:female' ORDER BY id")]
        for id, (text, own) in zip(ids, told, strict=False):
            store.keep_spoken(id, Transcript(text, "any"), Label.SAFE, own)
    return made


def test_the_terminal_shows_in_one_line_how_often_the_verdicts_differ(folder: Path) -> None:
    console = Console(width=400)
    with console.capture() as shown:
        show_report(console, report(folder).summary)
    lines = [line for line in shown.get().splitlines() if "Spoken" in line]
    assert lines == [LINE]


def test_the_page_shows_it_too(folder: Path) -> None:
    pytest.importorskip("jinja2")
    page = write_page(folder, report(folder).summary).read_text(encoding="utf-8")
    assert page.count("<p>Spoken answers under") == 1
    assert LINE.replace("'", "&#39;") in page
