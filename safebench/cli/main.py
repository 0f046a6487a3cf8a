"""The command line: a thin layer that turns arguments into calls of the Python API and errors into one clear line.

Exit status 0: done; 1: done, but a cell was skipped or too many items stayed open; 2: bad input, or it could not be
done; 130: interrupted.
"""

from __future__ import annotations

import errno
import sqlite3
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from safebench import __version__, skeleton_cli
from safebench.cli import compare as comparing_cli
from safebench.cli import data as data_cli
from safebench.cli import generate as generating_cli
from safebench.cli import published as published_cli
from safebench.cli import rejudge as rejudging_cli
from safebench.cli import review as review_cli
from safebench.cli.data import TextColumn
from safebench.cli.jury import JuryModels, jury_app
from safebench.errors import BadInput, Interrupted, SafeBenchError, TargetRefusesService

if TYPE_CHECKING:
    from safebench.runs.run import RunResult

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure how safely a multimodal model behaves, as text, as images and as speech.",
)
app.add_typer(data_cli.app, name="data")
app.add_typer(published_cli.app, name="published")
app.add_typer(review_cli.app, name="review")
app.add_typer(jury_app, name="jury")
app.command()(skeleton_cli.new)
app.command()(rejudging_cli.rejudge)
app.command()(generating_cli.generate)
app.command()(comparing_cli.compare)
app.command()(comparing_cli.leaderboard)

KEPT = "everything so far is kept: mend it and give the same command again"
GOING_ON = ("run", "quickstart", "convert", "rejudge", "generate", "jury calibrate")  # commands that continue
output = Console()
errors = Console(stderr=True)

Conditions = Annotated[
    list[str] | None, typer.Option("--condition", "-c", help="medium[+text][:recipe]; may be given several times.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N queries.")]
WorkerCount = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes that render; one per core if not given.")
]
RecipesFile = Annotated[Path | None, typer.Option(help="A recipes file of your own.")]
CalibrationFile = Annotated[
    Path | None, typer.Option(help="File of `safebench jury calibrate`, to correct the ASR with.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of everything that is drawn at random.")]
