"""Tables and bars for the terminal. What models said never reaches them, only names, counts and rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from safebench.cli.gap_tables import show_gap, show_spread, show_wordings
from safebench.cli.jury_tables import show_away
from safebench.cli.style import number_table, plain_table, show_lines
from safebench.models.prices import cost_line
from safebench.rendering.fidelity import COUNTS, UNCHECKED, shown_mean, shown_measures
from safebench.reports.answers import cut_lines, marked_lines, spoken_lines
from safebench.reports.formats import decimal, doubted, percent, percents, unconcludable_lines, wording_lines
from safebench.reports.splitting import ear_lines
from safebench.reports.summary import ConditionSummary, Summary
from safebench.runs.preflight import unproven
from safebench.statistics.funnel import Understanding
from safebench.types import Intent, Outcome

SHORT_HEADS = {  # for terminals of 80 columns
    Outcome.NOT_RENDERED: "not\nrend.",
    Outcome.NO_ANSWER: "no\nans.",
    Outcome.UNDECIDED: "un-\ndec.",
    Outcome.NOT_UNDERSTOOD: "not\nund.",
}
DECIDED = tuple(outcome for outcome in Outcome if outcome.decided)
FUNNEL = ("items", "rendered", "delivered", "answered", "understood", *DECIDED, "open")
SHORT_FUNNEL = {  # for terminals of 100 columns
    "rendered": "ren-\ndered",
    "delivered": "deliv-\nered",
    "answered": "an-\nswered",
    "understood": "under-\nstood",
    "blocked": "block-\ned",
}
ROOMY = 90  # columns from which there is room for one more number
WIDE = 110  # … for heads that are spelled out


def outcome_table(summary: Summary, width: int) -> Table:
    """Items by condition and outcome, harmful and benign apart; open outcomes are dim."""
    table = plain_table(Column("condition", no_wrap=True), Column("intent", no_wrap=True), Column("n", justify="right"))
    for outcome in Outcome:
        head = summary.words.called(outcome)
        short = head if width >= WIDE else SHORT_HEADS.get(outcome, summary.words.head(outcome))
        table.add_column(short, justify="right", style=None if outcome.decided else "dim", no_wrap=True)
    for cell in summary.conditions:
        for intent in Intent:
            counts = cell.counts[intent]
            if sum(counts.values()):
                numbers = [str(counts[outcome]) if counts[outcome] else "·" for outcome in Outcome]
                table.add_row(cell.condition, intent.value, str(sum(counts.values())), *numbers)
    return table


def rate_table(summary: Summary, width: int) -> Table:
    """ASR with its interval and bounds, SRI and over-refusal; the least difference of the ASR that would show."""
    roomy = width >= ROOMY
    words = summary.words
    heads = (words.asr_head, "95 %\ninterval", "bounds", words.paper_head, words.sri, "over-\nrefusal")
    table = number_table("condition", *heads, *(["least\ndiff."] if roomy else []))
    for cell in summary.conditions:
        table.add_row(
            cell.condition,
            doubted(percent(cell.asr), cell),
            percents(cell.shown_ci95),
            percents((cell.asr_low, cell.asr_high)),
            doubted(percent(cell.asr_paper), cell),
            decimal(cell.sri, 1),
            percent(cell.over_refusal),
            *([percent(cell.precision.asr.detectable)] if roomy else []),
        )
    return table


def fidelity_table(summary: Summary) -> Table:
    """Renderings by status and their error rates, beside the ASR: what is hard to hear is not safe."""
    shown = shown_measures(cell.fidelity for cell in summary.conditions)
    table = number_table("condition", *COUNTS, *(f"mean {name}" for name in shown), summary.words.asr_head)
    for cell in summary.conditions:
        if fidelity := cell.fidelity:
            numbers = [*(str(fidelity[count]) for count in COUNTS), *(shown_mean(fidelity, name) for name in shown)]
            table.add_row(cell.condition, *numbers, doubted(percent(cell.asr), cell))
    return table


def funnel_table(summary: Summary, width: int) -> Table:
    """Rendered → delivered → answered → understood → outcome, for the conditions that are rendered.

    Harmful and benign items are apart, and the outcomes of a row add up to its items.
    """
    shown = [head for head in FUNNEL if width >= ROOMY or head != "delivered"]
    table = plain_table(Column("condition", overflow="fold"), Column("intent", no_wrap=True))
    for head in shown:
        short = summary.words.called(head) if width >= WIDE else SHORT_FUNNEL.get(head, summary.words.head(head))
        table.add_column(short, justify="right", no_wrap=True, style="dim" if head == "open" else None)
    for cell in summary.conditions:
        if _has_funnel(cell):
            for intent in Intent:
                row = _funnel_row(cell, intent)
                if row["items"]:
                    numbers = (str(row[head]) if row[head] != 0 else "·" for head in shown)
                    table.add_row(cell.condition, intent.value, *numbers)
    return table


def _has_funnel(cell: ConditionSummary) -> bool:
    return bool(cell.funnel.delivered or cell.funnel.understanding)


def delivered_lines(summary: Summary) -> Iterator[str]:
    """What the preflight found, a line for each medium: for a table that has no room for it."""
    for one in summary.deliveries:
        yield f"{one.medium}: {one.state}, {one.reason}"


def _funnel_row(cell: ConditionSummary, intent: Intent) -> dict[str, Any]:
    reached, delivered = cell.funnel.by_intent[intent], cell.funnel.delivered
    probed = reached.understanding
    ends = {outcome.value: cell.counts[intent][outcome] for outcome in DECIDED}
    return {
        **vars(reached),
        "delivered": {"delivered": "yes", None: "–"}.get(delivered, delivered),
        "understood": _probed(probed) if probed else "–",
        **ends,
        "open": reached.items - sum(ends.values()),
    }


def _probed(probed: Understanding) -> str:
    if probed.rate is None:
        return "unknown"
    known = probed.understood + probed.missed
    return percent(probed.rate) if probed.form == "choose" else f"{probed.understood}/{known}"


def _show_doubts(console: Console, cells: Sequence[ConditionSummary]) -> None:
    show_lines(console, unconcludable_lines(cells), style="bold yellow", soft_wrap=True)
    for cell in cells:
        if cell.evidence.understood.told_nothing:
            console.print(f"the probes told nothing about {cell.condition}", style="yellow")


def _show_fidelity(console: Console, summary: Summary) -> None:
    if any(cell.fidelity for cell in summary.conditions):
        console.print(f"Fidelity of the renderings ({UNCHECKED})", style="bold")
        console.print(fidelity_table(summary))
        show_lines(console, (*summary.chosen, *summary.language_lines), style="dim", soft_wrap=True)


def show_report(console: Console, summary: Summary) -> None:
    """Both tables, and everything a reader has to know to read them; first what puts all of it in doubt."""
    words = summary.words
    show_away(console, summary.jury.jurors)
    show_lines(console, summary.gate, style="bold yellow", soft_wrap=True)
    if summary.conditions:
        console.print(f"Outcomes by condition (dim: open, they say nothing about {words.topic})", style="bold")
        console.print(outcome_table(summary, console.width))
        bounds = f"every open item taken as not {words.event}, and as {words.event}"
        console.print(f"Rates (bounds: {bounds})", style="bold")
        console.print(rate_table(summary, console.width))
        least = f" Least diff.: to the {words.asr} of another such cell, before it would probably show."
        console.print(f"{words.rate_note} {words.sri_note}" + (least if console.width >= ROOMY else ""), style="dim")
        _show_doubts(console, summary.conditions)
    if summary.gap:
        show_gap(console, summary.gap, words)
        show_wordings(console, summary.gap, words)
        show_lines(console, wording_lines(summary.conditions, words.asr), soft_wrap=True)
    show_spread(console, summary.conditions, words)
    _show_fidelity(console, summary)
    if any(map(_has_funnel, summary.conditions)):
        probed = filter(None, (cell.funnel.understanding for cell in summary.conditions))
        by = "by the choice among four, less chance" if any(one.form == "choose" for one in probed) else "by the probe"
        console.print(f"The funnel of a query (delivered: by the preflight; understood: {by})", style="bold")
        console.print(funnel_table(summary, console.width))
        show_lines(console, delivered_lines(summary) if console.width < ROOMY else ())
    show_lines(console, (*spoken_lines(summary.conditions, words), *filter(None, [cost_line(summary.costs)])))
    show_lines(console, cut_lines(summary.conditions), style="yellow")
    show_lines(console, marked_lines(summary.conditions), style="bold yellow")
    for one in summary.skipped:
        console.print(f"skipped: {one.condition} ({one.items} items): {one.reason}", style="yellow")
    for line in (*unproven(summary.deliveries, summary.probed), *ear_lines(summary.run.resolved)):
        console.print(f"warning: {line}", style="yellow", soft_wrap=True)
    if summary.grown:
        console.print(summary.grown, soft_wrap=True)
    if summary.run.pending:
        console.print(f"unfinished: {summary.run.pending} items have no outcome yet", style="yellow")
    if summary.run.notice:
        console.print(summary.run.notice, style="bold yellow")
