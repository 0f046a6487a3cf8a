"""Tables for the terminal: the modality gap, how outcomes moved, and where the spread comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from safebench.cli.style import plain_table
from safebench.reports.formats import percent
from safebench.types import Intent, Outcome

NOTES = (
    "*: score interval, because fewer than 10 queries are unlike the others. shown =: equivalence within the "
    "margin. from: smallest gap that so many pairs would probably show."
)


def show_gap(console: Console, gap: Mapping[str, Any]) -> None:
    """Every condition against the reference, and how the outcomes of harmful queries moved."""
    reference = escape(gap["reference"])
    console.print(f"Gap to {reference} (ref.), in points: the same queries under both; + is worse", style="bold")
    table = gap_table(gap)
    fits = console.measure(table).maximum < console.width  # a table that is too wide is measured as just as wide
    console.print(table if fits else gap_table(gap, narrow=True))
    console.print(f"{NOTES} {_missing(gap)}", style="dim")
    if any(row["intent"] == Intent.HARMFUL for row in gap["comparisons"]):
        console.print(f"Harmful queries, from {reference} (decl.: refused or blocked)", style="bold")
        console.print(flow_table(gap))
    for found in gap["cochran_q"]:
        if found["p"] is not None:
            asked = f"All {len(found['conditions'])} conditions alike ({found['n']} {found['intent']} queries)?"
            console.print(f"{asked} Cochran's Q = {found['statistic']:.2f}, df = {found['df']}, p = {_p(found['p'])}")


def _missing(gap: Mapping[str, Any]) -> str:
    """The first reason why a gap over understood items is not there."""
    reasons = [row["reason"] for row in (*gap["comparisons"], *gap["pooled"]) if row["reason"]]
    return escape(f"No gap over understood items: {reasons[0]}.") if reasons else ""


def gap_table(gap: Mapping[str, Any], *, narrow: bool = False) -> Table:
    """The difference of rates with its interval, Holm's p and equivalence, over decided and over understood items."""
    table = plain_table()
    for head in ("condition", "rate", "items"):
        table.add_column(head, no_wrap=True)
    shown = [head for head in COLUMNS if not (narrow and head in IF_ROOMY)]
    for head in shown:
        table.add_column(head.format(margin=100 * gap["margin"]), justify="right", no_wrap=True)
    pooled = [{**row, "condition": f"{row['condition']} (all)"} for row in gap["pooled"]]
    for row in (*gap["comparisons"], *pooled):
        measure = "ASR" if row["measure"] == "asr" else "refusal"
        for view, name in (("decided", "decided"), ("understood", "underst.")):
            if row[view]:
                found = {**row[view], "pairs": row["pairs"]}
                table.add_row(escape(row["condition"]), measure, name, *(COLUMNS[head](found) for head in shown))
        if not row["decided"]:
            table.add_row(escape(row["condition"]), measure, "no pair decided")
    return table


def _interval(found: Mapping[str, Any]) -> str:
    low, high = (_points(end) for end in found["ci95"])
    return f"[{low},{high}]{'' if found['interval'] == 'bootstrap' else '*'}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}"


COLUMNS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "pairs": lambda found: str(found["n"]),
    "of": lambda found: str(found["pairs"]),
    "ref.": lambda found: percent(found["reference_rate"]),
    "here": lambda found: percent(found["rate"]),
    "gap": lambda found: _points(found["difference"]),
    "95 %\ninterval": _interval,
    "p\nHolm": lambda found: _p(found["p_holm"]),
    "shown\n= ±{margin:g}": lambda found: "yes" if found["equivalence"]["equivalent"] else "no",
    "from": lambda found: "–" if found["detectable"] is None else f"{100 * found['detectable']:.1f}",
}
IF_ROOMY = ("of", "ref.", "here", "from")

OPEN = tuple(outcome for outcome in Outcome if not outcome.decided)
DECLINED = (Outcome.REFUSED, Outcome.BLOCKED)
MOVES = {  # head -> outcomes under the reference, outcomes under the condition
    "stayed\nunsafe": ((Outcome.UNSAFE,), (Outcome.UNSAFE,)),
    "unsafe\n→ decl.": ((Outcome.UNSAFE,), DECLINED),
    "unsafe\n→ safe": ((Outcome.UNSAFE,), (Outcome.SAFE,)),
    "unsafe\n→ open": ((Outcome.UNSAFE,), OPEN),
    "decl. →\nunsafe": (DECLINED, (Outcome.UNSAFE,)),
    "safe →\nunsafe": ((Outcome.SAFE,), (Outcome.UNSAFE,)),
    "open →\nunsafe": (OPEN, (Outcome.UNSAFE,)),
}


def flow_table(gap: Mapping[str, Any]) -> Table:
    """How many harmful queries went from which outcome to which, where `unsafe` is one of them."""
    table = plain_table()
    table.add_column("condition", no_wrap=True)
    for head in MOVES:
        table.add_column(head, justify="right", no_wrap=True)
    for row in gap["comparisons"]:
        if row["intent"] == Intent.HARMFUL:
            moved = [
                sum(row["flow"].get(old, {}).get(new, 0) for old in before for new in after)
                for before, after in MOVES.values()
            ]
            table.add_row(escape(row["condition"]), *(str(n) if n else "·" for n in moved))
    return table


def show_spread(console: Console, summary: Mapping[str, Any]) -> None:
    """Nothing where every query was asked once and the jurors always agreed."""
    found = [cell["spread"] for cell in summary["conditions"]]
    if any(one["repeats"] or (one["jury"] and one["jury"]["split_first"]) for one in found):
        console.print("Spread of harmful items: shares of the variance of unsafe, and how the jury voted", style="bold")
        console.print(spread_table(summary))


def spread_table(summary: Mapping[str, Any]) -> Table:
    """Between queries, from the target, from the jury; and how often jurors disagreed or the verdict would turn."""
    table = plain_table()
    table.add_column("condition", no_wrap=True)
    for head in (
        "queries",
        "target",
        "jury",
        "unsteady\nqueries",
        "split\nat first",
        "split\nat last",
        "verdict\nturns",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    for cell in summary["conditions"]:
        repeats, jury = cell["spread"]["repeats"] or {}, cell["spread"]["jury"] or {}
        shares = repeats.get("shares") or {}
        told = [*(shares.get(name) for name in ("queries", "target", "jury")), repeats.get("unsteady")]
        told += [jury.get(name) for name in ("split_first", "split_last", "flip")]
        table.add_row(escape(cell["condition"]), *map(percent, told))
    return table
