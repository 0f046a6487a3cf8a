"""`safebench published`: the paper's result tables, and an audit of their averages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from safebench.cli.style import plain_table

if TYPE_CHECKING:
    from safebench.cli.published_audit import Audit, Finding, Interval

app = typer.Typer(no_args_is_help=True, help="The paper's result tables, as printed.")
output = Console()


@app.command("list")
def list_() -> None:
    """List the tables."""
    from safebench.reports.published import load, names

    table = _table("name", "rows", "columns", "title")
    for name in names():
        found = load(name)
        table.add_row(name, str(len(found.rows)), str(len(found.columns)), escape(found.title))
    output.print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of the table.")]) -> None:
    """Show a table as printed."""
    from safebench.reports.published import AVERAGE, METRIC, load

    found = load(name)
    table = _table(*found.labels, METRIC, *(column.head for column in found.columns), AVERAGE)
    for row in found.rows:
        table.add_row(*map(escape, row.labels), row.metric.value, *map(str, (*row.cells, row.average)))
    output.print(escape(f"{found.title} ({found.source})"), style="bold")
    output.print(table)


@app.command()
def audit(
    name: Annotated[str | None, typer.Argument(help="Name of the table; all when not given.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also the rows with nothing to say about them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All rows, for machines.")] = False,
) -> None:
    """Recompute every printed average from its cells, under each averaging, allowing for rounding."""
    from safebench.cli.published_audit import audit
    from safebench.reports.published import load, names

    audits = [audit(load(one)) for one in ([name] if name else names())]
    if as_json:
        typer.echo(json.dumps([one.describe() for one in audits], indent=2))
        return
    for one in audits:
        _show_audit(one, every=every)


def _show_audit(audit: Audit, *, every: bool) -> None:
    from safebench.reports.published import AVERAGE, METRIC, Averaging

    table, findings = audit.table, audit.findings
    counts = ", ".join(f"{n} {explained}" for explained, n in audit.counts.items())
    impossible = sum(len(finding.impossible) for finding in findings)
    output.print(escape(f"{table.name}: {table.title}"), style="bold")
    output.print(f"{len(findings)} averages over {table.averaging}; explained by: {counts}", highlight=False)
    output.print(f"{table.cells} cells; values that no answers give: {impossible}", highlight=False)
    means = (f"mean over\n{averaging}" for averaging in Averaging)
    listed = _table("row", METRIC, AVERAGE, *means, "fits, by\nrounding", "fits, by\nanswers", "fits, if\ncut off")
    for finding in findings:
        if every or not finding.plain:
            listed.add_row(*map(escape, _fields(finding)))
    if listed.row_count:
        output.print(listed)


def _fields(finding: Finding) -> list[str]:
    row = finding.row
    impossible = [f"(impossible: {', '.join(finding.impossible)})"] if finding.impossible else []
    fits = (finding.by_rounding, finding.by_answers, finding.if_cut)
    return [
        " ".join([" · ".join(row.labels), *impossible]),
        row.metric.value,
        str(row.average),
        *(_span(mean) for mean in finding.means.values()),
        *("\n".join(fitting) or "nothing" for fitting in fits),
    ]


def _span(mean: Interval) -> str:
    from safebench.cli.published_audit import decimal

    return "–".join(dict.fromkeys(decimal(end, 2) for end in mean))


def _table(*heads: str) -> Table:
    """Only the first column is folded where the terminal is narrow: a figure is shown whole."""
    table = plain_table()
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head is not heads[0])
    return table
