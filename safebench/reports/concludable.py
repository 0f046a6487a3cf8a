"""How tables and pages mark conditions of which nothing can be concluded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from safebench.reports.formats import DASH
from safebench.statistics.evidence import EvidencedCondition


def doubted(shown: str, cell: EvidencedCondition) -> str:
    """A number as it is shown: in parentheses where nothing can be concluded from it."""
    return shown if cell.evidence.concludable or shown == DASH else f"({shown})"


def unconcludable_lines(cells: Iterable[EvidencedCondition]) -> Iterator[str]:
    """A line for each condition of which nothing can be concluded, with the reasons."""
    for cell in cells:
        if not cell.evidence.concludable:
            yield f"{cell.condition}: not concludable, rate in parentheses: {'; '.join(cell.evidence.reasons)}"
