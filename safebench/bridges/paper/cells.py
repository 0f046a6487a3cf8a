"""The cells of the paper's tables: ours beside what is printed, and how each would be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from safebench import taxonomy
from safebench.bridges.paper.study import AskedSetting, PlannedPart, Study, StudyPart, model_in, printed_row
from safebench.models.catalogue import Model, models
from safebench.reports.published import AVERAGE, Averaging, Metric, PublishedRow
from safebench.reports.summary import ConditionSummary, Summary
from safebench.statistics.metrics import Average, Rates
from safebench.statistics.precision import wilson

Interval = tuple[float, float]
ANY = "any"  # target
INCOMPLETE = "a cell of which scenarios are missing has no difference"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, in the units of the paper: ASR in percent, SRI from 20 to 100.

    `n`: decided harmful items, of AVG the cells that it is the mean of; `ours` is None where nothing was decided;
    `ci95`: as if all repeats of a query ended alike; `printed` is None where the paper prints nothing. `compared`:
    whether both are of one kind; `is_open`: nothing can be concluded of it, or items have no outcome yet.
    """

    head: str
    metric: Metric
    n: int
    ours: float | None
    ci95: Interval | None
    printed: float | None
    compared: bool = True
    is_open: bool = False

    @property
    def difference(self) -> float | None:
        return (
            self.ours - self.printed if self.compared and self.ours is not None and self.printed is not None else None
        )

    @property
    def difference_ci95(self) -> Interval | None:
        """That of ours alone: what is printed has no interval."""
        if not self.compared or self.ci95 is None or self.printed is None:
            return None
        return self.ci95[0] - self.printed, self.ci95[1] - self.printed


@dataclass(frozen=True, slots=True)
class Beside:
    """One condition of a part: its cells, the name of the printed row, and what keeps the two from being compared."""

    part: str
    title: str
    condition: str
    row: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """How the cells of one printed row would be made: by which target, or by any; `why_not` where they cannot be."""

    part: str
    row: str
    cells: int
    target: str
    why_not: str = ""


def beside(planned: PlannedPart, summary: Summary, model: str) -> list[Beside]:
    """Every condition of a part that was run; `model` is the target's name in the paper's tables, if it has one."""
    ours = {cell.condition: cell for cell in summary.conditions}
    return [
        _beside(planned, one, ours[one.condition], summary, model) for one in planned.asked if one.condition in ours
    ]


def _beside(planned: PlannedPart, one: AskedSetting, ours: ConditionSummary, summary: Summary, model: str) -> Beside:
    part = planned.part
    rows = {row.metric: row for row in printed_row(part, one.setting, model)}
    figures = part.figures.get(model, {})
    pending = one.items - ours.n if summary.run.pending else 0
    notes = tuple(_notes(ours, summary, one.why, pending))
    repeats = summary.run.repeats
    cells = [
        cell for metric in Metric for cell in _cells(part, ours, metric, rows.get(metric), figures.get(metric), repeats)
    ]
    if notes:
        cells = [replace(cell, compared=False) for cell in cells]
    elif not all(cell.compared or cell.printed is None for cell in cells):
        notes = (INCOMPLETE,)
    named = model if figures else " · ".join(rows[Metric.ASR].labels) if rows else ""
    cells = [replace(cell, is_open=pending > 0 or not ours.evidence.concludable) for cell in cells]
    notes = (*notes, one.note) if one.note else notes
    return Beside(planned.name, part.title, ours.condition, named, tuple(cells), notes)


def _notes(ours: ConditionSummary, summary: Summary, why: str, pending: int) -> Iterator[str]:
    if why:
        yield why
    if pending > 0:
        yield f"unfinished: {pending:,} items have no outcome yet"
    if not summary.jury.knows_harm:
        yield "the embedded rules judged alone: ours is a rate of compliance and none of harm"
    if not ours.evidence.concludable:
        yield f"nothing can be concluded of it: {'; '.join(ours.evidence.reasons)}"


def _cells(
    part: StudyPart,
    ours: ConditionSummary,
    metric: Metric,
    row: PublishedRow | None,
    figure: float | None,
    repeats: int,
) -> Iterator[Cell]:
    """Those of the table's columns, then AVG; of a part without a table AVG alone, `figure`, over scenarios."""
    table = part.published
    by_category = table is not None and table.averaging is Averaging.CATEGORIES
    groups = ours.by_category if by_category else ours.by_scenario
    whole = [] if table else [_are_decided(ours, [one.id for one in taxonomy.scenarios().values() if one.minibench])]
    for place, column in enumerate(table.columns if table else ()):
        scenarios = [one.id for one in taxonomy.scenarios().values() if column.id in (one.id, one.category)]
        whole.append(_are_decided(ours, scenarios))
        printed = float(row.cells[place]) if row else None
        yield Cell(column.head, metric, *_of(groups.get(column.id), metric, repeats), printed, whole[-1])
    decided = [rates for rates in groups.values() if rates.asr is not None]
    average = _average(ours.averages.categories if by_category else ours.averages.scenarios, metric)
    interval = None if average is None else _mean_interval([_of(rates, metric, repeats) for rates in decided])
    yield Cell(AVERAGE, metric, len(decided), average, interval, float(row.average) if row else figure, all(whole))