Recognisers = Annotated[
    list[str] | None, typer.Option("--recogniser", help="NAME[:ARGUMENT] that reads or hears renderings back.")
]
CheckShare = Annotated[float | None, typer.Option(min=0, max=1, help="Share of renderings whose fidelity is checked.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        output.print(f"safebench {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What stands before every command."""


def main() -> None:
    """Entry point of the `safebench` command."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """The exit status of one command."""
    try:
        status = app(arguments, standalone_mode=False, prog_name="safebench")
    except typer.TyperException as error:
        return _fail(_usage_message(error), "see `safebench --help`")
    except Interrupted as error:
        errors.print(
            f"interrupted; everything so far is kept. Continue with:\n  {escape(error.command)}", soft_wrap=True
        )
        return 130
    except (KeyboardInterrupt, typer.Abort):
        errors.print("interrupted")
        return 130
    except Exception as error:  # noqa: BLE001  Python's own exit status would say that it was done
        message, hint = _explained(error)
        return _fail(message, hint if _goes_on(arguments) else None)
    return status if isinstance(status, int) else 0


def _goes_on(arguments: list[str]) -> bool:
    """Whether the same command again would go on: others, which only read, keep nothing."""
    return bool(arguments) and (arguments[0] in GOING_ON or " ".join(arguments[:2]) in GOING_ON)


def _explained(error: Exception) -> tuple[str, str | None]:
    """One clear line, and what to do. What nobody has foreseen is shown with its traceback."""
    if isinstance(error, SafeBenchError):
        return str(error), KEPT if isinstance(error, TargetRefusesService) else None
    if isinstance(error, OSError):
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        return f"{error.filename or 'system'}: {error.strerror or error}", KEPT if is_full else None
    if isinstance(error, sqlite3.Error):
        return f"database: {error}", KEPT
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}: {error}", KEPT


def _usage_message(error: typer.TyperException) -> str:
    format_message = getattr(error, "format_message", error.__str__)
    return str(format_message())


def _fail(message: str, hint: str | None = None) -> int:
    for line in message.splitlines():
        errors.print(f"[bold red]error:[/] {escape(line)}", soft_wrap=True, highlight=False)
    if hint:
        errors.print(escape(hint), highlight=False)
    return 2


@app.command()
def quickstart(
    condition: Conditions = None,
    full: Annotated[bool, typer.Option("--full", help="All 230 starter queries, not only 46.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/quickstart"),
    workers: WorkerCount = None,
) -> int:
    """Run the whole pipeline offline: starter set, embedded renderers, reference target, embedded jury."""
    from safebench.runs.quickstart import quickstart_config

    return _run_and_show(quickstart_config(condition, out, full=full, workers=workers), retry_failed=False)


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="A run file or a shipped study; options win.")] = None,
    data: Annotated[
        str | None, typer.Option(help="Built-in name, CSV, JSONL or Parquet file, or converted folder.")
    ] = None,
    condition: Conditions = None,
    target: Annotated[
        str | None, typer.Option(help="openai:MODEL, transformers:MODEL, … or a name of `safebench list targets`.")
    ] = None,
    jury: Annotated[
        str | None,
        typer.Option(help="A name of `safebench jury list`, or a jury file; `embedded` if not given: no idea of harm."),
    ] = None,
    jury_model: JuryModels = None,
    calibration: CalibrationFile = None,
    out: Annotated[str | None, typer.Option(help="Folder of the run; the same again continues it.")] = None,
    limit: Limit = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Times that every item is asked.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls in flight at once.")] = None,
    family: Annotated[str | None, typer.Option(help="Of the target's endpoint: `safebench list families`.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Of the target's endpoint; else OPENAI_BASE_URL.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Variable that holds the target's key.")] = None,
    accepts: Annotated[str | None, typer.Option(help="Media that the target takes, e.g. text,image.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds for one attempt.")] = None,
    retries: Annotated[int | None, typer.Option(min=0, help="Further attempts after a failed one.")] = None,
    text_column: TextColumn = None,
    recipes: RecipesFile = None,
    seed: Seed = None,
    check_share: CheckShare = None,
    recogniser: Recognisers = None,
    workers: WorkerCount = None,
    probe: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the rendered items that the target has to repeat.")
    ] = None,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Do not try whether media arrive.")] = False,
    max_open: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of open items that is still exit 0.")
    ] = None,
    allow_skips: Annotated[bool, typer.Option("--allow-skips", help="Exit 0 though cells were skipped.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed: calls, renderings, transcripts.")
    ] = False,
) -> int:
    """Put queries to a target under several conditions and let a jury judge the answers."""
    from safebench.runs.config import make_config, read_toml

    given: dict[str, Any] = {
        "data": data, "conditions": condition, "target": target, "jury": jury, "out": out, "limit": limit,
        "jury_models": jury_model, "calibration": str(calibration) if calibration else None,
        "repeats": repeats, "seed": seed, "concurrency": concurrency, "base_url": base_url, "timeout": timeout,
        "family": family,
        "api_key_env": api_key_env, "retries": retries, "text_column": text_column, "check_share": check_share,
        "recipes": str(recipes) if recipes else None, "workers": workers, "max_open": max_open,
        "recognisers": recogniser, "probe": probe, "preflight": False if no_preflight else None,
        "allow_skips": allow_skips or None, "accepts": accepts.split(",") if accepts else None,
    }  # fmt: skip
    read = read_toml(_run_file(config)) if config else {}
    values = read | {key: value for key, value in given.items() if value is not None and value != []}
    missing = [f"--{_option(key)}" for key in ("data", "conditions", "target", "out") if key not in values]
    if missing:
        raise typer.BadParameter(f"missing {', '.join(missing)} (or a run file that says it)")
    return _run_and_show(make_config(str(config or "command line"), **values), retry_failed=retry_failed)


def _run_file(config: Path) -> Path:
    """The file itself, or the shipped study of that name."""
    from safebench.resources import data_path

    study = data_path(f"studies/{config.name}.toml")
    return study if not config.exists() and len(config.parts) == 1 and study.is_file() else config


def _option(key: str) -> str:
    return "condition" if key == "conditions" else key.replace("_", "-")


def _run_and_show(config: Any, *, retry_failed: bool) -> int:
    from safebench.cli.run_tables import Bars
    from safebench.reports.summary import report
    from safebench.runs.run import run

    with Bars(errors) as bars:
        result = run(config, bars, retry_failed=retry_failed)
    _show(report(result.folder, config.calibration).summary)
    _closing_lines(result)
    return result.exit_status


def _show(summary: dict[str, Any]) -> None:
    from safebench.cli.calibration_tables import show_corrected
    from safebench.cli.run_tables import show_report
    from safebench.jury.record import show_jury

    show_report(output, summary)
    show_corrected(output, summary)
    show_jury(output, summary["jury"])


def _closing_lines(result: RunResult) -> None:
    output.print(f"results: {escape(str(result.folder))} (summary.json, items.parquet, run.toml, run.db, media/)")
    if result.exit_status:
        why = f"{100 * result.open_share:.1f} % of the items are open" + (
            "; cells were skipped" if result.skipped else ""
        )
        errors.print(f"exit status 1: {why} (see --max-open and --allow-skips)")


@app.command()
def convert(
    data: Annotated[str, typer.Argument(help="Built-in name or file of queries.")],
    condition: Conditions = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new data set.")] = None,
    limit: Limit = None,
    workers: WorkerCount = None,
    text_column: TextColumn = None,
    recipes: RecipesFile = None,
    seed: Seed = None,
    check_share: CheckShare = None,
    recogniser: Recognisers = None,
    max_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of failed renderings that is still exit 0.")
    ] = 0.05,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Render again what ended in an error; all else stays.")
    ] = False,
) -> int:
    """Turn queries into media, check every one, and pack them as a data set that others can load."""
    from safebench.cli.conversion_tables import show_conversion
    from safebench.cli.run_tables import Bars
    from safebench.datasets.conversion import convert

    missing = [name for name, value in (("--condition", condition), ("--out", out)) if not value]
    if missing or out is None:
        raise typer.BadParameter(f"missing {', '.join(missing)}")
    with Bars(errors) as bars:
        conversion = convert(
            data, condition or [], out, text_column=text_column, limit=limit, recipes=recipes, workers=workers,
            seed=seed or 0, check_share=1.0 if check_share is None else check_share, recognisers=recogniser or [],
            retry_failed=retry_failed,
            started=bars.plan,
            rendered=lambda name, rendering: bars.advance(name, is_open=not rendering.faithful),
        )  # fmt: skip
    show_conversion(output, conversion)
    output.print(f"data set: {escape(str(out))} (use it with --data {escape(str(out))})")
    if conversion.failed_share > max_failed:
        told = f"{100 * conversion.failed_share:.1f} % of the renderings failed"
        errors.print(f"exit status 1: {told} (see --max-failed and --retry-failed)")
        return 1
    return 0


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, or a log of `inspect eval safebench/run`.")],
    margin: Annotated[float, typer.Option(help="Largest difference of rates that counts as none.")] = 0.05,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 2000,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the draws; the run's own if not given.")] = None,
    calibration: CalibrationFile = None,
    html: Annotated[bool, typer.Option("--html", help="Write report.html, too: a page for the browser.")] = False,
    embed: Annotated[float, typer.Option(min=0, metavar="MB", help="MB of media to put inside the page.")] = 0,
    redact: Annotated[bool, typer.Option("--redact", help="Leave out of the page all that a model said.")] = False,
) -> None:
    """Show a run's tables and write summary.json and items.parquet, and a page with --html."""
    from safebench.inspect_bridge.log import report_log
    from safebench.reports.summary import report

    if html and folder.is_file():
        raise BadInput(f"{folder} is a file: --html needs the folder of a run, and a log of Inspect has no page")
    if html:
        from safebench.reports.pages.html import require_packages

        require_packages()
    elif embed or redact:
        raise typer.BadParameter("--embed and --redact are about the page: add --html")
    found = (report_log if folder.is_file() else report)(folder, calibration, margin=margin, draws=draws, seed=seed)
    _show(found.summary)
    written = [found.folder / "summary.json", found.folder / "items.parquet"]
    if html:
        from safebench.reports.pages.run_page import write_page

        written.append(write_page(found.folder, found.summary, embed=embed, redact=redact))
    output.print(f"written: {escape(', '.join(map(str, written)))}")


class Listed(StrEnum):
    converters = "converters"
    families = "families"
    recipes = "recipes"
    modalities = "modalities"
    recognisers = "recognisers"
    targets = "targets"
    jurors = "jurors"


@app.command("list")
def list_(what: Annotated[Listed, typer.Argument(help="Kind of plug-in.")]) -> None:
    """List plug-ins and recipes, ours and third parties', models and families of endpoints."""
    from safebench.cli.doctor import show

    show(what.value, output)


@app.command()
def doctor() -> int:
    """Show what is installed, what works, and the exact command for what is missing."""
    from safebench.cli.doctor import examine

    table, healthy = examine()
    output.print(table)
    return 0 if healthy else 1
