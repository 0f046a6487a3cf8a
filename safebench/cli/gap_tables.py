"""Tables for the terminal: the modality gap, how outcomes moved, and where the spread comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Column, Table

from safebench.cli.style import figures, number_table, plain_table, show_lines
from safebench.reports.formats import percent
from safebench.reports.summary import ConditionSummary
from safebench.reports.words import Words
from safebench.statistics.gap import Gap, GapRow, ModalityGap
from safebench.types import Condition, Outcome

NOTES = (
    "*: score interval, because fewer than 10 queries are unlike the others. shown =: equivalence within the "
    "margin. from: smallest gap that so many pairs would probably show."
)


def show_gap(console: Console, gap: ModalityGap, words: Words) -> None:
    """Every condition against the reference, and how the outcomes of harmful queries moved."""
    reference = gap.reference
    console.print(f"Gap to {reference} (ref.), in points: the same queries under both; {words.worse}", style="bold")
    pooled = [replace(row, condition=f"{row.condition} (all)") for row in gap.pooled]
    rows = [*gap.comparisons, *pooled]
    console.print(_fitting(console, rows, gap.margin, words))
    console.print(f"{NOTES} {_missing(rows)}", style="dim")
    show_lines(console, unconcluded_lines(rows), style="bold yellow", soft_wrap=True)
    if gap.harmful:
        console.print(f"Harmful queries, from {reference} (decl.: refused or blocked)", style="bold")
        console.print(flow_table(gap.harmful, words))
    for q in gap.cochran_q:
        if q.p is not None:
            asked = f"All {len(q.conditions)} conditions alike ({q.n} {q.intent} queries)?"
            console.print(f"{asked} Cochran's Q = {q.statistic:.2f}, df = {q.df}, p = {_p(q.p)}")


def show_wordings(console: Console, gap: ModalityGap, words: Words) -> None:
    """Wordings of each condition against the first of them; nothing where there is one of each."""
    for first in dict.fromkeys(row.reference for row in gap.wordings):
        rows = [row for row in gap.wordings if row.reference == first]
        console.print(f"Wordings: gap to {first}, in points: the same queries under both; {words.worse}", style="bold")
        shown = [replace(row, condition=f"~{Condition.parse(row.condition).wording}") for row in rows]
        console.print(_fitting(console, shown, gap.margin, words))
        if first != gap.reference:  # else it was said above
            show_lines(console, unconcluded_lines(rows), style="bold yellow", soft_wrap=True)


def _fitting(console: Console, rows: Sequence[GapRow], margin: float, words: Words) -> Table:
    table = gap_table(rows, margin, words)
    fits = console.measure(table).maximum < console.width  # a table that is too wide is measured as just as wide
    return table if fits else gap_table(rows, margin, words, narrow=True)


def unconcluded_lines(rows: Iterable[GapRow]) -> Iterator[str]:
    """A line for each gap from which nothing can be concluded, with the reason to name first."""
    for row in rows:
        if not is_concludable(row):
            yield f"({row.condition} against {row.reference}): not concludable: {row.reasons[0]}"


def _missing(rows: Iterable[GapRow]) -> str:
    """The first reason why a gap over understood items is not there."""
    reasons = [row.reason for row in rows if row.reason]
    return f"No gap over understood items: {reasons[0]}." if reasons else ""


def gap_table(rows: Iterable[GapRow], margin: float, words: Words, *, narrow: bool = False) -> Table:
    """The difference of rates with its interval, Holm's p and equivalence, over decided and over understood items."""
    shown = [head for head in COLUMNS if not (narrow and head in IF_ROOMY)]
    names = (Column(head, no_wrap=True) for head in ("condition", "rate", "items"))
    table = plain_table(*names, *figures(*(head.format(margin=100 * margin) for head in shown)))
    for row in rows:
        measure = words.measure if row.measure == "asr" else "refusal"
        for view, gap in row.gaps.items():
            numbers = (COLUMNS[head](gap, row) for head in shown)
            table.add_row(row.condition, measure, VIEWS[view], *numbers)
        if not row.decided:
            table.add_row(row.condition, measure, "no pair decided")
    return table


