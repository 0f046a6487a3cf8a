"""`safebench published`: the paper's result tables, and an audit of their averages. `reproduce`: its experiments."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic_core import to_jsonable_python
from rich.table import Column, Table

from safebench.cli import options
from safebench.cli.jury import JuryModels
from safebench.cli.options import errors, notes, output
from safebench.cli.style import figures, plain_table
from safebench.errors import BadInput, Interrupted
from safebench.stopping import command_line

if TYPE_CHECKING:
    from safebench.bridges.paper.cells import Beside
    from safebench.bridges.paper.page import ShownPart
    from safebench.bridges.paper.study import AskedSetting, Given, PlannedPart, Study
    from safebench.cli.progress import Bars
    from safebench.jury.calibration.labels import LabelSet
    from safebench.reports.published_audit import Audit, AuditedRow, Interval
    from safebench.runs.config import RunConfig

WRAPPED = {"95 % interval": "95 %\ninterval", "difference": "differ-\nence"}

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


def reproduce(
    study: Annotated[Literal["paper"], typer.Argument(help="Which study.")],
    config: Annotated[Path | None, typer.Argument(help="A run file for what all parts share; options win.")] = None,
    target: Annotated[str | None, typer.Option(help="As for `safebench run`; else the reference target.")] = None,
    data: Annotated[str | None, typer.Option(help="The release, or a set of yours; else the starter set.")] = None,
    jury: Annotated[str | None, typer.Option(help="As for `safebench run`; else the paper's five roles.")] = None,
    jury_model: JuryModels = None,
    part: Annotated[list[str] | None, typer.Option(help="One part of the study; may be given several times.")] = None,
    small: Annotated[bool, typer.Option("--small", help="Only MiniBench's ten scenarios, in every part.")] = False,
    attacked: Annotated[
        Path | None, typer.Option(help="What an attack made of the queries: a table of yours, `id` and `text`.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Answers with labels from people, as for `safebench jury calibrate`.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The target's name in the paper's tables, where it is not known.")
    ] = None,
    recipes: options.RecipesFile = None,
    base_url: Annotated[str | None, typer.Option(help="Of the target's endpoint; else OPENAI_BASE_URL.")] = None,
    target_option: options.TargetOptions = None,
    recogniser: options.Recognisers = None,
    probe: options.ProbedShare = None,
    limit: options.Limit = None,
    out: Annotated[Path | None, typer.Option(help="Folder of all parts; the same again continues them.")] = None,
    dry_run: options.DryRun = False,
    retry_failed: options.RetryCalls = False,
    allow_unproven: options.AllowUnproven = False,
    html: Annotated[bool, typer.Option("--html", help="Write paper.html, too: a page for the browser.")] = False,
) -> int:
    """Ask the paper's experiments of a target, and set each cell beside the published one."""
    from safebench.bridges.paper.study import Given, plan_study, printed_names, read_study
    from safebench.cli.run import in_its_folder, with_options
    from safebench.errors import check_known

    if html:
        from safebench.reports.pages.html import require_packages

        require_packages()
    given: dict[str, Any] = {
        "target": target, "data": data, "jury": jury, "jury_models": jury_model, "limit": limit, "base_url": base_url,
        "recipes": str(recipes) if recipes else None, "minibench": small or None, "out": str(out) if out else None,
        "recognisers": recogniser, "probe": probe, "allow_unproven": allow_unproven or None,
    }  # fmt: skip
    defaults = {"target": "reference", "data": "starter", "out": "runs/paper"}
    read = in_its_folder(config) if config else {}
    values = {**defaults, **read, **{key: value for key, value in given.items() if value not in (None, [])}}
    values.pop("conditions", None)
    if target_option:
        values["options"] = with_options(values.get("options", {}), target_option, "--target-option")
    about, name = read_study(), model or _printed_name(values["target"])
    if model:
        check_known("model of the paper's tables", model, printed_names(about), "--model")
    asked = Given(values, str(attacked or ""), str(labels or ""))
    planned = plan_study(about, asked, part or ())
    broken = [one.why_not for one in planned if one.broken]
    if dry_run:
        _show_ways(about, planned, name)
    if broken or not (dry_run or any(one.is_made for one in planned)):
        raise BadInput(*dict.fromkeys(broken or (f"part {one.name}: {one.why_not}" for one in planned)))
    return 0 if dry_run else _reproduce(about, asked, planned, name, html=html, retry_failed=retry_failed)


def _printed_name(target: str) -> str:
    from safebench.models.catalogue import models

    known = models().get(target)
    return known.paper if known else ""


def _show_ways(study: Study, planned: Sequence[PlannedPart], name: str) -> None:
    """Every cell of the paper's tables with how it would be made, and what this target would be asked."""
    from safebench.bridges.paper.cells import ANY, ways

    every = [*ways(study, planned)]
    table = plain_table("part", Column("printed row", overflow="fold"), "cells", Column("how", overflow="fold"))
    for way in every:
        how = (way.why_not and f"not to be made: {way.why_not}") or (
            "any target" if way.target == ANY else f"--target {way.target}"
        )
        table.add_row(way.part, way.row, str(way.cells), how)
    output.print(table)
    for one in planned:
        _show_planned(one)
    output.print(f"beside: {name or 'no printed row: the paper has not tested this target (--model NAME, if it has)'}")
    plans = [
        {
            "part": one.name, "asked": [_asked(each) for each in one.asked],
            "why_not": one.why_not, "broken": one.broken,
        }
        for one in planned
    ]  # fmt: skip
    output.result({"ways": every, "parts": plans})


