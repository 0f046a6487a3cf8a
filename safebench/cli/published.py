"""`safebench published`: the paper's result tables, and an audit of their averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from safebench.cli.options import output
from safebench.cli.style import plain_table

if TYPE_CHECKING:
    from safebench.reports.published_audit import Audit, AuditedRow, Interval

app = typer.Typer(help="The paper's result tables, as printed; without a command, which there are.")


@app.callback(invoke_without_command=True)
def _by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_() -> None:
    """List the tables."""
    from safebench.reports.published import load, names

    tables = [load(name) for name in names()]
    table = _table("name", "rows", "columns", "title")
    for one in tables:
        table.add_row(one.name, str(len(one.rows)), str(len(one.columns)), one.title)
    output.print(table)
    counts = [{"name": one.name, "rows": len(one.rows), "columns": len(one.columns)} for one in tables]
    output.result({"published": [{**row, "title": one.title} for row, one in zip(counts, tables, strict=True)]})


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of the table.")]) -> None:
    """Show a table as printed."""
    from safebench.reports.published import AVERAGE, METRIC, load

    published = load(name)
    heads = [*published.labels, METRIC, *(column.head for column in published.columns), AVERAGE]
    table, rows = _table(*heads), []
    for row in published.rows:
        figures = (*row.cells, row.average)
        table.add_row(*row.labels, row.metric.value, *map(str, figures))
        rows.append(dict(zip(heads, (*row.labels, row.metric.value, *map(float, figures)), strict=True)))
    output.print(f"{published.title} ({published.source})", style="bold")
    output.print(table)
    output.result({"title": published.title, "source": published.source, "rows": rows})


@app.command()
def audit(
    name: Annotated[str | None, typer.Argument(help="Name of the table; all when not given.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also the rows with nothing to say about them.")] = False,
) -> None:
    """Recompute every printed average from its cells, under each averaging, allowing for rounding."""
    from safebench.reports.published import load, names
    from safebench.reports.published_audit import audit

    audits = [audit(load(one)) for one in ([name] if name else names())]
    output.result([one.describe() for one in audits])
    for one in audits:
        _show_audit(one, every=every)


def _show_audit(audit: Audit, *, every: bool) -> None:
    from safebench.reports.published import AVERAGE, METRIC, Averaging

    table, rows = audit.table, audit.rows
    counts = ", ".join(f"{n} {explained}" for explained, n in audit.counts.items())
    impossible = sum(len(row.impossible) for row in rows)
    output.print(f"{table.name}: {table.title}", style="bold")
    output.print(f"{len(rows)} averages over {table.averaging}; explained by: {counts}", highlight=False)
    output.print(f"{table.cells} cells; values that no answers give: {impossible}", highlight=False)
    means = (f"mean over\n{averaging}" for averaging in Averaging)
    listed = _table("row", METRIC, AVERAGE, *means, "fits, by\nrounding", "fits, by\nanswers", "fits, if\ncut off")
    for row in rows:
        if every or not row.plain:
            listed.add_row(*_fields(row))
    if listed.row_count:
        output.print(listed)


def _fields(audited: AuditedRow) -> list[str]:
    row = audited.row
    impossible = [f"(impossible: {', '.join(audited.impossible)})"] if audited.impossible else []
    fits = (audited.by_rounding, audited.by_answers, audited.if_cut)
    return [
        " ".join([" · ".join(row.labels), *impossible]),
        row.metric.value,
        str(row.average),
        *(_span(mean) for mean in audited.means.values()),
        *("\n".join(fitting) or "nothing" for fitting in fits),
    ]


def _span(mean: Interval) -> str:
    from safebench.reports.published_audit import decimal

    return "–".join(dict.fromkeys(decimal(end, 2) for end in mean))


def _table(*heads: str) -> Table:
    """Only the first column is folded where the terminal is narrow: a figure is shown whole."""
    return plain_table(*(Column(head, overflow="fold", no_wrap=place > 0) for place, head in enumerate(heads)))