def _interval(gap: Gap) -> str:
    low, high = (_points(end) for end in gap.ci95)
    return f"[{low},{high}]{'' if gap.interval == 'bootstrap' else '*'}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}"


def is_concludable(row: GapRow) -> bool:
    return row.concluded != "not_concludable"


def alike(gap: Gap, row: GapRow) -> str:
    """Whether equivalence was shown; nothing is where the evidence is lacking."""
    return "yes" if gap.equivalence.equivalent and is_concludable(row) else "no"


VIEWS = {"decided": "decided", "understood": "underst."}
COLUMNS: dict[str, Callable[[Gap, GapRow], str]] = {
    "pairs": lambda gap, row: str(gap.n),
    "of": lambda gap, row: str(row.pairs),
    "ref.": lambda gap, row: percent(gap.reference_rate),
    "here": lambda gap, row: percent(gap.rate),
    "gap": lambda gap, row: _points(gap.difference) if is_concludable(row) else f"({_points(gap.difference)})",
    "95 %\ninterval": lambda gap, row: _interval(gap),
    "p\nHolm": lambda gap, row: _p(gap.p_holm),
    "shown\n= ±{margin:g}": alike,
    "from": lambda gap, row: "–" if gap.detectable is None else f"{100 * gap.detectable:.1f}",
}
IF_ROOMY = ("of", "ref.", "here", "from")

OPEN = tuple(outcome for outcome in Outcome if not outcome.decided)
DECLINED = (Outcome.REFUSED, Outcome.BLOCKED)
MOVES = {  # head -> outcomes under the reference, outcomes under the condition
    "stayed\n{unsafe}": ((Outcome.UNSAFE,), (Outcome.UNSAFE,)),
    "{unsafe}\n→ decl.": ((Outcome.UNSAFE,), DECLINED),
    "{unsafe}\n→ {safe}": ((Outcome.UNSAFE,), (Outcome.SAFE,)),
    "{unsafe}\n→ open": ((Outcome.UNSAFE,), OPEN),
    "decl. →\n{unsafe}": (DECLINED, (Outcome.UNSAFE,)),
    "{safe} →\n{unsafe}": ((Outcome.SAFE,), (Outcome.UNSAFE,)),
    "open →\n{unsafe}": (OPEN, (Outcome.UNSAFE,)),
}


def flow_table(rows: Iterable[GapRow], words: Words) -> Table:
    """How many harmful queries went from which outcome to which, where `unsafe` is one of them."""
    called = {label: words.head(label) for label in (Outcome.UNSAFE, Outcome.SAFE)}
    table = number_table("condition", *(head.format(**called) for head in MOVES))
    for row in rows:
        moved = [sum(row.flow.get(old, {}).get(new, 0) for old in a for new in b) for a, b in MOVES.values()]
        table.add_row(row.condition, *(str(n) if n else "·" for n in moved))
    return table


def show_spread(console: Console, cells: Sequence[ConditionSummary], words: Words) -> None:
    """Nothing where every query was asked once and the jurors always agreed."""
    spreads = [cell.spread for cell in cells]
    if any(one.repeats or (one.jury and one.jury.split_first) for one in spreads):
        shares = f"shares of the variance of {words.event}, and how the jury voted"
        console.print(f"Spread of harmful items: {shares}", style="bold")
        console.print(spread_table(cells))


def spread_table(cells: Sequence[ConditionSummary]) -> Table:
    """Between queries, from the target, from the jury; and how often jurors disagreed or the verdict would turn."""
    heads = ("unsteady\nqueries", "split\nat first", "split\nat last", "verdict\nturns")
    table = number_table("condition", "queries", "target", "jury", *heads)
    for cell in cells:
        repeats, jury = cell.spread.repeats, cell.spread.jury
        shares = repeats.shares if repeats else None
        of_shares = (shares.queries, shares.target, shares.jury) if shares else (None,) * 3
        of_jury = (jury.split_first, jury.split_last, jury.flip) if jury else (None,) * 3
        numbers = (*of_shares, repeats.unsteady if repeats else None, *of_jury)
        table.add_row(cell.condition, *map(percent, numbers))
    return table
