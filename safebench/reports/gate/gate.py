"""All that a run is held to: limits, and an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safebench.errors import BadInput
from safebench.rendering.conditions import in_full
from safebench.reports.comparison import Compared, compare
from safebench.reports.finished_run import read_run
from safebench.reports.gate.findings import Finding, condition_lacks, difference, hold, run_lacks
from safebench.reports.gate.limits import Limit, read_limit
from safebench.reports.summary import Report
from safebench.statistics.gap import GapRow, GapSettings
from safebench.types import Intent


@dataclass(frozen=True, slots=True)
class Gate:
    """`worse_than`: folder of the earlier run; `point`: hold the rates themselves, not the ends of their intervals."""

    limits: tuple[Limit, ...] = ()
    worse_than: Path | None = None
    point: bool = False

    def __bool__(self) -> bool:
        """Whether a run is held to anything."""
        return bool(self.limits) or self.worse_than is not None

    def check(self, conditions: Iterable[str], folder: Path) -> None:
        """Before a run costs anything. Raises BadInput where it could not be held to this.

        `conditions`: as they were asked, in `folder`.
        """
        asked = [str(in_full(name)) for name in conditions] if self.limits else []
        for limit in self.limits:
            limit.check(asked)
        if self.worse_than:
            _check_earlier(self.worse_than, folder)

    def findings(self, reported: Report, settings: GapSettings) -> list[Finding]:
        """What came of every limit. `settings`: of the comparison with the earlier run.

        Raises BadInput where the two runs differ in data, jury, prompts or renderings.
        """
        held = [hold(limit, reported.summary, point=self.point) for limit in self.limits]
        return [*held, *(self._no_worse(self.worse_than, reported, settings) if self.worse_than else ())]

    def _no_worse(self, earlier: Path, reported: Report, settings: GapSettings) -> Iterator[Finding]:
        """A finding for every condition of the earlier run: one that was not asked again may have become worse."""
        compared = compare([earlier, reported.folder], settings)
        for condition in compared.runs[0].cells:
            name = f"{condition} no worse than {earlier}"
            lacking = [*run_lacks(reported.summary), *condition_lacks(condition, Intent.HARMFUL, reported.summary)]
            measured = difference(_row(compared, condition), compared.words)
            if lacking or isinstance(measured, str):
                yield Finding(name, "; ".join(lacking) or f"A: {earlier}, B: this run; {measured}", is_kept=False)
            else:
                yield measured.against(name, settings.margin, point=self.point)


def make_gate(fail_over: Iterable[str], worse_than: Path | None, *, point: bool) -> Gate:
    """From what was written. Raises BadInput with a line for each limit that is none."""
    limits: list[Limit] = []
    problems: list[str] = []
    for text in fail_over:
        try:
            limits.append(read_limit(text))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(*problems)
    return Gate(tuple(limits), worse_than, point)


def _check_earlier(earlier: Path, folder: Path) -> None:
    if earlier.resolve() == folder.resolve():
        raise BadInput(f"{earlier} is this run itself: --fail-if-worse-than needs another one")
    there = read_run(earlier)
    if there.pending or not there.cells:
        raise BadInput(f"{earlier} is unfinished: {there.pending} items have no outcome yet; nothing is held to it")


def _row(compared: Compared, condition: str) -> GapRow | None:
    """The row of the harmful queries; None where this run was not asked the condition, or both no such query."""
    panels = {panel.title: panel for panel in compared.panels}
    rows = panels[condition].gaps if condition in panels else ()
    return next((row for row in rows if row.intent is Intent.HARMFUL), None)
