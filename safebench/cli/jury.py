"""`safebench jury …`: the shipped juries, and how often a jury is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safebench.cli.data import Encoding
from safebench.cli.options import Concurrency, EstimateOnly, MaxCalls, MaxCost, PricesFile, RetryCalls, notes, output

app = typer.Typer(no_args_is_help=True, help="Juries: those that are shipped, and how often one is right.")

JuryModels = Annotated[
    list[str] | None,
    typer.Option("--jury-model", help="For jurors that name no model: one for all, or one each."),
]

OutFile = Annotated[Path, typer.Option(help="The calibration file; its calls are kept beside it.")]


@app.command("list")
def jury_list() -> None:
    """List the shipped juries."""
    from safebench.jury.files import jury_path
    from safebench.resources import shipped

    rows = []
    for name in shipped("juries"):
        summary = jury_path(name).read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        rows.append({"name": name, "summary": summary})
        output.print(f"{name:12} {summary}", soft_wrap=True, highlight=False)
    output.result({"juries": rows})


@app.command("show")
def jury_show(name: Annotated[str, typer.Argument(help="A name of `safebench jury list`.")]) -> None:
    """Print a jury file, to be copied: safebench jury show paper > mine.toml."""
    from safebench.jury.files import jury_path

    output.copy(jury_path(name).read_text(encoding="utf-8"))


@app.command("calibrate")
def jury_calibrate(
    labels: Annotated[Path, typer.Argument(help="Table with columns query, answer, label.")],
    jury: Annotated[str, typer.Option(help="A name of `safebench jury list`, or a jury file (TOML).")],
    jury_model: JuryModels = None,
    out: OutFile = Path("calibration.json"),
    positive: Annotated[str, typer.Option(help="The label in question, told from all others.")] = "unsafe",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="VALUE=LABEL, for labels that are called otherwise.")
    ] = None,
    query_column: Annotated[str | None, typer.Option(help="Column of the query, if not found by name.")] = None,
    answer_column: Annotated[str | None, typer.Option(help="Column of the answer.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of the label.")] = None,
    encoding: Encoding = None,
    seed: Annotated[int, typer.Option(min=0, help="Of shuffles and bootstrap draws.")] = 0,
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 2000,
    concurrency: Concurrency = "auto",
    retry_failed: RetryCalls = False,
    prices: PricesFile = None,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    dry_run: EstimateOnly = False,
) -> int:
    """Measure how often a jury is right, on answers that people labelled."""
    from safebench.cli.dry_run import show_only_estimate
    from safebench.cli.jury_tables import show_calibration
    from safebench.cli.progress import Bars
    from safebench.jury.calibration.calibrate import calibrate
    from safebench.jury.calibration.judging import estimate_calibration
    from safebench.jury.calibration.labels import read_labels
    from safebench.jury.files import build_jury, read_jury
    from safebench.models.calls import CallLimits
    from safebench.models.prices import read_prices

    named = {"query": query_column, "answer": answer_column, "label": label_column}
    labelled = read_labels(labels, named, mapping or [], encoding)
    if dry_run:
        opened = build_jury(read_jury(jury, jury_model or []), seed)
        return show_only_estimate(estimate_calibration(labelled.rows, opened, read_prices(prices)))
    with Bars(notes) as bars:
        for line in labelled.notes:
            bars.warned(line)
        content = calibrate(
            labelled,
            jury,
            out,
            models=jury_model or [],
            positive=positive,
            seed=seed,
            draws=draws,
            concurrency=concurrency,
            retry_failed=retry_failed,
            progress=bars,
            limits=CallLimits(max_calls, cost=max_cost),
            prices=prices,
        )
    show_calibration(output, content)
    output.print(f"calibration: {out}", soft_wrap=True, highlight=False)
    output.result({"file": out, **content})
    return 0
