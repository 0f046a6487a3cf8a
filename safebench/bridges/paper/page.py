"""The paper's tables with ours beside them, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safebench.bridges.paper.cells import Beside, Cell
from safebench.bridges.paper.study import PlannedPart
from safebench.reports.formats import DASH
from safebench.reports.pages.html import render, write_whole

LINES = ("ours", "95 % interval", "printed", "difference")  # of a condition and a metric


def shown(cell: Cell) -> tuple[str, str, str, str]:
    """A cell by line, as terminal and page write it: in the paper's units."""
    low, high = cell.ci95 or (None, None)
    interval = DASH if low is None or high is None else f"{low:.0f}–{high:.0f}"
    return figure(cell.ours), interval, figure(cell.printed), figure(cell.difference, sign="+")


def figure(value: float | None, sign: str = "") -> str:
    return DASH if value is None else f"{value:{sign}.1f}".replace("-", "−")


def write_page(path: Path, title: str, every: Sequence[Beside], planned: Sequence[PlannedPart]) -> Path:
    """Raises MissingPackage where what pages need is not installed."""
    return write_whole(path, render("paper.html", title=title, every=every, planned=planned, lines=LINES, shown=shown))
