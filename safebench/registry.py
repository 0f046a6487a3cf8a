"""Finds plug-ins through entry points. Ours and third parties' are found the same way, and loaded when chosen."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from safebench.errors import BadInput, MissingPackage, check_known, unknown
from safebench.files import content_hash
from safebench.plugins import Converter, Exporter, Juror, Modality, ModelCalls, Plugin, Recogniser, Target
from safebench.types import Media

P = TypeVar("P", bound=Plugin)
Recognise = Callable[[str, Media], Awaitable[str]]

KINDS: dict[type[Plugin], str] = {
    Converter: "converter",
    Modality: "modality",
    Recogniser: "recogniser",
    Target: "target",
    Juror: "juror",
    Exporter: "exporter",
}
GROUPS = {kind: f"safebench.{'modalities' if kind is Modality else name + 's'}" for kind, name in KINDS.items()}
LISTED = {group.removeprefix("safebench."): kind for kind, group in GROUPS.items()}


@cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(kind: type[Plugin]) -> list[str]:
    return sorted(_entry_points(GROUPS[kind]))


def list_plugins(kind: str) -> list[str]:
    """Names of the plug-ins of a kind: modalities, converters, recognisers, targets, jurors or exporters, ours or not.

    Raises BadInput for any other kind.
    """
    check_known("kind of plug-in", kind, LISTED)
    return names(LISTED[kind])


@cache
def load(kind: type[P], name: str) -> type[P]:
    """The plug-in class of that name.

    Raises BadInput when the name is unknown, the class cannot be imported, or it is incomplete.
    """
    points = _entry_points(GROUPS[kind])
    check_known(KINDS[kind], name, points)
    try:
        plugin = points[name].load()
    except Exception as error:  # a package of somebody else's: anything can be wrong with it
        problem = f"{type(error).__name__}: {error}"
        raise BadInput(f"{KINDS[kind]} {name!r} ({points[name].value}) cannot be imported: {problem}") from error
    check_complete(kind, name, plugin)
    return cast(type[P], plugin)


def check_complete(kind: type[Plugin], name: str, plugin: object) -> None:
    """Raises BadInput with everything that is missing."""
    if not (inspect.isclass(plugin) and issubclass(plugin, kind)):
        raise BadInput(f"{KINDS[kind]} {name!r} is {plugin!r}, not a subclass of safebench.plugins.{kind.__name__}")
    missing = [f"class attribute {a!r}" for a in kind.required if not hasattr(plugin, a)]
    missing += [f"method {m!r}" for m in sorted(getattr(plugin, "__abstractmethods__", ()))]
    if missing:
        raise BadInput(f"{KINDS[kind]} {name!r} ({plugin.__module__}) is incomplete; it lacks {', '.join(missing)}")


def require(kind: type[Plugin], name: str) -> None:
    """Raises MissingPackage when packages of that plug-in are not installed."""
    plugin = load(kind, name)
    lacking = plugin.lacking()
    if lacking:
        raise MissingPackage(f"{KINDS[kind]} {name!r}", lacking, plugin.extra)


def create(kind: type[P], name: str, where: str, /, **options: Any) -> P:
    """A plug-in with its options checked; `where` says where they were written."""
    plugin: type[P] = load(kind, name)
    require(kind, name)
    return plugin(validated(plugin.Options, f"{where}: {KINDS[kind]} {name!r}", options))


def recogniser_class(spec: str) -> type[Recogniser]:
    """The class of NAME[:ARGUMENT], ready to be used. Raises BadInput for an unknown one or a wrong argument."""
    name = spec.partition(":")[0]
    require(Recogniser, name)
    plugin: type[Recogniser] = load(Recogniser, name)
    validated(plugin.Options, f"recogniser {spec!r}", argument_of(spec))
    return plugin


def recogniser_facts(spec: str) -> dict[str, Any]:
    """`name` (NAME[:ARGUMENT]) and `version`, that of its weights included, and the digests of `files` that it uses.

    It need not be installed. Raises BadInput for an unknown one.
    """
    plugin: type[Recogniser] = load(Recogniser, spec.partition(":")[0])
    options = plugin.Options.model_construct(None, **argument_of(spec))  # whoever makes the recogniser checks them
    files = _digests(*options.files())
    version = " ".join([plugin.version, *options.versions()])
    return {"name": spec, "version": version, **({"files": files} if files else {})}


def recogniser_asks(spec: str) -> Iterable[ModelCalls]:
    """The models that NAME[:ARGUMENT] asks."""
    plugin: type[Recogniser] = load(Recogniser, spec.partition(":")[0])
    return plugin.Options.model_construct(None, **argument_of(spec)).asks()


@cache
def _digests(*files: Path) -> dict[str, str]:
    """Read once a process: every rendering is named by them."""
    return {file.name: content_hash(file) for file in files}


def argument_of(spec: str) -> dict[str, str]:
    """The options that NAME[:ARGUMENT] gives."""
    _, colon, argument = spec.partition(":")
    return {"argument": argument} if colon else {}


def missing(kind: type[Plugin], name: str, where: str, /, **options: Any) -> str | None:
    """Why a plug-in with these options cannot work here, in one line; None where nothing is missing.

    Raises BadInput for an unknown one and for wrong options; `where` says where they were written.
    """
    plugin = load(kind, name)
    lacking: str | None = plugin.missing(validated(plugin.Options, f"{where}: {KINDS[kind]} {name!r}", options))
    return lacking


def option_errors(error: ValidationError, plugin: type[Plugin], where: str) -> BadInput:
    """Pydantic's complaints as lines of ours, with the nearest option for an unknown one."""
    return BadInput(*explain(error, list(plugin.Options.model_fields), where))


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], where: str, values: Mapping[str, Any], also: Iterable[str] = ()) -> Model:
    """Raises BadInput with every problem, naming `where` the values came from; `also`: keys of tables inside."""
    try:
        return model(**values)
    except ValidationError as error:
        raise BadInput(*explain(error, [*model.model_fields, *also], where)) from error


def explain(error: ValidationError, known: list[str], where: str) -> list[str]:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            near = unknown("key", key.split(".")[-1], known, where)
            lines.append(str(near))
        else:
            lines.append(f"{where}: {key or 'value'} = {problem.get('input')!r}: {problem['msg']}")
    return lines


@cache
def modality(medium: str) -> Modality:
    """The modality of a medium. Raises BadInput for an unknown medium."""
    by_medium = {load(Modality, name).medium: name for name in names(Modality)}
    check_known("medium", medium, by_medium)
    return create(Modality, by_medium[medium], "modality")


def media() -> list[str]:
    """All media that have a modality."""
    return sorted(load(Modality, name).medium for name in names(Modality))
