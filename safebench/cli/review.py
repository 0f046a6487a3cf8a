"""`safebench review`: labels from people, on a page or in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from safebench.cli.data import Encoding
from safebench.cli.options import errors, output
from safebench.cli.style import figures, plain_table
from safebench.stopping import command_line

if TYPE_CHECKING:
    from safebench.review.labels import Agreements
    from safebench.review.serve import Opened


class RunFirst(TyperGroup):
    """`review RUN` is `review serve RUN`: what is no command here is a run's folder, or an option of `serve`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        serves = args and args[0] not in {*self.commands, "--help"}
        return super().parse_args(ctx, ["serve", *args] if serves else args)


app = typer.Typer(
    cls=RunFirst,
    no_args_is_help=True,
    subcommand_metavar="RUN | COMMAND [ARGS]...",
    help="Labels from people, to measure a jury against. `safebench review RUN` opens a page to give them on.",
)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
SampleSize = Annotated[int, typer.Option(min=1, help="Answers to draw, over all conditions and outcomes.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the draw.")]


@app.command()
def serve(
    run: Run,
    sample: SampleSize = 100,
    seed: Seed = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free one.")] = 0,
) -> None:
    """Label a sample of the answers in the browser, until Ctrl-C; the same as `safebench review RUN`."""
    from safebench.review.serve import review

    saved = review(run, sample, seed, port, _show_opened)
    people = ", ".join(f"{name} {count}" for name, count in sorted(saved.items()))
    lines = [f"{saved.total()} labels saved in {run / 'run.db'}" + (f": {people}" if people else "")]
    lines.append(f"Continue with  {command_line('review', run, '--sample', sample, '--seed', seed)}")
    if saved:
        lines.append(f"Use them with  {command_line('review', 'labels', run, '--out', 'labels.csv')}")
        lines.append(f"               {command_line('jury', 'calibrate', 'labels.csv', '--jury', 'JURY')}")
    _print_lines(lines)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="New folder for the reviewer.")],
    sample: SampleSize = 100,
    seed: Seed = 0,
) -> None:
    """Draw judged answers and write a sheet with the media beside it, without the verdicts."""
    from safebench.review.sample import SHEET, export

    made = export(run, out, sample, seed)
    drawn = f"{len(made.answers)} of {made.judged} judged answers, from {made.strata} strata (condition and outcome)"
    output.print(f"{drawn}: {out / SHEET}", soft_wrap=True, highlight=False)


@app.command("import")
def import_(
    run: Run,
    sheet: Annotated[Path, typer.Argument(help="The sheet with labels, saved as CSV.")],
    reviewer: Annotated[str, typer.Option(help="Who gave the labels; a pseudonym will do.")],
    encoding: Encoding = None,
) -> None:
    """Check a sheet with labels, keep them in the run, and show how far people and jury agree."""
    from safebench.review.labels import import_reviews

    imported = import_reviews(run, sheet, reviewer, encoding)
    kept = f"{imported.kept} labels kept, {imported.abstained} of them abstentions; {imported.empty} cells still empty"
    output.print(kept, highlight=False)
    _show(imported.agreements)


@app.command()
def labels(run: Run, out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("labels.csv")) -> None:
    """Write all labels from people as a file to calibrate a jury with, and show how far people and jury agree."""
    from safebench.review.labels import agreements, write_labels
    from safebench.store.store import Store

    output.print(f"{write_labels(run, out)} labels: {out}", soft_wrap=True, highlight=False)
    with Store(run, readonly=True) as store:
        _show(agreements(store))


def _show_opened(opened: Opened) -> None:
    sample = opened.sample
    says = [f"{len(sample.answers)} of {sample.judged} judged answers, from {sample.strata} strata"]
    if opened.pending:
        says.append(f"The run is not finished: the sample has none of the {opened.pending} items without an outcome.")
    says.append(f"Open {opened.url}")
    says.append("The address is the key: whoever has it can read and label. Every label is saved at once; Ctrl-C ends.")
    _print_lines(says)


def _print_lines(says: list[str]) -> None:
    """At once, also where a document is to come at the end: a person waits for the address."""
    (errors if output.is_json else output).print("\n".join(says), soft_wrap=True, highlight=False)


def _show(agreements: Agreements) -> None:
    table = plain_table("annotators", *figures("answers", "same label", "κ", "κ, unsafe\nor not"))
    for pair in agreements.pairs:
        numbers = [pair.same, pair.kappa, pair.kappa_unsafe]
        table.add_row(f"{pair.first} – {pair.second}", str(pair.n), *map(_number, numbers))
    output.print(table)
    output.print(f"Krippendorff's α among people: {_number(agreements.alpha)}", highlight=False)
    if agreements.unjudged:
        output.print(f"on {agreements.unjudged} of the answers the jury has no verdict", highlight=False)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
