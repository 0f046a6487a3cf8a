"""`safebench list`, `doctor` and `new`: what is there, what works, and a package of your own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from safebench.cli.options import output


class Listed(StrEnum):
    converters = "converters"
    families = "families"
    recipes = "recipes"
    modalities = "modalities"
    recognisers = "recognisers"
    targets = "targets"
    jurors = "jurors"


def list_(what: Annotated[Listed, typer.Argument(help="Kind of plug-in.")]) -> None:
    """List plug-ins and recipes, ours and third parties', models and families of endpoints."""
    from safebench.cli.plugin_tables import show

    show(what.value, output)


def doctor() -> int:
    """Show what is installed, what works, and the exact command for what is missing."""
    from safebench.cli.doctor import examine

    table, healthy = examine()
    output.print(table)
    return 0 if healthy else 1


def new(
    kind: Annotated[str, typer.Argument(help="modality, converter or target.")],
    name: Annotated[str, typer.Argument(help="Of the plug-in; the package is called safebench-NAME.")],
    out: Annotated[Path | None, typer.Option(help="New folder; safebench-NAME here if not given.")] = None,
) -> None:
    """Write an installable package with a plug-in that works as it stands, and its tests."""
    from safebench.cli.skeleton import write_skeleton

    folder = write_skeleton(kind, name, out)
    written = f"written: {folder}\n  pip install -e '{folder}[test]' && pytest {folder}"
    output.print(escape(written), soft_wrap=True, highlight=False)
