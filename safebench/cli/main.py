"""The command line: a thin layer that turns arguments into calls of the Python API and errors into one clear line.

Exit status 0: done; 1: done, but a cell was skipped or too many items stayed open, or a budget is spent; 2: bad input,
or it could not be done; 3: done, and a limit is not kept; 130: interrupted.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import traceback
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from safebench import __version__
from safebench.cli import compare, convert, data, generate, jury, plugins, published, rejudge, requests, review, run
from safebench.cli.options import errors, notes, output
from safebench.cli.style import allow_any_character, shown
from safebench.errors import BadInput, BudgetSpent, Interrupted, SafeBenchError, TargetRefusesService, is_of_the_system

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure how safely a multimodal model behaves, as text, as images and as speech.",
)
app.command()(run.quickstart)
app.command()(run.run)
app.command()(run.estimate)
app.command()(convert.convert)
app.command()(run.report)
app.command()(rejudge.rejudge)
app.command()(rejudge.merge)
app.command()(generate.generate)
app.command()(compare.compare)
app.command()(compare.leaderboard)
app.command()(compare.export)
app.command()(published.reproduce)
app.command()(plugins.doctor)
app.command()(plugins.new)
app.command("list")(plugins.list_)
GROUPS = {"requests": requests, "data": data, "published": published, "review": review, "jury": jury}
for name, group in GROUPS.items():
    app.add_typer(group.app, name=name)


AS_JSON, QUIET = "--json", "--quiet"


def _of_every_command(
    as_json: Annotated[
        bool, typer.Option(AS_JSON, expose_value=False, help="Print one JSON document, and nothing else.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option(QUIET, expose_value=False, help="Print results and errors alone, and no progress.")
    ] = False,
) -> None:
    """What every command takes, and none has to know: the consoles do."""


@cache
def _command() -> Any:
    command, alone = typer.main.get_command(app), typer.Typer(add_completion=False)
    alone.command()(_of_every_command)
    for one in _each(command):
        one.params += typer.main.get_command(alone).params
    return command


def _each(command: Any) -> Iterator[Any]:
    """The commands that do something by themselves."""
    commands = getattr(command, "commands", {})
    if not commands or command.invoke_without_command:
        yield command
    for one in commands.values():
        yield from _each(one)


KEPT = "everything so far is kept: mend it and give the same command again"
GOING_ON = (
    "run",
    "quickstart",
    "convert",
    "rejudge",
    "generate",
    "reproduce",
    "jury calibrate",
    "data score",
    "requests import",
)  # commands that continue


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
    allow_any_character()
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """The exit status of one command."""
    output.begin(as_json=AS_JSON in arguments)
    errors.begin()
    notes.quiet = QUIET in arguments
    status = _done(arguments)
    output.finish(status, errors.lines)
    return status


def _done(arguments: list[str]) -> int:
    try:
        _check_names([*arguments, _working_folder()])
        status = _command()(arguments, standalone_mode=False, prog_name="safebench")
    except typer.TyperException as error:
        message = _usage_message(error)
        where = f"see `{_wrongly_used(error)} --help`"
        return _fail(message, where) if message else 2  # without one the help was shown
    except Interrupted as error:
        errors.print(f"interrupted; everything so far is kept. Continue with:\n  {error.command}", soft_wrap=True)
        return 130
    except BudgetSpent as error:
        errors.print(f"exit status 1: {error}; everything so far is kept", soft_wrap=True)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        errors.print("interrupted")
        return 130
    except Exception as error:  # noqa: BLE001  Python's own exit status would say that it was done
        message, hint = _explained(error)
        return _fail(message, hint if _goes_on(arguments) else None)
    return status if isinstance(status, int) else 0


def _check_names(names: Iterable[str]) -> None:
    """Raises BadInput for one that is not UTF-8: neither TOML nor Parquet could hold it, and what was made is lost."""
    for name in names:
        if not _is_utf8(name):
            raise BadInput(
                f"{name!r} is not UTF-8: rename the file or folder, or set a locale that is (LC_ALL=C.UTF-8)"
            )


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def _goes_on(arguments: list[str]) -> bool:
    """Whether the same command again would go on: others, which only read, keep nothing."""
    return bool(arguments) and (arguments[0] in GOING_ON or " ".join(arguments[:2]) in GOING_ON)


def _explained(error: Exception) -> tuple[str, str | None]:
    """One clear line, and what to do. What nobody has foreseen is shown with its traceback."""
    if isinstance(error, SafeBenchError):
        return str(error), KEPT if isinstance(error, TargetRefusesService) else None
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}", KEPT if is_of_the_system(error) else None
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        before, after = error.object[: error.start], error.object[error.start :]
        name = re.split(r'["\n]', before)[-1] + re.split(r'["\n]', after)[0]  # it may stand in a text
        return f"{name[:200]!r} is not UTF-8: rename the file or folder of that name", None
    if isinstance(error, sqlite3.Error):
        return f"database: {error}", KEPT
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}: {error}", KEPT


def _usage_message(error: typer.TyperException) -> str:
    format_message = getattr(error, "format_message", error.__str__)
    return str(format_message()).replace("Value error, ", "")


def _wrongly_used(error: typer.TyperException) -> str:
    """The command, as it was typed."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "safebench"


def _fail(message: str, hint: str | None = None) -> int:
    for line in message.split("\n"):
        errors.print(Text.assemble(("error:", "bold red"), " ", shown(line)), soft_wrap=True)
    if hint:
        errors.print(hint, highlight=False)
    return 2
