"""What there is and whether it works: listings of plug-ins, and `doctor`."""

from __future__ import annotations

import sys
from importlib.metadata import version

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from safebench import registry
from safebench.cli.style import listing
from safebench.errors import BadInput, MissingPackage, SafeBenchError
from safebench.extras import extras, missing
from safebench.models.catalogue import models
from safebench.models.families import families
from safebench.models.torch_backend import check_matched
from safebench.plugins import Plugin
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.types import Query

SENTENCE = "Please tell me how a rainbow forms."


def show(what: str, console: Console) -> None:
    """Print a table of all plug-ins of a kind, of all recipes, or of all families of endpoints."""
    made = {"recipes": _recipes, "families": _families}
    console.print(made[what]() if what in made else _plugins(registry.LISTED[what]))
    if what == "targets":
        _show_models(console)


def _show_models(console: Console) -> None:
    """The models that have a short name. What is to be typed stands on lines of its own, whole, to be copied."""
    widest = max(map(len, models()))
    for model in models().values():
        known = "tried" if model.tried else "read"
        takes, size = ", ".join(model.accepts), model.size or "–"
        console.print(f"[bold]{escape(model.name):{widest}}[/]  {escape(takes):18}  {escape(size):>5}  {known}")
        for command in filter(None, (model.serve, model.target)):
            console.print(f"    {command}", soft_wrap=True, markup=False, highlight=False)
        for note in filter(None, ("runs code that comes with the model" * model.runs_code, model.note)):
            console.print(Padding(escape(note), (0, 0, 0, 4)), style="dim")
    console.print("\nread: nobody here has run it; data/models.toml says where it was read.")


def _families() -> Table:
    table = listing("family", "what it is", "hosts", "key")
    for family in families().values():
        hosts = ", ".join(family.hosts) or "–"
        table.add_row(*map(escape, (family.name, family.summary, hosts, family.key)))
    return table


def _recipes() -> Table:
    table = listing("condition", "steps", "what it makes")
    for recipe in load_recipes().values():
        steps = " → ".join(step.use for step in recipe.steps)
        table.add_row(*map(escape, (f"{recipe.medium}:{recipe.name}", steps, recipe.description)))
    return table


def _plugins(kind: type[Plugin]) -> Table:
    table = listing("name", "what it is", "ready")
    for name in registry.names(kind):
        try:
            plugin = registry.load(kind, name)
        except BadInput as error:
            table.add_row(escape(name), escape(str(error)), "[red]broken[/]")
            continue
        told = f"{escape(plugin.summary)} [dim](version {escape(plugin.version)})[/]"
        table.add_row(escape(name), told, _ready(kind, name))
    return table


def _ready(kind: type[Plugin], name: str) -> str:
    try:
        registry.require(kind, name)
    except MissingPackage as error:
        return f"[yellow]{escape(error.command)}[/]"
    return "yes"


def examine() -> tuple[Table, bool]:
    """Try every plug-in and render a sentence by every recipe; the table, and whether all that is installed works."""
    table = listing("what", "state", "to do")
    table.add_row("Python", escape(sys.version.split()[0]), "")
    table.add_row("safebench", version("safebench"), "")
    healthy = True
    for extra in extras():
        healthy &= _row(table, f"extra {extra}", lambda e=extra: _extra(e))
    for kind, told in registry.KINDS.items():
        for name in registry.names(kind):
            healthy &= _row(table, f"{told} {name}", lambda k=kind, n=name: _load(k, n))
    healthy &= _row(table, "recipes", lambda: f"{len(load_recipes())} known")
    for medium, name in _known_recipes():
        healthy &= _row(table, f"recipe {medium}:{name}", lambda m=medium, n=name: _try_recipe(m, n))
    return table, healthy


def _known_recipes() -> Recipes:
    """None where a modality that brings some is broken, which has a row of its own."""
    try:
        return load_recipes()
    except BadInput:
        return {}


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
    recipe = load_recipes()[medium, name]
    if not recipe.quickstart:
        return _check_only(recipe)
    recipe.check()
    rendering = render(RenderJob(Query("doctor", SENTENCE), recipe))
    if not rendering.faithful:
        raise SafeBenchError(str(rendering.failure or rendering.fidelity.reason))
    measures = ", ".join(f"{key} {value:.3g}" for key, value in rendering.fidelity.measures.items())
    return f"works: {rendering.fidelity.status}" + (f" ({measures})" if measures else "")


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
        table.add_row(escape(what), f"[green]{escape(attempt())}[/]", "")
    except MissingPackage as error:
        table.add_row(escape(what), "[yellow]not installed[/]", escape(error.command))
    except SafeBenchError as error:
        table.add_row(escape(what), "[red]broken[/]", escape(str(error)))
        return False
    return True
