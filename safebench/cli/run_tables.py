"""Tables and bars for the terminal. What models said never reaches them, only names, counts and rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from safebench.cli.gap_tables import show_gap, show_spread
from safebench.cli.style import SRI_NOTE, plain_table
from safebench.rendering.fidelity import STATUSES, UNCHECKED, shown_measures
from safebench.reports.answers import spoken_lines, truncated_lines
from safebench.reports.formats import percent
from safebench.runs.preflight import unproven
from safebench.statistics.metrics import interval_of
from safebench.types import Intent, Outcome

SHORT_HEADS = {  # for terminals of 80 columns
    Outcome.NOT_RENDERED: "not\nrend.",
    Outcome.NO_ANSWER: "no\nans.",
    Outcome.UNDECIDED: "un-\ndec.",
    Outcome.NOT_UNDERSTOOD: "not\nund.",
}
DECIDED = tuple(outcome for outcome in Outcome if outcome.decided)
WAY = ("items", "rendered", "delivered", "answered", "understood", *DECIDED, "open")
SHORT_WAY = {  # for terminals of 100 columns
    "rendered": "ren-\ndered",
    "delivered": "deliv-\nered",
    "answered": "an-\nswered",
    "understood": "under-\nstood",
    "blocked": "block-\ned",
}
ROOMY = 90  # columns from which there is room for one more number
WIDE = 110  # … for heads that are spelled out
RATE_NOTES = (
    "ASR: attack success rate, unsafe / decided. ASR (paper): unsafe / all, so that open items count as not unsafe: a "
    f"lower bound. {SRI_NOTE}"
)


def outcome_table(summary: Mapping[str, Any], width: int) -> Table:
    """Items by condition and outcome, harmful and benign apart; open outcomes are dim."""
    table = plain_table()
    table.add_column("condition", no_wrap=True)
    table.add_column("intent", no_wrap=True)
    table.add_column("n", justify="right")
    for outcome in Outcome:
        head = outcome.value.replace("_", " ")
        short = head if width >= WIDE else SHORT_HEADS.get(outcome, head)
        table.add_column(short, justify="right", style=None if outcome.decided else "dim", no_wrap=True)
    for cell in summary["conditions"]:
        for intent in Intent:
            counts = cell["counts"][intent]
            if sum(counts.values()):
                numbers = [str(counts[outcome]) if counts[outcome] else "·" for outcome in Outcome]
                table.add_row(escape(cell["condition"]), intent.value, str(sum(counts.values())), *numbers)
    return table


def rate_table(summary: Mapping[str, Any], width: int) -> Table:
    """ASR with its interval and bounds, SRI and over-refusal; the least difference of the ASR that would show."""
    table = plain_table()
    table.add_column("condition", no_wrap=True)
    for head in ("ASR", "95 %\ninterval", "bounds", "ASR\n(paper)", "SRI", "over-\nrefusal"):
        table.add_column(head, justify="right", no_wrap=True)
    if width >= ROOMY:
        table.add_column("least\ndiff.", justify="right", no_wrap=True)
    for cell in summary["conditions"]:
        table.add_row(
            escape(cell["condition"]),
            percent(cell["asr"]),
            _range(interval_of(cell)),
            _range((cell["asr_low"], cell["asr_high"])),
            percent(cell["asr_paper"]),
            "–" if cell["sri"] is None else f"{cell['sri']:.1f}",
            percent(cell["over_refusal"]),
            *([percent(cell["precision"]["asr"]["detectable"])] if width >= ROOMY else []),
        )
    return table


def fidelity_table(summary: Mapping[str, Any]) -> Table:
    """Renderings by status and their error rates, beside the ASR: what is hard to hear is not safe."""
    shown = shown_measures(cell["fidelity"] for cell in summary["conditions"])
    table = plain_table()
    table.add_column("condition", no_wrap=True)
    for head in (*STATUSES, *(f"mean {name}" for name in shown), "ASR"):
        table.add_column(head, justify="right", no_wrap=True)
    for cell in summary["conditions"]:
        found = cell["fidelity"]
        if found:
            counts = [str(found[status]) for status in STATUSES]
            table.add_row(escape(cell["condition"]), *counts, *means_of(found, shown), percent(cell["asr"]))
    return table


def way_table(summary: Mapping[str, Any], width: int) -> Table:
    """Rendered → delivered → answered → understood → outcome, for the conditions that are rendered.

    Harmful and benign items are apart, and the outcomes of a row add up to its items.
    """
    shown = [head for head in WAY if width >= ROOMY or head != "delivered"]
    table = plain_table()
    table.add_column("condition", overflow="fold")
    table.add_column("intent", no_wrap=True)
    for head in shown:
        short = head if width >= WIDE else SHORT_WAY.get(head, head)
        table.add_column(short, justify="right", no_wrap=True, style="dim" if head == "open" else None)
    for cell in summary["conditions"]:
        if cell["way"]["delivered"] or cell["way"]["understanding"]:
            for intent in Intent:
                row = _way_row(cell, intent)
                if row["items"]:
                    told = (str(row[head]) if row[head] != 0 else "·" for head in shown)
                    table.add_row(escape(cell["condition"]), intent.value, *told)
    return table


def delivered_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """What the preflight found, a line for each medium: for a table that has no room for it."""
    for found in summary["deliveries"]:
        yield f"{found['medium']}: {found['state']}, {found['reason']}"


def _way_row(cell: Mapping[str, Any], intent: Intent) -> dict[str, Any]:
    way = cell["way"]["by_intent"][intent]
    found, delivered = way["understanding"], cell["way"]["delivered"]
    ends = {outcome.value: cell["counts"][intent][outcome] for outcome in DECIDED}
    return {
        **way,
        "delivered": {"delivered": "yes", None: "–"}.get(delivered, delivered),
        "understood": f"{found['understood']}/{found['understood'] + found['missed']}" if found else "–",
        **ends,
        "open": way["items"] - sum(ends.values()),
    }


def _range(ends: Any) -> str:
    return "–" if ends is None or ends[0] is None else f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f} %"


def show_report(console: Console, summary: Mapping[str, Any]) -> None:
    """Both tables, and everything a reader has to know to read them."""
    if summary["conditions"]:
        console.print("Outcomes by condition (dim: open, they say nothing about safety)", style="bold")
        console.print(outcome_table(summary, console.width))
        console.print("Rates (bounds: every open item taken as not unsafe, and as unsafe)", style="bold")
        console.print(rate_table(summary, console.width))
        least = " Least diff.: to the ASR of another such cell, before it would probably show."
        console.print(RATE_NOTES + (least if console.width >= ROOMY else ""), style="dim")
    if summary["gap"]:
        show_gap(console, summary["gap"])
    show_spread(console, summary)
    if any(cell["fidelity"] for cell in summary["conditions"]):
        console.print(f"Fidelity of the renderings ({UNCHECKED})", style="bold")
        console.print(fidelity_table(summary))
    if any(cell["way"]["understanding"] or cell["way"]["delivered"] for cell in summary["conditions"]):
        console.print("The way of a query (delivered: by the preflight; understood: by the probe)", style="bold")
        console.print(way_table(summary, console.width))
        for line in delivered_lines(summary) if console.width < ROOMY else ():
            console.print(escape(line))
    for line in spoken_lines(summary["conditions"]):
        console.print(escape(line))
    for line in truncated_lines(summary["conditions"]):
        console.print(escape(line), style="yellow")
    for skipped in summary["skipped"]:
        told = f"skipped: {skipped['condition']} ({skipped['items']} items): {skipped['reason']}"
        console.print(escape(told), style="yellow")
    for line in unproven(summary["deliveries"]):
        console.print(escape(f"warning: {line}"), style="yellow", soft_wrap=True)
    if summary["run"]["pending"]:
        console.print(f"unfinished: {summary['run']['pending']} items have no outcome yet", style="yellow")
    if summary["run"]["notice"]:
        console.print(escape(summary["run"]["notice"]), style="bold yellow")


def means_of(cell: Mapping[str, Any] | None, shown: Sequence[str]) -> list[str]:
    """The means of the measures that are shown, a dash for each that there is none of."""
    return [f"{cell['means'][name]:.3f}" if cell and name in cell["means"] else "–" for name in shown]


def show_jury(console: Console, record: Mapping[str, int]) -> None:
    """One line; nothing for a jury that makes no calls."""
    if record["calls"]:
        told = f"jury: {record['calls']} calls; {record['saved']} more were saved by ending rounds that were settled"
        shortened = f"; {record['shortened']} long answers were judged without their middle"
        console.print(told + (shortened if record["shortened"] else ""), highlight=False)
