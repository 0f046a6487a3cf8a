"""What `safebench list` shows: plug-ins, recipes, models, families of endpoints and of guards."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from safebench import registry
from safebench.cli.style import listing
from safebench.errors import BadInput, MissingPackage
from safebench.jury.guard_families import guard_families
from safebench.models.catalogue import models
from safebench.models.families import families
from safebench.plugins import Plugin
from safebench.rendering.alternatives import stands_for
from safebench.rendering.recipes import load_recipes


def show(what: str, console: Console) -> None:
    """Print a table of all plug-ins of a kind, of all recipes, or of all families of endpoints or guards."""
    made = {"recipes": _recipes, "families": _families, "guards": _guards}
    console.print(made[what]() if what in made else _plugins(registry.LISTED[what]))
    if what == "targets":
        _show_models(console)


def _show_models(console: Console) -> None:
    """The models that have a short name. What is to be typed stands on lines of its own, whole, to be copied."""
    widest = max(map(len, models()))
    for model in models().values():
        known = "tried" if model.tried else "read"
        takes, size = ", ".join(model.accepts), model.size or "–"
        console.print(Text.assemble((f"{model.name:{widest}}", "bold"), f"  {takes:18}  {size:>5}  {known}"))
        for command in filter(None, (model.serve, model.target)):
            console.print(f"    {command}", soft_wrap=True, highlight=False)
        for note in filter(None, ("runs code that comes with the model" * model.runs_code, model.note)):
            console.print(Padding(note, (0, 0, 0, 4)), style="dim")
    console.print("\nread: nobody here has run it; data/models.toml says where it was read.")


def _families() -> Table:
    table = listing("family", "what it is", "hosts", "key")
    for family in families().values():
        hosts = ", ".join(family.hosts) or "–"
        table.add_row(family.name, family.summary, hosts, family.key)
    return table


def _guards() -> Table:
    table = listing("guard", "what it is", "published as", "languages", "licence")
    for guard in guard_families().values():
        languages = ", ".join(guard.languages)
        table.add_row(guard.name, guard.summary, guard.model, languages, guard.licence)
    return table


def _recipes() -> Table:
    table = listing("condition", "steps", "what it makes")
    known = load_recipes()
    for recipe in known.values():
        made = f"here by {stands_for(recipe, known).name}" if recipe.first_of else ""
        steps = made or " → ".join(step.use for step in recipe.steps)
        table.add_row(f"{recipe.medium}:{recipe.name}", steps, recipe.description)
    table.caption = "\n".join(_default_gates())
    return table


def _default_gates() -> Iterator[str]:
    for medium in registry.media():
        limits = ", ".join(f"{name} = {limit:g}" for name, limit in registry.modality(medium).default_gate.items())
        if limits:
            yield f"gate of a recipe of {medium} without one: {limits}"


def _plugins(kind: type[Plugin]) -> Table:
    table = listing("name", "what it is", "ready")
    for name in registry.names(kind):
        try:
            plugin = registry.load(kind, name)
        except BadInput as error:
            table.add_row(name, str(error), Text("broken", "red"))
            continue
        about = Text.assemble(plugin.summary, " ", (f"(version {plugin.version})", "dim"))
        table.add_row(name, about, _ready(kind, name))
    return table


def _ready(kind: type[Plugin], name: str) -> Text | str:
    try:
        registry.require(kind, name)
    except MissingPackage as error:
        return Text(error.command, "yellow")
    return "yes"
