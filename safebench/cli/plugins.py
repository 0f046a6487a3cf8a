"""`safebench list`, `doctor` and `new`: what is there, what works, and a package of your own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from safebench.cli.options import output
from safebench.errors import BadInput


class Listed(StrEnum):
    converters = "converters"
    families = "families"
    guards = "guards"
    recipes = "recipes"
    modalities = "modalities"
    recognisers = "recognisers"
    targets = "targets"
    jurors = "jurors"
    exporters = "exporters"
    voices = "voices"
    wordings = "wordings"


def list_(
    what: Annotated[Listed, typer.Argument(help="Kind of plug-in.")],
    medium: Annotated[str | None, typer.Option(help="Only models that take it, of targets.")] = None,
    tried: Annotated[bool, typer.Option("--tried", help="Only models that were run here, of targets.")] = False,
) -> None:
    """List plug-ins and recipes, ours and third parties', wordings, models, families of endpoints and guards."""
    from safebench.cli.plugin_tables import show, show_targets

    if what is Listed.targets:
        show_targets(output, medium, tried=tried)
    elif medium is not None or tried:
        raise typer.BadParameter(f"--medium and --tried choose models: `safebench list {Listed.targets}`")
    else:
        show(what.value, output)


def doctor(
    run: Annotated[Path | None, typer.Argument(help="Folder of the run that the bundle is about.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="New file for a bug report: versions, run file, counts and errors; no texts, no keys."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="A row for each plug-in and recipe.")] = False,
) -> int:
    """Show what is installed, what works, and the exact command for what is missing."""
    from safebench.cli.doctor import examine

    if bundle is not None:
        return _bundle(bundle, run)
    if run is not None:
        raise typer.BadParameter(f"{run} is for a bundle: add --bundle FILE")
    examined = examine()
    output.print(examined.table() if every else examined.screen())
    output.result({"healthy": examined.healthy, "rows": examined.rows})
    return 0 if examined.healthy else 1


def _bundle(file: Path, run: Path | None) -> int:
    from safebench.reports.bundle import write_bundle

    if file.exists():
        raise BadInput(f"{file} exists: name a new file")
    write_bundle(file, run)
    output.print(f"written: {file} (no texts, no keys; look at it before you send it)", soft_wrap=True)
    return 0


def new(
    kind: Annotated[str, typer.Argument(help="modality, converter, recogniser, target, juror or exporter.")],
    name: Annotated[str, typer.Argument(help="Of the plug-in; the package is called safebench-NAME.")],
    out: Annotated[Path | None, typer.Option(help="New folder; safebench-NAME here if not given.")] = None,
    medium: Annotated[str | None, typer.Option(help="Of what a converter changes: image or audio.")] = None,
) -> None:
    """Write an installable package with a plug-in that works as it stands, and its tests."""
    from safebench.cli.skeleton import write_skeleton

    folder = write_skeleton(kind, name, out, medium)
    written = f"written: {folder}\n  pip install -e '{folder}[test]' && pytest {folder}"
    output.print(written, soft_wrap=True, highlight=False)
