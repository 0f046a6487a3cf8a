"""What `safebench list` shows: plug-ins, recipes, models, families of endpoints and of guards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from safebench import registry
from safebench.cli.style import listing
from safebench.errors import BadInput, MissingPackage, unknown
from safebench.jury.guard_families import guard_families
from safebench.models.catalogue import Model, models
from safebench.models.families import families
from safebench.plugins import Plugin, Target
from safebench.rendering.alternatives import missing, stands_for
from safebench.rendering.recipes import load_recipes


def show(what: str, console: Console) -> None:
    """Print a table of all plug-ins of a kind, of all recipes or voices, or of all families of endpoints or guards."""
    made = {"recipes": _recipes, "voices": _voices, "families": _families, "guards": _guards}
    console.print(made[what]() if what in made else _plugins(registry.LISTED[what]))


def show_targets(console: Console, medium: str | None, *, tried: bool) -> None:
    """The plug-ins, and the models that have a short name; of these only what was asked for.

    What is to be typed stands on lines of its own, whole, to be copied. Models that their makers retired come last.
    Raises BadInput for a medium that no model takes.
    """
    media = list(dict.fromkeys(taken for model in models().values() for taken in model.accepts))
    if medium is not None and medium not in media:
        raise unknown("medium", medium, media)
    if medium is None and not tried:
        console.print(_plugins(Target))
    asked_for = [model for model in models().values() if medium in (None, *model.accepts)]
    shown = [model for model in sorted(asked_for, key=lambda model: model.retired) if model.tried or not tried]
    if shown:
        _show_models(console, shown)
    else:
        console.print("none of these models was run here: leave out --tried")


def _show_models(console: Console, shown: Sequence[Model]) -> None:
    widest = max(len(model.name) for model in shown)
    for model in shown:
        known = "tried" if model.tried else "read"
        takes, size = ", ".join(model.accepts), model.size or "–"
        console.print(Text.assemble((f"{model.name:{widest}}", "bold"), f"  {takes:18}  {size:>5}  {known}"))
        for command in filter(None, (model.serve, model.target)):
            console.print(f"    {command}", soft_wrap=True, highlight=False)
        gone = model.retired and f"retired by its maker on {model.retired}"
        for note in filter(None, ("runs code that comes with the model" * model.runs_code, gone, model.note)):
            console.print(Padding(note, (0, 0, 0, 4)), style="dim")
    console.print("\nread: nobody here has run it; data/models.toml says where it was read.")


def _voices() -> Table:
    """The recipes that modalities bring with them."""
    table = listing("condition", "who speaks", "ready")
    known = load_recipes()
    for medium in registry.media():
        for recipe in (known[medium, name] for name in registry.modality(medium).recipes()):
            lacking = missing(recipe)
            table.add_row(recipe.condition, recipe.description, Text(lacking, "yellow") if lacking else "yes")
    return table


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
