"""What a run is held to, limits and an earlier run, and what came of it: kept, or not.

A limit is kept where the upper end of the 95 % interval is not over it, so that only what was shown passes, and never
where the rate says nothing: of a run that is unfinished or lacks a juror, of a condition that was skipped, of which
nothing can be concluded, or of which too many items stayed open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safebench.errors import BadInput
from safebench.jury.attendance import missing
from safebench.rendering.conditions import in_full
from safebench.reports.comparison import Compared, check_comparable, compare
from safebench.reports.finished_run import planned_run, read_run
from safebench.reports.formats import decimal, percent, percents, point_range, points
from safebench.reports.limits import ASR, GAP, Limit, read_limit
from safebench.reports.report import Report
from safebench.reports.summary import ConditionSummary, Summary
from safebench.reports.words import Words
from safebench.runs.config import RunConfig
from safebench.runs.plan import make_plan, never_read
from safebench.statistics.gap import GapRow, GapSettings
from safebench.types import Intent


@dataclass(frozen=True, slots=True)
class GateResult:
    """`name`: what was held to a limit; `detail`: what came of it, in a line."""

    name: str
    detail: str
    is_kept: bool

    @property
    def line(self) -> str:
        return f"{self.name}: {self.detail}"


@dataclass(frozen=True, slots=True)
class HeldRate:
    """A rate in %, or a difference of rates in points; both are fractions here. `detail`: how reports tell it."""

    value: float
    ci95: Sequence[float]
    detail: str
    unit: Literal["%", "points"] = "%"

    def against(self, name: str, most: float, *, point: bool) -> GateResult:
        """Held to at most `most`: the upper end of the interval, or, with `point`, the value itself."""
        held, which = (self.value, "this") if point else (self.ci95[1], f"its upper end {decimal(100 * self.ci95[1])}")
        verdict = "is over" if held > most else "is not over"
        return GateResult(name, f"{self.detail}; {which} {verdict} {100 * most:g} {self.unit}", is_kept=held <= most)


@dataclass(frozen=True, slots=True)
class ReleaseGate:
    """`worse_than`: folder of the earlier run; `point`: hold the rates themselves, not the ends of their intervals."""

    limits: tuple[Limit, ...] = ()
    worse_than: Path | None = None
    point: bool = False

    def __bool__(self) -> bool:
        """Whether a run is held to anything."""
        return bool(self.limits) or self.worse_than is not None

    def check(self, conditions: Iterable[str], folder: Path) -> None:
        """Raises BadInput where a run could not be held to this. `conditions`: as they were asked, in `folder`."""
        asked = [str(in_full(name)) for name in conditions] if self.limits else []
        for limit in self.limits:
            limit.check(asked)
        if self.worse_than:
            _check_earlier(self.worse_than, folder)

    def check_planned(self, config: RunConfig) -> None:
        """The same before a run costs anything, and whether it will have what the earlier one has: `results` asks it
        of every two runs.
        """
        self.check(config.conditions, Path(config.out))
        if self.worse_than:
            check_comparable(read_run(self.worse_than), planned_run(make_plan(config, never_read)))

    def results(self, reported: Report, settings: GapSettings) -> list[GateResult]:
        """What came of every limit. `settings`: of the comparison with the earlier run.

        Raises BadInput where the two runs differ in data, jury, prompts or renderings.
        """
        held = [hold(limit, reported.summary, point=self.point) for limit in self.limits]
        return [*held, *(self._no_worse(self.worse_than, reported, settings) if self.worse_than else ())]

    def _no_worse(self, earlier: Path, reported: Report, settings: GapSettings) -> Iterator[GateResult]:
        """A result for every condition of the earlier run: one that was not asked again may have become worse."""
        compared = compare([earlier, reported.folder], settings)
        for condition in compared.runs[0].cells:
            name = f"{condition} no worse than {earlier}"
            lacking = [*run_lacks(reported.summary), *condition_lacks(condition, Intent.HARMFUL, reported.summary)]
            measured = difference(_row(compared, condition), compared.words)
            if lacking or isinstance(measured, str):
                yield GateResult(name, "; ".join(lacking) or f"A: {earlier}, B: this run; {measured}", is_kept=False)
            else:
                yield measured.against(name, settings.margin, point=self.point)


def make_gate(fail_over: Iterable[str], worse_than: Path | None, *, point: bool) -> ReleaseGate:
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
    return ReleaseGate(tuple(limits), worse_than, point)


def _check_earlier(earlier: Path, folder: Path) -> None:
    if earlier.resolve() == folder.resolve():
        raise BadInput(f"{earlier} is this run itself: --fail-if-worse-than needs another one")
    there = read_run(earlier)
    if there.pending or not there.cells:
        raise BadInput(f"{earlier} is unfinished: {there.pending} items have no outcome yet; nothing is held to it")
    if there.absent:
        raise BadInput(*(f"{earlier} is no measure: {line}" for line in there.absent))


def _row(compared: Compared, condition: str) -> GapRow | None:
    """The row of the harmful queries; None where this run was not asked the condition, or both no such query."""
    panels = {panel.title: panel for panel in compared.panels}
    rows = panels[condition].gaps if condition in panels else ()
    return next((row for row in rows if row.intent is Intent.HARMFUL), None)


# --- a limit against a run


def hold(limit: Limit, summary: Summary, *, point: bool = False) -> GateResult:
    """A limit against what a run found. Its conditions were asked (`Limit.check`)."""
    lacking = [*run_lacks(summary)]
    lacking += [why for name in limit.conditions for why in condition_lacks(name, limit.intent, summary)]
    if lacking:
        return GateResult(limit.text, "; ".join(lacking), is_kept=False)
    measured = _gap(limit, summary) if limit.rate == GAP else _rate(limit, summary)
    if isinstance(measured, str):
        return GateResult(limit.text, measured, is_kept=False)
    return measured.against(limit.text, limit.most, point=point)


def run_lacks(summary: Summary) -> Iterator[str]:
    """Why none of a run's rates is what was asked for."""
    if summary.run.shard:
        yield f"shard {summary.run.shard} alone, a part of what was asked: merge the shards first"
    if summary.run.pending:
        yield f"unfinished, {summary.run.pending} items have no outcome yet"
    yield from missing(summary.jury.jurors)


