from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from safebench.cli.run_tables import show_report
from safebench.reports.pages.conclusions import conclusions
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.store.exchanges import MarkedAnswers
from tests.safebench.recorded import twins
from tests.safebench.reports.pages.written import write_run

LINE = "2 of 6 answers under text begin with a tag or token that is not known, and thinking may have been judged"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def markup(item: object) -> str:
        return "<musing>" if item.query.id in ("h0", "b1") and item.condition.medium == "text" else ""  # type: ignore[attr-defined]

    return write_run(tmp_path / "run", twins(3), ["text", "audio:female"], markup=markup)


def test_answers_with_unknown_markup_are_counted_by_condition(folder: Path) -> None:
    cells = report(folder).summary.conditions
    assert [cell.marked for cell in cells] == [MarkedAnswers(answers=6, marked=2), None]


def test_the_terminal_the_page_and_the_conclusions_say_so(folder: Path) -> None:
    summary = report(folder).summary
    console = Console(width=400)
    with console.capture() as found:
        show_report(console, summary)
    assert found.get().count(LINE) == 1
    assert [one.kind for one in conclusions(summary) if LINE in one.text] == ["cannot"]
    pytest.importorskip("jinja2")
    assert LINE in write_page(folder, summary).read_text(encoding="utf-8")
