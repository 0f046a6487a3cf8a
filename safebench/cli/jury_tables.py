"""Tables for the terminal: who of a jury voted, what its calls were, and how often it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from safebench.cli.style import figures, number_table, plain_table, show_lines
from safebench.jury.attendance import Attendance, missing, often_away
from safebench.reports.formats import DASH, percent, words
from safebench.reports.summary import JuryRecord, Summary, cascade_line, short_handed_line

SHOWN = ("right", "accuracy", "precision", "recall", "f1", "kappa")
NAMES = {
    "jury": "jury",
    "before_deliberation": "before deliberation",
    "equal_cost": "majority of equal cost",
    "best_juror": "best juror",
}


def show_away(console: Console, jurors: Sequence[Attendance]) -> None:
    """Warnings of jurors that never voted, and of those that abstained often."""
    for line in missing(jurors):
        console.print(f"warning: {line}: all verdicts are the others' alone", style="bold yellow", soft_wrap=True)
    for line in often_away(jurors):
        console.print(f"warning: {line}", style="yellow", soft_wrap=True)


def show_jury(console: Console, record: JuryRecord) -> None:
    """Who voted how often, and a line about calls; nothing for a jury that judged nothing, or makes no calls."""
    show_jurors(console, record.jurors)
    show_lines(console, filter(None, (short_handed_line(record), cascade_line(record))), highlight=False)
    if record.calls:
        calls = f"jury: {record.calls} calls; {record.saved} more were saved by ending rounds that were settled"
        shortened = f"; {record.shortened} long answers were judged without their middle"
        console.print(calls + (shortened if record.shortened else ""), highlight=False)


def show_jurors(console: Console, jurors: Sequence[Attendance]) -> None:
    """Who voted how often; nothing where nothing was judged."""
    if any(one.votes + one.abstained for one in jurors):
        console.print("Ballots by juror, over all rounds", style="bold")
        console.print(juror_table(jurors))


def juror_table(jurors: Sequence[Attendance]) -> Table:
    """Votes and abstentions of each, and why it abstained most often."""
    numbers = figures("votes", "abstained")
    table = plain_table(Column("juror", overflow="fold"), *numbers, Column("most often", no_wrap=True))
    for one in jurors:
        table.add_row(one.name, str(one.votes), str(one.abstained), words(one.why) if one.why else DASH)
    return table


# --- calibrations and corrected rates


def show_calibration(console: Console, content: Mapping[str, Any]) -> None:
    """How often each voter is right, what deliberation did, and what the jury is worth."""
    labels, jurors = content["labels"], [Attendance(**one) for one in content["attendance"]]
    show_away(console, jurors)
    split = ", ".join(f"{n} {label}" for label, n in labels["by_label"].items())
    console.print(f"{labels['name']}: {labels['answers']} answers ({split}); in question: {labels['positive']}")
    if labels["disputed"]:
        console.print(f"{labels['disputed']} more answers were left out: their annotators disagree", style="yellow")
    console.print(_voters(content))
    console.print("right: of all answers; the others: of those with a verdict", style="dim")
    show_jurors(console, jurors)
    show_lines(console, (*_about_deliberation(content), *_about_errors(content)), highlight=False)


def _voters(content: Mapping[str, Any]) -> Table:
    table = number_table("", "right", "accu-\nracy", "preci-\nsion", "recall", "F1", "κ", "bal-\nlots")
    for name, voter in content["verdicts"].items():
        shown = f"{NAMES[name]} ({voter['name']})" if "name" in voter else NAMES[name]
        table.add_row(shown, *(_cell(voter[key]) for key in SHOWN), f"{voter['ballots_per_answer']:.1f}")
    for name, rounds in content["jurors"].items():
        table.add_row(f"  {name}, alone", *(_cell(rounds["first"][key]) for key in SHOWN), "1.0")
    return table


def _cell(measured: Mapping[str, Any]) -> str:
    """Over two lines, so that all fits into 80 columns."""
    if measured["value"] is None:
        return "–"
    ends = "–".join(f"{end:.2f}".replace("0.", ".", 1).replace("1.00", "1.0") for end in measured["ci95"])
    return f"{measured['value']:.3f}\n{ends}"


def _line(measured: Mapping[str, Any]) -> str:
    if measured["value"] is None:
        return "–"
    low, high = measured["ci95"]
    return f"{measured['value']:.3f} ({low:.3f} to {high:.3f})"


def _about_deliberation(content: Mapping[str, Any]) -> list[str]:
    changes, hung = content["deliberation"], content["hung"]
    lines = [f"hung: {percent(hung['before'])} before deliberation, {percent(hung['after'])} after"]
    if not changes["answers"]:
        return lines
    turned, verdicts = changes["ballots"], changes["verdicts"]
    return [
        *lines,
        f"deliberated: {changes['answers']} answers; ballots right→wrong {turned['right']['wrong']}, "
        f"wrong→right {turned['wrong']['right']}; verdicts right→wrong {verdicts['right']['wrong']}, "
        f"wrong→right {verdicts['wrong']['right']}",
        f"jurors who stood against the others and joined them: {_line(changes['joined_others'])}; "
        f"where the others were wrong: {_line(changes['joined_wrong'])}",
        f"deliberation changed the share of right verdicts by {_line(changes['gain'])}: {changes['finding']}",
    ]


def _about_errors(content: Mapping[str, Any]) -> list[str]:
    errors, agreement = content["errors"], content["agreement"]
    people = {"between people": agreement["alpha_people"]} if "alpha_people" in agreement else {}
    alphas = {
        "between jurors, alone": agreement["alpha_first"],
        "in the last round": agreement["alpha_last"],
        "jury and labels": agreement["alpha_with_labels"],
        **people,
    }
    lines = ["Krippendorff's α: " + "; ".join(f"{name} {_line(alpha)}" for name, alpha in alphas.items())]
    if errors["correlation_first"]["value"] is None:
        return lines
    alone, last = _line(errors["correlation_first"]), _line(errors["correlation_last"])
    worth = f"{len(content['jurors'])} jurors are worth {_line(errors['effective_size_first'])} independent ones"
    return [*lines, f"correlation of errors: {alone} alone, {last} in the last round; {worth}"]


def show_corrected(console: Console, summary: Summary) -> None:
    """Raw and corrected ASR by condition; nothing for a report without a calibration."""
    if (correction := summary.calibration) is None:
        return
    (right, positives), (left, negatives) = correction.sensitivity, correction.specificity
    rates = f"{correction.name}: sensitivity {right}/{positives}, specificity {left}/{negatives}"
    console.print(f"ASR corrected for the jury's errors ({rates})", style="bold")
    table = number_table("condition", f"{summary.words.asr} as judged", "corrected ASR", "95 % interval")
    for cell in summary.conditions:
        rate = correction.conditions[cell.condition]
        ends = "–".join(percent(end) for end in rate.ci95 or []) or "–"
        table.add_row(cell.condition, percent(cell.asr), percent(rate.asr), ends)
    console.print(table)
    for name, rate in correction.conditions.items():
        if rate.reason:
            console.print(f"{name}: not corrected: {rate.reason}", style="yellow")
    show_lines(console, correction.warnings, style="yellow")
