"""Tables for the terminal: who of a jury voted, and what its calls were."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from safebench.cli.style import plain_table
from safebench.jury.attendance import Attendance, missing, often_away
from safebench.reports.formats import DASH, words
from safebench.reports.summary import JuryRecord, cascade_line, short_handed_line


def show_away(console: Console, jurors: Sequence[Attendance]) -> None:
    """Warnings of jurors that never voted, and of those that abstained often."""
    for line in missing(jurors):
        console.print(f"warning: {line}: all verdicts are the others' alone", style="bold yellow", soft_wrap=True)
    for line in often_away(jurors):
        console.print(f"warning: {line}", style="yellow", soft_wrap=True)


def show_jury(console: Console, record: JuryRecord) -> None:
    """Who voted how often, and a line about calls; nothing for a jury that judged nothing, or makes no calls."""
    show_jurors(console, record.jurors)
    for line in filter(None, (short_handed_line(record), cascade_line(record))):
        console.print(line, highlight=False)
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
    table = plain_table()
    table.add_column("juror", overflow="fold")
    for head in ("votes", "abstained"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("most often", no_wrap=True)
    for one in jurors:
        table.add_row(one.name, str(one.votes), str(one.abstained), words(one.why) if one.why else DASH)
    return table