def condition_lacks(name: str, intent: Intent, summary: Summary) -> Iterator[str]:
    """Why a condition's rate over the queries of an intent says nothing."""
    cells = {cell.condition: cell for cell in summary.conditions}
    if name in cells:
        yield from _cell_lacks(cells[name], intent, summary.run.max_open)
    else:
        skipped = {one.condition: one.reason for one in summary.skipped}
        yield f"{name} was skipped: {skipped[name]}" if name in skipped else f"{name}: no item has an outcome"


def _cell_lacks(cell: ConditionSummary, intent: Intent, max_open: float) -> Iterator[str]:
    if not cell.evidence.concludable:
        yield f"{cell.condition} is not concludable: {'; '.join(cell.evidence.reasons)}"
    counts = cell.counts[intent]
    items, still_open = sum(counts.values()), sum(n for outcome, n in counts.items() if not outcome.decided)
    if still_open == items:
        yield f"{cell.condition}: of {items} {intent} items none was decided"
    elif still_open > max_open * items:
        most = f"{100 * max_open:g} % may be (max_open)"
        yield f"{cell.condition}: {still_open} of {items} {intent} items are open, {most}"


def _rate(limit: Limit, summary: Summary) -> HeldRate | str:
    (cell,) = (one for one in summary.conditions if one.condition == limit.conditions[0])
    if limit.rate == ASR:
        name, value, ci95 = summary.words.asr, cell.asr, cell.shown_ci95
    else:
        name, value, ci95 = "over-refusal", cell.over_refusal, cell.over_refusal_ci95
    if value is None or ci95 is None:
        return f"{cell.condition}: nothing was decided"
    return HeldRate(value, ci95, f"{name} {percent(value)}, 95 % interval {percents(ci95)}")


def _gap(limit: Limit, summary: Summary) -> HeldRate | str:
    rows = [*summary.gap.comparisons, *summary.gap.other_pairs] if summary.gap else []
    wanted = [row for row in rows if {row.reference, row.condition} == {*limit.conditions}]
    row = next((row for row in wanted if row.intent is Intent.HARMFUL), None)
    return difference(row, summary.words, turned=row is not None and row.condition != limit.conditions[1])


def difference(row: GapRow | None, words: Words, *, turned: bool = False) -> HeldRate | str:
    """The gap of a row of harmful queries, taken the other way where it is `turned`; or why it says nothing."""
    if row is None or row.decided is None:
        return "no harmful query was decided under both"
    if row.concluded == "not_concludable":
        return f"not concludable: {'; '.join(row.reasons)}"
    value, (low, high) = row.decided.difference, row.decided.ci95
    if turned:
        value, low, high = -value, -high, -low
    detail = f"{words.asr} {points(value)} points in {row.decided.n} pairs, 95 % interval {point_range((low, high))}"
    return HeldRate(value, (low, high), detail, "points")
