"""`safebench new`: the skeleton of a package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

output = Console()


def new(
    kind: Annotated[str, typer.Argument(help="modality, converter or target.")],
    name: Annotated[str, typer.Argument(help="Of the plug-in; the package is called safebench-NAME.")],
    out: Annotated[Path | None, typer.Option(help="New folder; safebench-NAME here if not given.")] = None,
) -> None:
    """Write an installable package with a plug-in that works as it stands, and its tests."""
    from safebench.cli import new as skeleton

    folder = skeleton.new(kind, name, out)
    told = f"written: {folder}\n  pip install -e '{folder}[test]' && pytest {folder}"
    output.print(escape(told), soft_wrap=True, highlight=False)
