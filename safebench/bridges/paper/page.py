"""The paper's tables with ours beside them, as terminal and page show them, and the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from safebench.bridges.paper.cells import Beside, Cell
from safebench.bridges.paper.study import PlannedPart
from safebench.reports.comparison import Compared
from safebench.reports.formats import DASH, decimal, percent, point_range, points, words
from safebench.reports.pages.html import render, write_whole
from safebench.reports.published import AVERAGE, Metric
from safebench.statistics.gap import Gap, GapRow
from safebench.types import Intent

INTERVAL, PRINTED = "95 % interval", ("printed", "difference")
NOT_REACHED = "the command ended before it was made"
NOTHING_PRINTED = "the paper prints nothing that could stand beside it"
VOTERS = {
    "jury": "the jury, after deliberation",
    "before_deliberation": "the majority of its single votes",
    "equal_cost": "a majority of single votes of equal cost",
    "best_juror": "the juror that was right most often",
}


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Texts; the first of a row names it."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ShownPart:
    name: str
    title: str
    notes: tuple[str, ...]
    tables: tuple[FigureTable, ...]


def shown_parts(every: Sequence[Beside]) -> list[ShownPart]:
    """In units of the paper: by condition where AVG is all there is, else a table for each condition."""
    return [_shown(list(part)) for _, part in groupby(every, lambda one: one.part)]


def shown_part(planned: PlannedPart, every: Sequence[Beside]) -> ShownPart:
    """Of one part, with a note for each condition of which no item has an outcome."""
    part = next(iter(shown_parts(every)), ShownPart(planned.name, planned.part.title, (), ()))
    there = {one.condition for one in every}
    missing = [one.condition for one in planned.asked if one.condition and one.condition not in there]
    return replace(part, notes=(*part.notes, *(f"{condition}: no item has an outcome" for condition in missing)))


def _shown(part: Sequence[Beside]) -> ShownPart:
    notes = [*_notes(part), *([] if any(one.row for one in part) else [NOTHING_PRINTED])]
    averages_alone = all(cell.head == AVERAGE for one in part for cell in one.cells)
    tables = [_by_condition(part)] if averages_alone else [*map(_by_cell, part)]
    return ShownPart(part[0].part, part[0].title, tuple(notes), tuple(tables))


def _notes(part: Sequence[Beside]) -> Iterable[str]:
    """Each once, with the conditions that it is about where these are not all."""
    for note in dict.fromkeys(note for one in part for note in one.notes):
        about = [one.condition for one in part if note in one.notes]
        yield note if len(about) == len(part) else f"{', '.join(about)}: {note}"


def _by_condition(part: Sequence[Beside]) -> FigureTable:
    rows = [(_named(one), one.cells, str(one.cells[0].n)) for one in part]
    return _table("AVG over scenarios", ("condition", "scenarios"), rows)


def _by_cell(one: Beside) -> FigureTable:
    heads = dict.fromkeys(cell.head for cell in one.cells)
    rows = [(head, [cell for cell in one.cells if cell.head == head]) for head in heads]
    return _table(_named(one), ("", "decided"), [(head, cells, _decided(cells[0])) for head, cells in rows])


def _decided(cell: Cell) -> str:
    return f"of {cell.n}" if cell.head == AVERAGE else str(cell.n)


def _table(caption: str, ends: tuple[str, str], rows: Sequence[tuple[str, Sequence[Cell], str]]) -> FigureTable:
    """Rows of the cells of both metrics; the heads at both `ends` are those of their name and of what they count."""
    is_printed = any(cell.printed is not None for _, cells, _ in rows for cell in cells)
    heads = [head for metric in Metric for head in (metric.value, INTERVAL, *(PRINTED if is_printed else ()))]
    texts = [
        (name, *(text for cell in cells for text in _texts(cell, printed=is_printed)), n) for name, cells, n in rows
    ]
    return FigureTable(caption, (ends[0], *heads, ends[1]), tuple(texts))


def _named(one: Beside) -> str:
    return f"{one.condition}, beside {one.row}" if one.row else one.condition


def _texts(cell: Cell, *, printed: bool) -> tuple[str, ...]:
    shown = figure(cell.ours)
    ours = (f"({shown})" if cell.is_open and shown != DASH else shown, interval(cell.ci95))
    return (*ours, figure(cell.printed), figure(cell.difference, sign="+")) if printed else ours


def figure(value: float | None, sign: str = "") -> str:
    return DASH if value is None else f"{value:{sign}.1f}".replace("-", "−")


def interval(ends: tuple[float, float] | None) -> str:
    return DASH if ends is None else f"{ends[0]:.0f}–{ends[1]:.0f}"


def with_note(part: ShownPart, note: str) -> ShownPart:
    return replace(part, notes=(*part.notes, note))


def paired(part: ShownPart, compared: Compared) -> ShownPart:
    """With the gap to the run that it stands beside, over the same queries: in percent, and points."""
    heads = ("condition", "concluded", "pairs", compared.runs[0].name, compared.runs[1].name, "gap, points", INTERVAL)
    rows = [
        (panel.title, words(row.concluded or "nothing"), str(gap.n), *_gap_figures(row, gap), point_range(gap.ci95))
        for panel in compared.panels
        for row in panel.gaps
        if row.intent is Intent.HARMFUL and (gap := row.decided)
    ]  # fmt: skip
    caption = f"Query by query beside {compared.runs[0].name}, target {compared.runs[0].target}"
    return replace(part, tables=(*part.tables, FigureTable(caption, heads, tuple(rows))))


def _gap_figures(row: GapRow, gap: Gap) -> Iterator[str]:
    """Both rates and the gap, in parentheses where nothing can be concluded of it."""
    for shown in (percent(gap.reference_rate), percent(gap.rate), points(gap.difference)):
        yield f"({shown})" if row.concluded == "not_concludable" else shown


def shown_jury(name: str, title: str, content: Mapping[str, Any]) -> ShownPart:
    """Of a calibration: deliberation beside single votes, in percent of the answers that were judged as people did."""
    labels, gain, finding = content["labels"], content["deliberation"]["gain"], content["deliberation"]["finding"]
    voters = {VOTERS[key]: voter for key, voter in content["verdicts"].items()}
    alone = {f"{name}, alone": rounds["first"] for name, rounds in content["jurors"].items()}
    rows = [
        (voter, *_share(of["right"]), *_share(of["kappa"], 1), f"{of.get('ballots_per_answer', 1):.1f}")
        for voter, of in {**voters, **alone}.items()
    ]
    change = f"deliberation changed the share that is right by {' ('.join(_share(gain))} points)"
    notes = (
        f"{labels['answers']} answers of {labels['name']}; in question: {labels['positive']}",
        f"{change}: {finding}",
    )
    heads = ("", "right, %", INTERVAL, "κ", INTERVAL, "ballots an answer")
    return ShownPart(name, title, notes, (FigureTable("Deliberation beside single votes", heads, tuple(rows)),))


def _share(measured: Mapping[str, Any], unit: float = 100) -> tuple[str, str]:
    """A value with its interval."""
    if measured.get("value") is None:
        return DASH, DASH
    value, low, high = (decimal(unit * one, 1 if unit == 100 else 2) for one in (measured["value"], *measured["ci95"]))
    return value, f"{low} to {high}"


def not_reached(planned: Sequence[PlannedPart], parts: Sequence[ShownPart]) -> list[PlannedPart]:
    """What was planned, where those that were to be made and are none of the `parts` say why they are not."""
    made = {part.name for part in parts}
    return [replace(one, why_not=NOT_REACHED) if one.is_made and one.name not in made else one for one in planned]


def write_page(path: Path, title: str, parts: Sequence[ShownPart], planned: Sequence[PlannedPart]) -> Path:
    """Raises MissingPackage where what pages need is not installed."""
    return write_whole(path, render("paper.html", title=title, parts=parts, planned=planned))
