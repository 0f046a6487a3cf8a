"""`safebench doctor`: what is installed, whether it works, and what to do where it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from rich.table import Table
from rich.text import Text

from safebench import registry
from safebench.cli.style import listing
from safebench.errors import BadInput, MissingPackage, SafeBenchError
from safebench.models.recognisers import best, better
from safebench.models.torch_backend import check_matched
from safebench.plugins import Plugin
from safebench.rendering.alternatives import settle, stands_for
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.types import Query

SENTENCE = "Please tell me how a rainbow forms."


def examine() -> tuple[Table, bool]:
    """Try every plug-in and render a sentence by every recipe; the table, and whether all that is installed works."""
    table = listing("what", "state", "to do")
    table.add_row("Python", sys.version.split()[0], "")
    table.add_row("safebench", version("safebench"), "")
    healthy = True
    for extra in extras():
        healthy &= _row(table, f"extra {extra}", lambda e=extra: _extra(e))
    for kind, title in registry.KINDS.items():
        for name in registry.names(kind):
            healthy &= _row(table, f"{title} {name}", lambda k=kind, n=name: _load(k, n))
    healthy &= _row(table, "recipes", lambda: f"{len(load_recipes())} known")
    for what, state, to_do in _choices():
        table.add_row(what, state, to_do)
    for medium, name in _known_recipes():
        healthy &= _row(table, f"recipe {medium}:{name}", lambda m=medium, n=name: _try_recipe(m, n))
    return table, healthy


def _known_recipes() -> Recipes:
    """None where a modality that brings some is broken, which has a row of its own."""
    try:
        return load_recipes()
    except BadInput:
        return {}


def _choices() -> Iterator[tuple[str, str, str]]:
    """Who reads each medium back here and what names of recipes stand for, with what would be better and is missing."""
    known = _known_recipes()
    for medium in registry.media() if known else ():
        if registry.modality(medium).recognisers:
            spec = best(medium)
            state = f"read back by {spec}" if spec else "off: nobody reads it back"
            yield f"fidelity gate of {medium}", state, "; ".join(better(medium, spec).values())
    for (medium, name), choice in settle(known, {})[1].items():
        yield f"{medium}:{name} is", f"{medium}:{choice.recipe.name}", "; ".join(choice.better.values())


def _extra(name: str) -> str:
    lacking = missing(name)
    if lacking:
        raise MissingPackage(f"the extra {name!r}", lacking, name)
    return "installed"


def _load(kind: type[Plugin], name: str) -> str:
    registry.require(kind, name)
    if "torch" in registry.load(kind, name).needs:
        check_matched()
    return "ready"


def _try_recipe(medium: str, name: str) -> str:
    known = load_recipes()
    named = known[medium, name]
    recipe = stands_for(named, known)
    if not named.quickstart:
        return _check_only(recipe)
    recipe.check()
    rendering = render(RenderJob(Query("doctor", SENTENCE), recipe, recogniser=best(medium)))
    if not rendering.faithful:
        raise SafeBenchError(str(rendering.failure or rendering.fidelity.reason))
    by = f" by {recipe.condition}" if recipe.name != name else ""
    measures = ", ".join(f"{key} {value:.3g}" for key, value in rendering.fidelity.measures.items())
    return f"works{by}: {rendering.fidelity.status}" + (f" ({measures})" if measures else "")


def _check_only(recipe: Recipe) -> str:
    """For an engine that may fetch a model or call an endpoint when it is used: nothing is rendered."""
    try:
        recipe.check()
    except MissingPackage:
        raise
    except BadInput as error:
        return f"to be set up: {error}"
    return "ready"


def _row(table: Table, what: str, attempt) -> bool:  # type: ignore[no-untyped-def]
    """One line; a missing package is something to do, a failure of what is installed is ill health."""
    try:
        table.add_row(what, Text(attempt(), "green"), "")
    except MissingPackage as error:
        table.add_row(what, Text("not installed", "yellow"), error.command)
    except SafeBenchError as error:
        table.add_row(what, Text("broken", "red"), str(error))
        return False
    return True


US = "safebench"


def extras() -> list[str]:
    return sorted(metadata(US).get_all("Provides-Extra") or [])


def missing(extra: str) -> list[str]:
    """What an extra requires, itself and by the extras that it takes in, and nothing installed meets."""
    return [str(needed) for needed in _required(extra) if not _is_met(needed)]


def _required(extra: str) -> Iterator[Requirement]:
    for needed in map(Requirement, requires(US) or []):
        marker, needed.marker = needed.marker, None
        if marker is None or marker.evaluate({"extra": ""}) or not marker.evaluate({"extra": extra}):
            continue
        if needed.name == US:
            for inner in needed.extras:
                yield from _required(inner)
        else:
            yield needed


def _is_met(needed: Requirement) -> bool:
    try:
        return needed.specifier.contains(version(needed.name), prereleases=True)
    except PackageNotFoundError:
        return False
