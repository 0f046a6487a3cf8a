"""`safebench generate`: a query set of your own, written and judged by models."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safebench.cli.options import (
    EstimateOnly,
    MaxCalls,
    MaxCost,
    PricesFile,
    Private,
    RetryCalls,
    errors,
    notes,
    output,
)
from safebench.cli.style import show_lines
from safebench.files import keep_private

if TYPE_CHECKING:
    from rich.table import Table

    from safebench.generation.generate import Generated
    from safebench.generation.summary import GenerationSummary


class Stage(StrEnum):
    propose = "propose"
    write = "write"
    score = "score"
    select = "select"
    twin = "twin"
    package = "package"


def generate(
    plan: Annotated[str, typer.Argument(help="A plan file (TOML), or a shipped plan: `starter`, `paper`.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the set; the same again continues it. That of FOLDER/plan.toml.")
    ] = None,
    until: Annotated[Stage, typer.Option(help="The last stage to do.")] = Stage.package,
    writer: Annotated[list[str] | None, typer.Option(help="openai:MODEL, …; may be given several times.")] = None,
    judge: Annotated[list[str] | None, typer.Option(help="openai:MODEL, …; may be given several times.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Queries of each scenario.")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    retry_failed: RetryCalls = False,
    private: Private = False,
    prices: PricesFile = None,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    dry_run: EstimateOnly = False,
) -> int:
    """Make a query set: models write and score queries and benign twins, stage by stage, by a plan."""
    from safebench.cli.dry_run import show_only_estimate
    from safebench.cli.progress import Bars
    from safebench.generation.estimate import estimate_generation, outlook_line
    from safebench.generation.folder import folder_of
    from safebench.generation.generate import generate
    from safebench.generation.plan import read_plan
    from safebench.models.prices import read_prices

    folder = out or folder_of(Path(plan))
    if folder is None and not dry_run:
        raise typer.BadParameter("missing --out (or the plan.toml in the folder of a set)")
    asked = read_plan(plan, writer or (), judge or (), count, scenario or ())
    most = {key: value for key, value in {"calls": max_calls, "cost": max_cost}.items() if value is not None}
    limits = asked.limits.model_copy(update=most)
    asked = asked.model_copy(update={"limits": limits} | ({"prices": str(prices)} if prices else {}))
    if folder is None or dry_run:
        rows = estimate_generation(asked, read_prices(asked.prices))
        output.print(outlook_line(asked, rows), highlight=False)
        return show_only_estimate(rows)
    if private:
        keep_private(folder)
    with Bars(notes, whole=True) as bars:
        made = generate(asked, folder, until.value, bars, retry_failed=retry_failed)
    _show(made)
    return made.exit_status


def _show(made: Generated) -> None:
    summary = made.summary
    output.result({"folder": made.folder, "stopped": made.stopped, "summary": summary.as_dict()})
    output.print(_table(summary))
    show_lines(output, _lines(summary), highlight=False, soft_wrap=True)
    output.print(f"set: {made.folder}", soft_wrap=True)
    if (made.folder / "dataset").is_dir():
        output.print(f"data set: {made.folder / 'dataset'} (use it with --data)", soft_wrap=True)
    if made.stopped:
        errors.print(f"exit status 1: {made.stopped}, and give the same command again", soft_wrap=True)
    elif summary.is_short:
        short = f"{summary.missing} queries are missing"
        more = f", {summary.scenarios_missing} scenarios" if summary.scenarios_missing else ""
        help = "in another folder, more writers or surplus, or lower thresholds, may help"
        errors.print(f"exit status 1: {short}{more}; {help}", soft_wrap=True)


def _table(summary: GenerationSummary) -> Table:
    from rich.table import Column

    from safebench.cli.style import plain_table

    names = ("planned", "written", "kept", "missing")
    table = plain_table("scenario", *(Column(name, justify="right") for name in names))
    for line in summary.lines:
        row = (str(getattr(line, name)) for name in names)
        table.add_row(line.scenario, *row, style="yellow" if line.missing else None)
    totals = [sum(getattr(line, name) for line in summary.lines) for name in names]
    table.add_row("all", *map(str, totals), style="bold")
    return table


def _lines(summary: GenerationSummary) -> list[str]:
    """Lines on what was dropped, who declined, how far the judges agree, and what was asked."""
    lines = [f"stages done: up to {summary.stage or 'none'}"]
    if summary.dropped:
        lines.append("dropped: " + ", ".join(f"{name} {count}" for name, count in summary.dropped.items()))
    lines += [f"writer {writer}: {declined}" for writer, declined in summary.declined_by_writer().items()]
    known = {name: alpha for name, alpha in summary.agreement.items() if alpha is not None}
    if known:
        lines.append("judges' agreement (α): " + ", ".join(f"{name} {alpha:.2f}" for name, alpha in known.items()))
    lines += [f"judge {judge} gave every query the same scores" for judge in summary.constant_judges]
    lines += [f"judge {judge} abstained from {count}" for judge, count in summary.abstained.items()]
    lines += [f"edited by hand: {name}" for name in summary.edited]
    asked = ", ".join(f"{model} {calls['calls']}" for model, calls in summary.calls.items())
    tokens, failed = (sum(calls[name] for calls in summary.calls.values()) for name in ("tokens", "failed"))
    lines += [f"{failed} calls failed: --retry-failed asks again"] if failed else []
    return [*lines, f"calls: {asked or 'none'}; {tokens} tokens"]
