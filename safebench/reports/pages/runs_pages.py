"""Pages of several runs: a paired comparison, and a leaderboard with the published tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safebench.reports import published
from safebench.reports.comparison import Compared, ComparisonPanel
from safebench.reports.finished_run import FinishedRun
from safebench.reports.leaderboard import Ranking
from safebench.reports.pages.charts import gap_chart
from safebench.reports.pages.html import render, shown_target, write_whole
from safebench.reports.splitting import SPLIT_NOTE, split_lines
from safebench.reports.words import Words
from safebench.types import Intent


def write_comparison(path: Path, compared: Compared) -> Path:
    """Write the page of a comparison to a file; it needs nothing beside it. Raises MissingPackage."""
    panels = [{"panel": panel, "chart": _chart(panel, compared.words)} for panel in compared.panels]
    return write_whole(
        path,
        render(
            "compare.html",
            compared=compared,
            panels=panels,
            target=_target,
            intents=list(Intent),
            split_lines=split_lines,
            split_note=SPLIT_NOTE,
        ),
    )


def _chart(panel: ComparisonPanel, words: Words) -> Any:
    return gap_chart([row for row in panel.gaps if row.intent is Intent.HARMFUL], words)


def write_leaderboard(path: Path, rankings: Sequence[Ranking]) -> Path:
    """Write the page of many runs and the published tables to a file. Raises MissingPackage."""
    tables = [published.load(name) for name in published.names()]
    return write_whole(path, render("leaderboard.html", rankings=rankings, tables=tables, target=_target))


def _target(run: FinishedRun) -> str:
    return shown_target(run.target)