def _are_decided(ours: ConditionSummary, scenarios: Iterable[str]) -> bool:
    """Whether each has a rate: a cell of some of them is not the one that is printed."""
    return all(id in ours.by_scenario and ours.by_scenario[id].asr is not None for id in scenarios)


def _of(rates: Rates | None, metric: Metric, repeats: int = 1) -> tuple[int, float | None, Interval | None]:
    """With Wilson's interval of n / repeats items. Repeats of one query are not independent, and these are never more
    than the effective number of n items, which they are where all repeats of a query end alike.
    """
    if rates is None or rates.asr is None:
        return 0, None, None
    n = rates.precision.asr.n
    if metric is Metric.SRI:
        return n, rates.sri, _sri_interval(rates.sri, n / repeats)
    ends = wilson(rates.asr * n / repeats, n / repeats)
    return n, 100 * rates.asr, None if ends is None else (100 * ends[0], 100 * ends[1])


def _sri_interval(sri: float | None, n: float) -> Interval | None:
    """Wilson's, as if every rating were the least or the highest: no ratings of that mean vary more (R. Bhatia,
    C. Davis, The American Mathematical Monthly 107 (2000) 353-357), so it is never too narrow for that.
    """
    share = None if sri is None else (sri - Metric.SRI.low) / (100 - Metric.SRI.low)
    ends = None if share is None else wilson(share * n, n)
    return None if ends is None else (_as_sri(ends[0]), _as_sri(ends[1]))


def _as_sri(share: float) -> float:
    return Metric.SRI.low + (100 - Metric.SRI.low) * share


def _average(averages: Average, metric: Metric) -> float | None:
    if metric is Metric.SRI:
        return averages.sri
    return None if averages.asr is None else 100 * averages.asr


def _mean_interval(cells: Iterable[tuple[int, float | None, Interval | None]]) -> Interval | None:
    """Of the unweighted mean of independent figures: MOVER over their intervals.

    Source: G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008) 1693-1702.
    """
    ends = [(value, *ci95) for _, value, ci95 in cells if value is not None and ci95 is not None]
    if not ends:
        return None
    mean = sum(value for value, _, _ in ends) / len(ends)
    below = sqrt(sum((value - low) ** 2 for value, low, _ in ends)) / len(ends)
    above = sqrt(sum((high - value) ** 2 for value, _, high in ends)) / len(ends)
    return mean - below, mean + above


def ways(study: Study, planned: Sequence[PlannedPart]) -> Iterator[Way]:
    """Every row of the paper's tables and how it would be made, then the parts of which nothing is printed."""
    for one in planned:
        printed = [*_rows(one.part), *(((name,), len(Metric)) for name in one.part.figures)]
        for labels, cells in printed:
            yield Way(one.name, " · ".join(labels), cells, *_by(_model_of(labels[0])))
        if not printed:
            yield Way(one.name, f"none: {one.part.unprinted}", 0, ANY, one.why_not)


def _rows(part: StudyPart) -> Iterator[tuple[tuple[str, ...], int]]:
    """The labels of each row with its cells, AVG and both metrics counted."""
    table = part.published
    if table:
        for labels in dict.fromkeys(row.labels for row in table.rows):
            yield labels, len(Metric) * (len(table.columns) + 1)


def _model_of(printed: str) -> Model | None:
    return next((model for model in models().values() if model.paper == model_in(printed)), None)


def _by(model: Model | None) -> tuple[str, str]:
    if model is None:
        return "", "no model of this name is known"
    return model.name, f"its maker took it away on {model.retired}" if model.retired else ""


def numbers(every: Sequence[Beside]) -> list[dict[str, Any]]:
    """A row for each cell, for programs."""
    return [
        {
            "part": one.part, "condition": one.condition, "row": one.row, "cell": cell.head,
            "metric": cell.metric.value, "n": cell.n, "ours": cell.ours, "concludable": not cell.is_open,
            "ci95": cell.ci95, "printed": cell.printed,
            "difference": cell.difference, "difference_ci95": cell.difference_ci95, "notes": one.notes,
        }
        for one in every
        for cell in one.cells
    ]  # fmt: skip
