"""Splits of a gap whose outcomes are planted arm by arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from safebench.statistics.evidence import (
    DeliveredEvidence,
    Evidence,
    HelpedEvidence,
    RenderedEvidence,
    UnderstoodEvidence,
)
from safebench.statistics.gap import GapSettings
from safebench.statistics.observations import Seen, arrange
from safebench.statistics.split import ARMS, GapSplit, split_gap
from safebench.types import Intent, Outcome

N = 200  # queries
OutcomeOf = Callable[[str, int], Outcome | None]  # of an arm and a query's number


def known(*reasons: str) -> Evidence:
    parts = (
        RenderedEvidence("shown", 9, 0, 0), DeliveredEvidence("shown", ""),
        UnderstoodEvidence("shown", 9, 0, 0, 1.0, "repeat"), HelpedEvidence("shown", 9, 9),
    )  # fmt: skip
    return Evidence(*parts, concludable=not reasons, reasons=list(reasons))


def split(
    outcome: OutcomeOf,
    intent: Intent = Intent.HARMFUL,
    evidence: Mapping[str, Evidence] | None = None,
    number: int = N,
) -> GapSplit:
    items = [Seen(f"q{n}", 0, arm, outcome(arm, n), arm == "text", None) for arm in ARMS for n in range(number)]
    observed = arrange(intent, ARMS, items, {f"q{n}": n for n in range(number)})
    (found,) = split_gap({intent: observed}, evidence or {arm: known() for arm in ARMS}, GapSettings())
    return found


def differences(found: GapSplit) -> tuple[float, ...]:
    assert all(row.decided for row in found.parts.values())
    return tuple(row.decided.difference for row in found.parts.values() if row.decided)
