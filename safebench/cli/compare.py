"""`safebench compare`, `leaderboard` and `export`: finished runs beside each other, and taken to other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safebench.cli.options import CalibrationFile, output
from safebench.cli.style import show_lines

if TYPE_CHECKING:
    from rich.table import Table

    from safebench.bridges.paper.scaling import Scaling
    from safebench.reports.comparison import Compared
    from safebench.reports.finished_run import FinishedRun
    from safebench.reports.splitting import ModelSplit
    from safebench.reports.words import Words


Runs = Annotated[list[Path], typer.Argument(help="Folders of runs.")]
PageFile = Annotated[Path | None, typer.Option("--html", help="Write a page, too: the file to write.")]


def compare(
    runs: Runs,
    html: PageFile = None,
    margin: Annotated[float, typer.Option(help="Largest difference of rates that counts as none.")] = 0.05,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    ability: Annotated[
        Path | None,
        typer.Option(help="A score of each model, to set rates beside: a table of yours, `model` and `score`."),
    ] = None,
) -> None:
    """Compare targets or conditions over the same queries; refuse where data, jury or prompts differ.

    Beside the run of a cascade, a model's modality gap is split into what was misheard and the rest. Rates stand
    against the models' parameters where two sizes are known, and against their ability where you bring it.
    """
    from safebench.bridges.paper.scaling import ABOUT, read_scores, scalings
    from safebench.reports.comparison import compare, numbers
    from safebench.statistics.gap import GapSettings

    _check_packages(html)
    scores = read_scores(ability) if ability else None
    compared = compare(runs, GapSettings(margin, draws, seed))
    scaled = scalings(compared, scores)
    _show_compared(compared)
    for one in scaled:
        _show_scaling(one, compared.words)
    if html:
        from safebench.reports.pages.runs_pages import write_comparison

        output.print(f"written: {write_comparison(html, compared, scaled, ABOUT)}", soft_wrap=True)
    output.result({**numbers(compared), "scalings": scaled})


def leaderboard(runs: Runs, html: PageFile = None) -> None:
    """Many runs and the published tables, grouped by what can be compared."""
    from safebench.reports.formats import decimal, doubted, percent, percents
    from safebench.reports.leaderboard import rankings

    _check_packages(html)
    ranked = rankings(runs)
    for number, ranking in enumerate(ranked, start=1):
        output.print(f"Group {number}: same data, jury and prompts. {ranking.about}", style="bold")
        words = ranking.words
        rates = ("harmful,\ndecided", words.asr_head, "95 %\ninterval", "bounds", words.sri, "over-\nrefusal")
        table = _table("run", "target", "condition", *rates)
        for row in ranking.rows:
            cell = row.cell
            table.add_row(
                row.run.name,
                row.run.target,
                cell.condition,
                f"{cell.precision.asr.n} of {row.harmful}",
                doubted(percent(cell.asr), cell),
                percents(cell.shown_ci95),
                percents((cell.asr_low, cell.asr_high)),
                decimal(cell.sri, 1),
                percent(cell.over_refusal),
            )
        output.print(table)
        show_lines(output, ranking.unranked, style="bold yellow", soft_wrap=True)
    _notices([run for ranking in ranked for run in ranking.runs])
    for note in dict.fromkeys(ranking.words.sri_note for ranking in ranked):
        output.print(note, style="dim")
    output.print("published numbers, from other queries and another jury: see `safebench published show`", style="dim")
    if html:
        from safebench.reports.pages.runs_pages import write_leaderboard

        output.print(f"written: {write_leaderboard(html, ranked)}", soft_wrap=True)


def _check_packages(html: Path | None) -> None:
    if html:
        from safebench.reports.pages.html import require_packages

        require_packages()


def _show_compared(compared: Compared) -> None:
    from safebench.cli.gap_tables import NOTES, gap_table

    words = compared.words
    for name, run in zip(compared.names, compared.runs, strict=True):
        output.print(f"{name}: {run.name}, target {run.target}", highlight=False)
    for panel in compared.panels:
        reference = panel.columns[0].name
        output.print(f"{panel.title}: gap to {reference}, in points; {words.worse}", style="bold")
        output.print(gap_table(panel.gaps, compared.settings.margin, words, narrow=output.width < 120))
        for intent, common in panel.common.items():
            rates = ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in common.rates.items())
            output.print(f"{intent}, {common.n} items decided under all: {rates or '–'}", highlight=False)
        if panel.order:
            order = f"{words.order}: {', '.join(panel.order)} (neighbours without a shown gap: no order)"
            output.print(order, highlight=False)
        for name, reason in panel.unranked.items():
            output.print(f"{name} is not concludable, so not ranked: {reason}", style="bold yellow", soft_wrap=True)
    for split in compared.splits:
        _show_split(split, compared)
    output.print(NOTES, style="dim")
    for condition in compared.left_out:
        output.print(f"only one run has {condition}: not compared", style="yellow")
    _notices(compared.runs)


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    to: Annotated[str, typer.Option(metavar="NAME[:WHERE]", help="An exporter of `safebench list exporters`.")],
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Of the exporter; may be given several times.")
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Queries, answers and media leave this machine, too: harmful ones.")
    ] = False,
    calibration: CalibrationFile = None,
) -> None:
    """Take a run's results to where your team keeps them: MLflow, OpenTelemetry, Hugging Face, or a plug-in."""
    from safebench.bridges.exporting import export
    from safebench.cli.run import with_options

    options = with_options({}, option or [], "--option")
    came_of_it = export(run, to, options=options, with_texts=with_texts, calibration=calibration)
    output.print(came_of_it, soft_wrap=True, highlight=False)


