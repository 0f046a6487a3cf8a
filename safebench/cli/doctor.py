"""`safebench doctor`: what is installed, whether it works, and what to do where it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from itertools import groupby

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


WORKS, MISSING, BROKEN = "green", "yellow", "red"  # how the state of a thing is shown
CHOICE, RECIPE, EXTRA = "choice", "recipe", "extra"
PLURAL = {RECIPE: "recipes tried", **{registry.KINDS[plugin]: group for group, plugin in registry.LISTED.items()}}


class _ToBeSetUp(Exception):
    """By the user: an engine that may fetch a model or call an endpoint."""


@dataclass(frozen=True, slots=True)
class Examined:
    """`kind` of a plug-in, an extra, a recipe, a choice that was made here; `how` it is: WORKS, MISSING or BROKEN."""

    kind: str
    name: str
    state: str
    to_do: str = ""
    how: str = WORKS


@dataclass(frozen=True, slots=True)
class Examination:
    rows: tuple[Examined, ...]

    @property
    def healthy(self) -> bool:
        """Whether all that is installed works."""
        return all(row.how != BROKEN for row in self.rows)

    def table(self) -> Table:
        """A row each."""
        table = listing("what", "state", "to do")
        for row in self.rows:
            what = row.name if row.kind == CHOICE else f"{row.kind} {row.name}".strip()
            table.add_row(what, Text(row.state, row.how), row.to_do)
        return table

    def screen(self) -> Table:
        """How many of each kind work, what is broken, and what was chosen here."""
        table = listing("what", "state")
        for kind, rows in groupby(self.rows, lambda row: row.kind):
            if kind == CHOICE:
                for row in rows:
                    best = f"; better: {row.to_do.partition('; ')[0].partition(' (')[0]}" if row.to_do else ""
                    table.add_row(row.name, Text.assemble(row.state, (best, MISSING)))
            else:
                table.add_row(*_counted(kind, list(rows)))
        table.caption = "each with the command for what it lacks: doctor --all"
        return table


def _counted(kind: str, rows: Sequence[Examined]) -> tuple[str, Text]:
    if len(rows) == 1:
        return kind, Text(rows[0].state, rows[0].how)
    lacking = [row for row in rows if row.how == MISSING]
    broken = [f"\n{row.name} is broken: {row.to_do}" for row in rows if row.how == BROKEN]
    of_all = f"{sum(row.how == WORKS for row in rows)} of {len(rows)}"
    names = f"\nmissing: {', '.join(row.name for row in lacking)}" if lacking else ""
    return PLURAL.get(kind, f"{kind}s"), Text.assemble((of_all, WORKS), (names, MISSING), ("".join(broken), BROKEN))


def examine() -> Examination:
    """Try every plug-in and render a sentence by every recipe."""
    return Examination(tuple(_examined()))


def _examined() -> Iterator[Examined]:
    yield Examined("Python", "", sys.version.split()[0])
    yield Examined(US, "", version(US))
    for extra in extras():
        yield _tried(EXTRA, extra, partial(_extra, extra))
    for kind, title in registry.KINDS.items():
        for name in registry.names(kind):
            yield _tried(title, name, partial(_load, kind, name))
    yield _tried("recipes", "", lambda: f"{len(load_recipes())} known")
    for medium, name in _known_recipes():
        yield _tried(RECIPE, f"{medium}:{name}", partial(_try_recipe, medium, name))
    yield from _choices()


def _known_recipes() -> Recipes:
    """None where a modality that brings some is broken, which has a row of its own."""
    try:
        return load_recipes()
    except BadInput:
        return {}


def _choices() -> Iterator[Examined]:
    """Who reads each medium back here and what names of recipes stand for, with what would be better and is missing."""
    known = _known_recipes()
    for medium in registry.media() if known else ():
        if registry.modality(medium).recognisers:
            spec = best(medium)
            state = f"read back by {spec}" if spec else "off: nobody reads it back"
            yield Examined(CHOICE, f"fidelity gate of {medium}", state, "; ".join(better(medium, spec).values()))
    for (medium, name), choice in settle(known, {})[1].items():
        yield Examined(CHOICE, f"{medium}:{name} is", choice.recipe.condition, "; ".join(choice.better.values()))


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
        raise _ToBeSetUp(str(error)) from error
    return "ready"


def _tried(kind: str, name: str, attempt: Callable[[], str]) -> Examined:
    """A missing package is something to do, a failure of what is installed is ill health."""
    try:
        return Examined(kind, name, attempt())
    except MissingPackage as error:
        return Examined(kind, name, "not installed", error.command, MISSING)
    except _ToBeSetUp as error:
        return Examined(kind, name, "to be set up", str(error), MISSING)
    except SafeBenchError as error:
        return Examined(kind, name, "broken", str(error), BROKEN)


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
