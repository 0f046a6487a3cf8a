from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from safebench.cli.run_tables import show_report
from safebench.reports.pages.conclusions import conclusions
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.reports.summary import Summary
from safebench.store.exchanges import CutAnswers
from safebench.types import Intent, Item, Outcome
from tests.safebench.recorded import twins
from tests.safebench.reports.pages.written import write_run

LINE = "3 of 8 answers under text were cut off at the token limit and judged as far as they went: raise max_tokens"
FINISH = {"h0": "length", "h1": "MAX_TOKENS", "b2": "max_tokens", "h3": "length", "b3": "length"}


def outcome(item: Item) -> Outcome:
    """What was cut before anything was said has no answer, and what a filter stopped is blocked: neither was judged."""
    if item.query.id in ("h3", "b3"):
        return Outcome.NO_ANSWER if item.query.intent is Intent.HARMFUL else Outcome.BLOCKED
    return Outcome.REFUSED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of five pairs of twins two items were not judged; of the eight others three were cut, under one condition."""

    def finish(item: Item) -> str:
        return FINISH.get(item.query.id, "stop") if item.condition.medium == "text" else "stop"

    return write_run(tmp_path / "run", twins(5), ["text", "audio:female"], outcome, finish=finish)


def shown(summary: Summary) -> str:
    console = Console(width=400)
    with console.capture() as found:
        show_report(console, summary)
    return found.get()


def test_answers_that_were_cut_and_judged_are_counted_by_condition(folder: Path) -> None:
    cells = report(folder).summary.conditions
    assert [cell.truncated for cell in cells] == [CutAnswers(answers=8, cut=3, limit="max_tokens"), None]


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({"target": "transformers:a-model"}, "max_new_tokens"),
        ({"target": "qwen2-audio-7b"}, "max_new_tokens"),
        ({"target": "qwen2-audio-7b", "base_url": "http://127.0.0.1:8000/v1"}, "max_tokens"),
        ({"target": "qwen2-audio-7b", "options": {"base_url": "http://127.0.0.1:8000/v1"}}, "max_tokens"),
        ({"target": "gpt-4o"}, "max_tokens"),
    ],
)
def test_the_option_that_is_named_is_the_one_of_the_target(
    tmp_path: Path, asked: dict[str, object], limit: str
) -> None:
    written = write_run(tmp_path / "run", twins(2), ["text"], finish=lambda item: "length", **asked)
    summary = report(written).summary
    assert summary.conditions[0].truncated.limit == limit
    assert f"as far as they went: raise {limit}\n" in shown(summary)


def test_the_terminal_the_page_and_the_conclusions_say_so_in_one_line(folder: Path) -> None:
    summary = report(folder).summary
    assert [line for line in shown(summary).splitlines() if "cut off" in line] == [LINE]
    told = [one for one in conclusions(summary) if "cut off" in one.text]
    assert [(one.kind, one.text) for one in told] == [("cannot", f"What came after the cut: {LINE}.")]
    pytest.importorskip("jinja2")
    page = write_page(folder, summary).read_text(encoding="utf-8")
    assert page.count(f"<p>{LINE}.</p>") == 1


def test_where_nothing_was_cut_nothing_is_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", twins(2))
    summary = report(folder).summary
    assert "cut off" not in shown(summary)
    assert not [one for one in conclusions(summary) if "cut off" in one.text]
