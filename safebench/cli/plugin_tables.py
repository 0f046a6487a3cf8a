"""What `safebench list` shows: plug-ins, recipes, wordings, models, families of endpoints and of guards.

Each kind has rows of values, which are the document of `--json`, and columns in which people are shown them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from safebench import registry
from safebench.cli.style import OutputConsole, listing
from safebench.errors import BadInput, MissingPackage, unknown
from safebench.jury.guard_families import guard_families
from safebench.models.catalogue import Model, models
from safebench.models.families import families
from safebench.plugins import Plugin, Target
from safebench.rendering.alternatives import missing, stands_for
from safebench.rendering.recipes import load_recipes
from safebench.rendering.wordings import load_wordings

Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], Text | str]]


def show(what: str, console: OutputConsole) -> None:
    """All plug-ins of a kind, all recipes or voices, or all families of endpoints or guards."""
    if what in _MADE:
        made, columns = _MADE[what]
        rows = list(made())
    else:
        rows, columns = list(_plugins(registry.LISTED[what])), _OF_PLUGINS
    table, document = _table(rows, columns), dict[str, Any]({what: rows})
    if what == "recipes":
        document["gates"] = gates = _default_gates()
        table.caption = "\n".join(_gate_lines(gates))
    console.print(table)
    console.result(document)


def show_targets(console: OutputConsole, medium: str | None, *, tried: bool) -> None:
    """The plug-ins, and the models that have a short name; of these only what was asked for.

    Models that their makers retired come last. Raises BadInput for a medium that no model takes.
    """
    media = list(dict.fromkeys(taken for model in models().values() for taken in model.accepts))
    if medium is not None and medium not in media:
        raise unknown("medium", medium, media)
    plugins = list(_plugins(Target)) if medium is None and not tried else []
    asked_for = [model for model in models().values() if medium in (None, *model.accepts)]
    shown = [model for model in sorted(asked_for, key=lambda model: model.retired) if model.tried or not tried]
    if plugins:
        console.print(_table(plugins, _OF_PLUGINS))
    show_models(console, shown) if shown else console.print(_none_tried(medium), soft_wrap=True)
    console.result({"targets": plugins, "models": [_known(model) for model in shown]})


def _none_tried(medium: str | None) -> str:
    by_text = [model.name for model in models().values() if model.tried and medium not in model.accepts]
    others = f"; of the others {', '.join(by_text)}" if by_text else ""
    taking = f" that takes {medium}" if medium else ""
    return f"no model{taking} was run here{others}: leave out --tried for those that were read about"


def _known(model: Model) -> Row:
    """What nobody knows, or does not apply, is None."""
    return {key: None if value == "" else value for key, value in model.model_dump().items()}


def show_models(console: Console, shown: Sequence[Model]) -> None:
    """What is to be typed stands on lines of its own, whole, to be copied."""
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


def _table(rows: Sequence[Row], columns: Columns) -> Table:
    table = listing(*columns)
    for row in rows:
        table.add_row(*(shown(row) for shown in columns.values()))
    return table


def _voices() -> Iterator[Row]:
    """The recipes that modalities bring with them."""
    known = load_recipes()
    for medium in registry.media():
        for recipe in (known[medium, name] for name in registry.modality(medium).recipes()):
            lacking = missing(recipe) or None
            about = {"condition": str(recipe.condition), "summary": recipe.description}
            yield about | {"ready": lacking is None, "lacking": lacking}


def _families() -> Iterator[Row]:
    shown = {"name", "summary", "hosts", "base_url", "key", "accepts", "max_audio_seconds", "source"}
    return (family.model_dump(include=shown) for family in families().values())


def _guards() -> Iterator[Row]:
    shown = {"name", "summary", "model", "languages", "licence", "source"}
    return (guard.model_dump(include=shown) for guard in guard_families().values())


def _recipes() -> Iterator[Row]:
    known = load_recipes()
    for recipe in known.values():
        here = stands_for(recipe, known).name if recipe.first_of else None
        about = {"condition": f"{recipe.medium}:{recipe.name}", "summary": recipe.description}
        yield about | {"steps": [step.use for step in recipe.steps], "here_by": here}


def _wordings() -> Iterator[Row]:
    """Ours; `beside`: what is written where the query is only in the media."""
    for name, one in load_wordings().items():
        yield {"name": name, "summary": one.description, "text": one.text, "beside": one.beside, "media": one.media}


def _texts(row: Row) -> str:
    return row["text"] if row["beside"] is None else f"{row['text']}\n(alone: {row['beside']})"


def _default_gates() -> dict[str, Mapping[str, float]]:
    return {medium: limits for medium in registry.media() if (limits := registry.modality(medium).default_gate)}


def _gate_lines(gates: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for medium, limits in gates.items():
        written = ", ".join(f"{name} = {limit:g}" for name, limit in limits.items())
        yield f"gate of a recipe of {medium} without one: {written}"


def _plugins(kind: type[Plugin]) -> Iterator[Row]:
    for name in registry.names(kind):
        try:
            plugin = registry.load(kind, name)
        except BadInput as error:
            yield {"name": name, "summary": None, "version": None, "ready": False, "lacking": None, "error": str(error)}
            continue
        lacking = _lacking(kind, name)
        about = {"name": name, "summary": plugin.summary, "version": plugin.version}
        yield about | {"ready": lacking is None, "lacking": lacking, "error": None}


def _lacking(kind: type[Plugin], name: str) -> str | None:
    try:
        registry.require(kind, name)
    except MissingPackage as error:
        return error.command
    return None


def _about(row: Row) -> Text | str:
    return row["error"] or Text.assemble(row["summary"], " ", (f"(version {row['version']})", "dim"))


def _ready(row: Row) -> Text | str:
    if row.get("error"):
        return Text("broken", "red")
    return "yes" if row["ready"] else Text(row["lacking"], "yellow")


def _column(key: str) -> Callable[[Row], str]:
    return lambda row: str(row[key])


def _joined(key: str) -> Callable[[Row], str]:
    return lambda row: ", ".join(row[key]) or "–"


def _steps(row: Row) -> str:
    return f"here by {row['here_by']}" if row["here_by"] else " → ".join(row["steps"])


_NAME, _SUMMARY = _column("name"), _column("summary")
_OF_PLUGINS: Columns = {"name": _NAME, "what it is": _about, "ready": _ready}
_MADE: Mapping[str, tuple[Callable[[], Iterator[Row]], Columns]] = {
    "recipes": (_recipes, {"condition": _column("condition"), "steps": _steps, "what it makes": _SUMMARY}),
    "voices": (_voices, {"condition": _column("condition"), "who speaks": _SUMMARY, "ready": _ready}),
    "wordings": (_wordings, {"wording": _NAME, "what is written": _texts, "what it is for": _SUMMARY}),
    "families": (
        _families,
        {"family": _NAME, "what it is": _SUMMARY, "hosts": _joined("hosts"), "key": _column("key")},
    ),
    "guards": (
        _guards,
        {
            "guard": _NAME,
            "what it is": _SUMMARY,
            "published as": _column("model"),
            "languages": _joined("languages"),
            "licence": _column("licence"),
        },
    ),
}