def _show_scaling(scaling: Scaling, words: Words) -> None:
    from safebench.cli.style import figures, plain_table
    from safebench.reports.formats import percent, percents

    output.print(f"{scaling.condition}: {words.asr} against {scaling.axis}", style="bold")
    table = plain_table("name", *figures(scaling.axis, "decided", words.asr, "95 % interval"))
    for point in scaling.points:
        rate = f"({percent(point.rate)})" if point.is_open else percent(point.rate)
        table.add_row(point.name, f"{point.x:g}", str(point.decided), rate, percents(point.ci95))
    output.print(table)
    output.print(scaling.line, soft_wrap=True, highlight=False)
    if scaling.lacking:
        output.print(f"left out, as it is not known: {', '.join(scaling.lacking)}", highlight=False)


def _show_split(split: ModelSplit, compared: Compared) -> None:
    from dataclasses import replace

    from safebench.cli.gap_tables import gap_table
    from safebench.reports.splitting import SPLIT_NOTE, split_lines

    model, cascade, text = (compared.names[run] for run in (split.model, split.cascade, split.text))
    about = f"{split.condition}: where the gap of {model} to text (of {text}) comes from, by the cascade {cascade}"
    output.print(f"{about}; {compared.words.worse}", style="bold")
    rows = [replace(row, condition=part) for one in split.splits for part, row in one.parts.items()]
    output.print(gap_table(rows, compared.settings.margin, compared.words, narrow=output.width < 120))
    show_lines(output, split_lines(split), highlight=False, soft_wrap=True)
    output.print(SPLIT_NOTE, style="dim")


def _notices(runs: list[FinishedRun] | tuple[FinishedRun, ...]) -> None:
    for run in runs:
        if run.pending:
            output.print(f"unfinished: {run.name}, {run.pending} items have no outcome yet", style="yellow")
    for notice in dict.fromkeys(run.notice for run in runs if run.notice):
        output.print(notice, style="bold yellow")


def _table(*heads: str) -> Table:
    from rich.table import Column

    from safebench.cli.style import figures, plain_table

    return plain_table(*(Column(head, overflow="fold") for head in heads[:3]), *figures(*heads[3:], overflow="fold"))
