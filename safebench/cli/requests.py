"""`safebench requests`: what a run has still to ask, as files for a batch service, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safebench.cli.options import errors, notes, output
from safebench.cli.run import in_its_folder, run_file
from safebench.cli.style import listing
from safebench.stopping import command_line

if TYPE_CHECKING:
    from safebench.runs.batches import SentBatch
    from safebench.runs.config import RunConfig
    from safebench.runs.requests import ExportedRequests, ImportedReplies

SHOWN = 20  # problems

app = typer.Typer(
    no_args_is_help=True,
    help="A run by a batch service: export what is to be asked, import what comes back, round after round.",
)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or a run file: then the run begins.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed, too.")]


@app.command("export")
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    retry_failed: RetryFailed = False,
) -> int:
    """Write what is still to be asked: JSONL in the form of the endpoint's batches, files for each model."""
    from safebench.cli.progress import Bars
    from safebench.runs.requests import export_requests

    config, command = config_of(run), command_line("requests", "export", run, "--out", out)
    with Bars(notes) as bars:
        exported = export_requests(config, out, bars, retry_failed=retry_failed, command=command)
    _show_files(exported)
    if exported.away:
        output.print(_away(exported.away, config), soft_wrap=True)
    if exported.files:
        going_on = command_line("requests", "import", config.out, "FOLDER")
        output.print(f"next, with what came back: {going_on}", soft_wrap=True)
    return _problems([exported.stopped] if exported.stopped else [])


@app.command("import")
def import_(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Of output and error files (*.jsonl), or one of them.", exists=True)],
) -> int:
    """Take what a batch service, or `vllm run-batch`, answered; twice, and in any order, does no harm."""
    from safebench.cli.progress import Bars
    from safebench.runs.requests import import_replies
    from safebench.targets.batch_files import ReplyFiles

    config, command = config_of(run), command_line("requests", "import", run, folder)
    with Bars(notes) as bars:
        imported = import_replies(config, ReplyFiles.inside(folder), bars, command=command)
    return show_imported(imported, config, "export", "--out", "NEW_FOLDER")


def config_of(run: Path) -> RunConfig:
    """Of the run in a folder, or of a run file."""
    from safebench.runs.config import RUN_FILE, make_config

    file = run / RUN_FILE if run.is_dir() else run_file(run)
    return make_config(str(file), **in_its_folder(file))


def _show_files(exported: ExportedRequests) -> None:
    output.result({key: getattr(exported, key) for key in ("files", "away", "pending", "stopped")})
    if not exported.files:
        items = f"{exported.pending} items have no outcome yet" if exported.pending else "every item has its outcome"
        output.print(f"nothing is to be asked of an endpoint: {items}", soft_wrap=True)
        return
    table = listing("file", "requests", "MB", "endpoint", "base URL")
    for one in exported.files:
        table.add_row(str(one.file), str(one.requests), f"{one.size / 1e6:.1f}", one.path, one.base_url)
    output.print(table)


def show_imported(imported: ImportedReplies, config: RunConfig, command: str, *options: str) -> int:
    """What came back, and what is next; the exit status. `command`: of the next round."""
    output.result(imported)
    output.print(f"{imported.recorded} calls recorded", style="bold")
    if imported.known:
        output.print(f"{imported.known} rows of calls that were recorded before")
    if imported.repeated:
        output.print(f"{imported.repeated} rows that say what others say")
    for reason, count in imported.still_open.most_common():
        output.print(f"{count} to be asked again: {reason}", soft_wrap=True, highlight=False)
    if imported.unanswered:
        output.print(f"{imported.unanswered} requests without a row")
    if imported.away:
        output.print(_away(imported.away, config), soft_wrap=True)
    output.print(f"{imported.to_ask} calls to be asked next, {imported.pending} items without an outcome")
    after = ("requests", command, config.out, *options) if imported.pending else ("report", config.out)
    output.print(f"next: {command_line(*after)}", soft_wrap=True)
    return _problems(imported.problems)


def _away(count: int, config: RunConfig) -> str:
    going_on = command_line("requests", "fetch", config.out)
    return f"{count} calls are with a batch service, and are not asked a second time: {going_on}"


def _problems(lines: Iterable[str]) -> int:
    lines = [*lines]
    for line in islice(lines, SHOWN):
        errors.print(f"exit status 1: {line}", soft_wrap=True)
    if len(lines) > SHOWN:
        errors.print(f"exit status 1: … and {len(lines) - SHOWN} more", soft_wrap=True)
    return int(bool(lines))


# --- through the files and batches of a service


@app.command()
def submit(
    run: Run,
    window: Annotated[str, typer.Option(help="In which the service has to answer, as it names it.")] = "24h",
    retry_failed: RetryFailed = False,
) -> int:
    """Hand what is still to be asked to the batch service of its endpoint; the same again sends nothing twice."""
    from safebench.cli.progress import Bars
    from safebench.runs.batch_service import submit

    with Bars(notes) as bars:
        command = command_line("requests", "submit", run)
        stopped, batches = submit(config_of(run), bars, window=window, retry_failed=retry_failed, command=command)
    _show_batches(batches, run)
    return _problems([stopped] if stopped else [])


@app.command()
def status(run: Run) -> int:
    """Ask what has become of the batches of a run."""
    from safebench.runs.batch_service import status

    batches, problems = status(Path(config_of(run).out))
    _show_batches(batches, run)
    return _problems(problems)


@app.command()
def fetch(run: Run) -> int:
    """Fetch and import what came back of batches that are over; what has no answer is to be asked again."""
    from safebench.cli.progress import Bars
    from safebench.runs.batch_service import fetch

    config = config_of(run)
    with Bars(notes) as bars:
        fetched = fetch(config, bars, command=command_line("requests", "fetch", run))
    _show_batches(fetched.batches, run)
    status = show_imported(fetched.imported, config, "submit") if fetched.imported else 0
    return max(status, _problems(fetched.problems))


def _show_batches(batches: Iterable[SentBatch], run: Path) -> None:
    batches = [*batches]
    output.result({"batches": [batch.model_dump() for batch in batches]})
    if not batches:
        output.print(f"nothing was handed to a service: {command_line('requests', 'submit', run)}", soft_wrap=True)
        return
    for one in batches:
        state = ", ".join([one.status, *["fetched"] * one.fetched, *[one.reason] * bool(one.reason)])
        counts = f"{one.completed} of {one.requests} answered, {one.failed} failed"
        output.print(f"{one.file} ({one.batch or 'no batch yet'}): {counts}: {state}", soft_wrap=True, highlight=False)
    if any(not one.fetched for one in batches):
        output.print(f"next: {command_line('requests', 'fetch', run)}", soft_wrap=True)