def _asked(one: AskedSetting) -> dict[str, str | int | None]:
    return {"condition": one.condition, "wanted": one.setting.conditions[-1], "items": one.items, "why": one.why}


def _show_planned(one: PlannedPart) -> None:
    title = f"{one.name}: {one.part.title}"
    output.print(f"{title}: not to be made: {one.why_not}" if one.why_not else title, soft_wrap=True)
    for asked in one.asked if one.is_made else ():
        why = f": {asked.why}" if asked.why else ""
        what = f"{asked.condition}, {asked.items:,} items" if asked.condition else f"not {asked.setting.conditions[-1]}"
        output.print(f"  {what}{why}", soft_wrap=True)


@dataclass(slots=True)
class _Made:
    """What there is so far of a study, for terminal, page and file."""

    study: Study
    given: Given
    name: str  # in the paper's tables
    retry_failed: bool
    cells: list[Beside] = field(default_factory=list)
    shown: list[ShownPart] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return Path(self.given.values["out"])

    def make(self, one: PlannedPart) -> int:
        """One part; the exit status."""
        from safebench.bridges.paper.page import shown_jury

        status = 0
        if one.config:
            status = _run(one.name, one.config, retry_failed=self.retry_failed)
            self._add_run(one, one.config)
        elif one.labels:
            self.more[one.name] = _judge(self, one.labels, self.out / one.name)
            self.shown.append(shown_jury(one.name, one.part.title, self.more[one.name]))
        return status

    def _add_run(self, one: PlannedPart, config: RunConfig) -> None:
        from safebench.bridges.paper.cells import beside
        from safebench.bridges.paper.page import shown_part
        from safebench.bridges.paper.study import backbone_of
        from safebench.reports.report import report

        cells = beside(one, report(config.out).summary, self.name)
        part = shown_part(one, cells)
        if one.part.beside:
            behind = backbone_of(self.given.values["target"])
            part, self.more[one.name] = _paired(part, self.out / one.part.beside, self.out / one.name, behind)
        self.cells += cells
        self.shown.append(part)
        _show_part(part)

    def write(self, planned: Sequence[PlannedPart], *, html: bool) -> dict[str, Any]:
        """What is written."""
        from safebench.bridges.paper.cells import numbers
        from safebench.bridges.paper.page import not_reached, write_page
        from safebench.files import write_json

        planned = not_reached(planned, self.shown)
        not_made = {one.name: one.why_not for one in planned if one.why_not}
        result = {
            "study": self.study.title, "beside": self.name, "cells": numbers(self.cells),
            "not_made": not_made, **self.more,
        }  # fmt: skip
        written = [self.out / "paper.json"]
        write_json(written[0], result)
        if html:
            written.append(write_page(self.out / "paper.html", self.study.title, self.shown, planned))
        output.print(f"written: {', '.join(map(str, written))}", soft_wrap=True)
        return {"written": written, **result}


def _reproduce(
    study: Study, given: Given, planned: Sequence[PlannedPart], name: str, *, html: bool, retry_failed: bool
) -> int:
    """Part by part; where one fails, those before it are written."""
    made, status = _Made(study, given, name, retry_failed), 0
    try:
        for one in planned:
            _show_planned(one)
            status = max(status, made.make(one))
    except BaseException:
        if made.shown:
            made.write(planned, html=html)
        raise
    output.result(made.write(planned, html=html))
    return status


def _paired(part: ShownPart, beside: Path, own: Path, behind: str) -> tuple[ShownPart, Any]:
    """With the gap to the run beside it, of the target that is `behind` it, and that gap; where there is none the part
    says why.
    """
    from safebench.bridges.paper.page import paired, with_note
    from safebench.reports.comparison import compare

    try:
        compared = compare([beside, own])
    except BadInput as error:
        return with_note(part, f"not paired with {beside.name}: {error.problems[0]}"), []
    there = compared.runs[0].target
    if there != behind:
        return with_note(part, f"not paired with {beside.name}: {beside} is a run of {there}, and not of {behind}"), []
    return paired(part, compared), to_jsonable_python(compared.panels)


def _run(part: str, config: RunConfig, *, retry_failed: bool) -> int:
    """The exit status."""
    from safebench.runs.run import run

    with _bars() as bars:
        result = run(config, bars, retry_failed=retry_failed)
    for problem in result.problems:
        errors.print(f"exit status 1: {part}: {problem}", soft_wrap=True)
    return result.exit_status


def _judge(made: _Made, labels: LabelSet, out: Path) -> dict[str, Any]:
    """A calibration, whose file and calls are in that folder."""
    from safebench.bridges.paper.study import calibrated
    from safebench.cli.jury_tables import show_calibration

    with _bars() as bars:
        content = calibrated(made.study, made.given, labels, out, bars, retry_failed=made.retry_failed)
    show_calibration(output, content)
    return content


@contextmanager
def _bars() -> Iterator[Bars]:
    """Of one part. What goes on after an interrupt is the command for all of them."""
    from safebench.cli.progress import Bars

    try:
        with Bars(notes) as bars:
            yield bars
    except Interrupted as error:
        raise Interrupted(command_line(*sys.argv[1:])) from error


def _show_part(part: ShownPart) -> None:
    for note in part.notes:
        output.print(f"note: {note}", soft_wrap=True)
    for one in part.tables:
        name, *heads = (WRAPPED.get(head, head) for head in one.heads)
        table = plain_table(Column(name, overflow="fold"), *figures(*heads))
        for row in one.rows:
            table.add_row(*row)
        output.print(one.caption, style="bold", soft_wrap=True)
        output.print(table)
