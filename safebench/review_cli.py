"""`safebench review`: labels from people, out to a spreadsheet and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from safebench.review_labels import Reviews

app = typer.Typer(no_args_is_help=True, help="Labels from people, to measure a jury against.")
output = Console()

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="New folder for the reviewer.")],
    sample: Annotated[int, typer.Option(min=1, help="Answers to draw, over all conditions and outcomes.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
) -> None:
    """Draw judged answers and write a sheet with the media beside it, without the verdicts."""
    from safebench.review import SHEET, export

    made = export(run, out, sample, seed)
    told = f"{made.answers} of {made.judged} judged answers, from {made.strata} strata (condition and outcome)"
    output.print(f"{told}: {escape(str(out / SHEET))}", soft_wrap=True, highlight=False)


@app.command("import")
def import_(
    run: Run,
    sheet: Annotated[Path, typer.Argument(help="The sheet with labels, saved as CSV.")],
    reviewer: Annotated[str, typer.Option(help="Who gave the labels; a pseudonym will do.")],
) -> None:
    """Check a sheet with labels, keep them in the run, and show how far people and jury agree."""
    from safebench.review_labels import import_reviews

    _show(import_reviews(run, sheet, reviewer))


@app.command()
def labels(run: Run, out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("labels.csv")) -> None:
    """Write all labels from people as a file to calibrate a jury with."""
    from safebench.review_labels import write_labels

    output.print(f"{write_labels(run, out)} labels: {escape(str(out))}", soft_wrap=True, highlight=False)


def _show(found: Reviews) -> None:
    output.print(
        f"{found.kept} labels kept, {found.abstained} of them abstentions; {found.empty} cells still empty",
        highlight=False,
    )
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("annotators")
    for head in ("answers", "same label", "κ", "κ, unsafe\nor not"):
        table.add_column(head, justify="right", no_wrap=True)
    for pair in found.pairs:
        numbers = [pair.same, pair.kappa, pair.kappa_unsafe]
        table.add_row(escape(f"{pair.first} – {pair.second}"), str(pair.n), *map(_number, numbers))
    output.print(table)
    output.print(f"Krippendorff's α among people: {_number(found.alpha)}", highlight=False)
    if found.unjudged:
        output.print(f"on {found.unjudged} of the answers the jury has no verdict", highlight=False)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
