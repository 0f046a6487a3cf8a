"""Commands that make a whole out of what is there: `safebench rejudge` and `merge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safebench.cli import options
from safebench.cli.jury import JuryModels
from safebench.cli.options import errors, notes, output
from safebench.files import keep_private

if TYPE_CHECKING:
    from safebench.reports.words import Words
    from safebench.runs.rejudge import Rejudged


def rejudge(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option(help="Folder of the new run; the same again continues it.")],
    jury: Annotated[str, typer.Option(help="A name of `safebench jury list`, or a jury file (TOML).")],
    jury_model: JuryModels = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the jury's draws; the run's own if not given.")] = None,
    concurrency: options.Concurrency = None,
    max_open: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of open items that is still exit 0; else the run's own.")
    ] = None,
    allow_unproven: options.AllowUnproven = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask jurors again whose calls failed, and judge those answers anew.")
    ] = False,
    private: options.Private = False,
    prices: options.PricesFile = None,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
    dry_run: options.EstimateOnly = False,
) -> int:
    """Judge the answers of a run again, by another jury or another seed; the target is not asked."""
    from safebench.cli.dry_run import show_only_estimate
    from safebench.cli.jury_tables import show_jury
    from safebench.cli.progress import Bars
    from safebench.cli.run_tables import show_report
    from safebench.jury.attendance import MEND, missing
    from safebench.models.calls import CallLimits
    from safebench.reports.report import report
    from safebench.reports.words import knows_harm, words_of
    from safebench.runs.folder import read_run_file
    from safebench.runs.rejudge import estimate_rejudging, rejudge

    if dry_run:
        return show_only_estimate(estimate_rejudging(run, out, jury, jury_model or [], prices))
    if private:
        keep_private(out)
    with Bars(notes) as bars:
        judged = rejudge(
            run, out, jury, models=jury_model or [], seed=seed, concurrency=concurrency, progress=bars,
            retry_failed=retry_failed, limits=CallLimits(max_calls, cost=max_cost), prices=prices,
        )  # fmt: skip
    summary = report(out).summary
    show_report(output, summary)
    show_jury(output, summary.jury)
    _show(judged, words_of(knows_harm=knows_harm(read_run_file(run)["jury"])), summary.words)
    problems = [f"{line}: {MEND}" for line in missing(summary.jury.jurors)]
    if judged.open_share > (judged.max_open if max_open is None else max_open):
        problems.insert(0, f"{100 * judged.open_share:.1f} % of the items are open (see --max-open)")
    if not allow_unproven:
        problems += judged.unproven
    output.result({"folder": out, "problems": problems, "summary": summary})
    for problem in problems:
        errors.print(f"exit status 1: {problem}", soft_wrap=True)
    return int(bool(problems))


def _show(judged: Rejudged, old: Words, new: Words) -> None:
    """What the verdicts of one jury became, in its words, before another, in its own."""
    total = judged.moves.total()
    moved = {move: n for move, n in judged.moves.items() if move[0] != move[1]}
    kappa = "–" if judged.kappa is None else f"{judged.kappa:.2f}"
    output.print(f"judged again: {total} answers, {sum(moved.values())} with another outcome (κ {kappa})", style="bold")
    for (before, now), n in sorted(moved.items(), key=lambda move: -move[1]):
        output.print(f"  {n:5} {old.called(before)} → {new.called(now)}", highlight=False)
    if judged.variance is not None:
        output.print(f"variance of {new.event} between the two verdicts: {judged.variance:.4f}", highlight=False)
    output.print(f"results: {judged.folder}", soft_wrap=True)


def merge(
    out: Annotated[Path, typer.Argument(help="Folder of the whole.")],
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD…", help="Folders of all shards of one whole.")],
) -> int:
    """Put shards together, those of `safebench run` or `convert --shard N/M`: the same as if nobody had cut it."""
    from safebench.datasets.merging import merge_conversion
    from safebench.datasets.shards import CONVERT_FILE
    from safebench.runs.config import RUN_FILE
    from safebench.runs.merge import merge
    from safebench.stopping import command_line

    if (shards[0] / CONVERT_FILE).is_file():
        queries = merge_conversion(out, shards)
        output.print(f"{out}: {queries} queries of {len(shards)} shards (use it with --data {out})", soft_wrap=True)
        return 0
    merged = merge(out, shards)
    output.print(f"{merged.folder}: {merged.items} items of {len(shards)} shards", soft_wrap=True)
    if merged.pending:
        command = command_line("run", out / RUN_FILE)
        errors.print(f"exit status 1: {merged.pending} items have no outcome yet: {command}", soft_wrap=True)
    output.print(f"next: {command_line('report', out)}", soft_wrap=True)
    return int(bool(merged.pending))
