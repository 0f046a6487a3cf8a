"""The reference of the command line, from the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from safebench.cli.main import app
from website.tables import cell, code, table

INTRODUCTION = """\
# Commands

Every command with all its options, as `safebench COMMAND --help` shows them. Exit statuses:
[Runs](../runs.md#exit-status).
"""


def page() -> str:
    """A section for each command."""
    return "\n".join([INTRODUCTION, *(_section(names, command) for names, command in commands())])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what is typed for it, those of a group after the group's name."""
    return _below("safebench", typer.main.get_command(app))


def _below(names: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _below(f"{names} {name}", inner)
    if not hasattr(command, "commands"):
        yield names, command


def _section(names: str, command: Any) -> str:
    context = command.make_context(names, [], resilient_parsing=True)
    usage = " ".join([names, *command.collect_usage_pieces(context)])
    options = [_row(one, context) for one in command.params if not one.hidden]
    described = (command.help or "").strip()
    return f"## {names}\n\n```text\n{usage}\n```\n\n{described}\n\n{table(('option', 'what it does'), options)}"


def _row(option: Any, context: Any) -> tuple[str, str]:
    written, described = option.get_help_record(context)
    return code(written), cell(described)
