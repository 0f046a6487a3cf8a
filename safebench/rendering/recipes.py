"""Recipes: named chains of converters with versions and parameters, and the conditions that name them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.files import content_hash, read_toml
from safebench.plugins import QUERY, Converter, Modality, PluginOptions, Step
from safebench.resources import data_path
from safebench.types import TEXT, Condition


class Recipe(PluginOptions):
    """How a medium is made from a query, and the gate below which a rendering counts as not made."""

    name: str
    medium: str
    description: str = ""
    steps: tuple[Step, ...] = ()
    gate: Mapping[str, float] = {}
    tries: int = Field(1, ge=1, le=10)  # renderings that are made at most until one is faithful
    carrier: str | None = None  # the written part, by prompt name, QUERY or MADE; the modality's own when not given
    layout: Mapping[str, float] = {}  # of the message, by what its modality knows
    control: bool = False  # made to carry no query: not checked, and asked with the written query beside it alone
    among: tuple[str, ...] = ()  # instead of steps: recipes of this medium, assigned evenly within each scenario
    another: str | None = None  # instead of steps: what the recipe of this name makes of another query
    quickstart: bool = False  # whether the quickstart asks under this recipe too
    _recorded: str | None = PrivateAttr(None)  # the fingerprint with which its media were made elsewhere

    @model_validator(mode="after")
    def _has_steps(self) -> Recipe:
        if [bool(self.steps), bool(self.among), self.another is not None].count(True) != 1:
            raise ValueError("a recipe needs one of: steps; `among`, recipes to choose from; `another`, a recipe")
        return self

    @model_validator(mode="after")
    def _is_asked_with_the_query(self) -> Recipe:
        if self.another is not None and not self.control:
            raise ValueError("what renders another query is a control: it needs `control = true`")
        if self.control and (self.carrier != QUERY or self.medium == TEXT):
            raise ValueError('a control does not carry the query: it needs `carrier = "query"`, and is no text')
        return self

    @property
    def condition(self) -> str:
        """The condition with nothing but what it makes, as it is written."""
        return str(Condition(self.medium, recipe=self.name))

    def check(self) -> None:
        """Raises BadInput when a step is unknown, lacks packages, has wrong options, or does not fit."""
        where = f"recipe {self.medium}.{self.name}"
        _known("limit", self.gate, registry.modality(self.medium).limits, f"the gate of {where}")
        _known("key", self.layout, registry.modality(self.medium).layout, f"the layout of {where}")
        if not self.steps:
            return  # the recipes that it names are checked on their own
        has = TEXT
        for step in self.steps:
            converter = registry.load(Converter, step.use)
            if converter.takes != has:
                raise BadInput(f"{where}: converter {step.use!r} takes {converter.takes}, but gets {has} here")
            registry.create(Converter, step.use, where, **step.options)
            has = converter.gives
        if has != self.medium:
            raise BadInput(f"{where} ends with {has}, not with {self.medium}")
        if self.tries > 1 and not any(registry.load(Converter, step.use).varies for step in self.steps):
            raise BadInput(f"{where}: tries = {self.tries}, and none of its steps makes anything else on another try")

    def definition(self) -> dict[str, Any]:
        """What the media and the gate hang on, but for versions and files."""
        return self.model_dump(mode="json", exclude={"description", "quickstart"})

    def table(self) -> dict[str, Any]:
        """As it is written in a recipes file."""
        return self.model_dump(mode="json", exclude={"name", "medium"}, exclude_defaults=True)

    def fingerprint(self) -> str:
        """Changes whenever the same text would give other bytes or be judged by another gate."""
        return self._recorded or _fingerprint(json.dumps(self.definition(), sort_keys=True))

    def recorded(self, fingerprint: str) -> Recipe:
        """The same for media that were made elsewhere: it has the fingerprint that was recorded there."""
        copy = self.model_copy()
        copy._recorded = fingerprint
        return copy


def _known(kind: str, given: Mapping[str, float], known: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in known:
            raise unknown(kind, name, known, where)


@lru_cache(maxsize=256)
def _fingerprint(content: str) -> str:
    """Kept until recipes are loaded again: the files that it names are read for it."""
    made_from = [content]
    for step in (Step(**step) for step in json.loads(content)["steps"]):
        converter = registry.load(Converter, step.use)
        options = converter.Options(**step.options)
        made_from += [converter.version, *options.versions(), *(content_hash(file) for file in options.files())]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


Recipes = dict[tuple[str, str], Recipe]


def load_recipes(
    file: Path | None = None, inline: Mapping[str, Any] | None = None, brought: Mapping[str, Any] | None = None
) -> Recipes:
    """By (medium, name), last wins: shipped recipes, those of modalities, those `brought` by data, `file`, `inline`.

    Raises BadInput for a file that cannot be read and for a recipe that is none.
    """
    _fingerprint.cache_clear()  # files may have changed since
    shipped = data_path("recipes.toml")
    recipes = _parse(read_toml(shipped), shipped.name)
    for name in registry.names(Modality):
        modality = registry.load(Modality, name)
        recipes |= _parse({modality.medium: modality.recipes()}, f"modality {name}")
    recipes |= _parse(brought or {}, "data")
    recipes |= _parse(read_toml(file), file.name) if file else {}
    return recipes | _parse(inline or {}, "run file")


def _parse(tables: Mapping[str, Any], where: str) -> Recipes:
    parsed: Recipes = {}
    for medium, named in tables.items():
        if medium == "schema":  # of the file's form
            continue
        if not isinstance(named, Mapping):
            raise BadInput(f"{where}: {medium} = {named!r} is no table of recipes: write [{medium}.NAME]")
        for name, table in named.items():
            parsed[medium, name] = _recipe(where, medium, name, table)
    return parsed


def _recipe(file: str, medium: str, name: str, table: Any) -> Recipe:
    where = f"{file}: recipe {medium}.{name}"
    if not isinstance(table, Mapping):
        raise BadInput(f"{where} is {table!r}, not a table")
    for key in {"name", "medium"} & table.keys():
        raise BadInput(f"{where}: {key} = {table[key]!r} is said by the head of the table, [MEDIUM.NAME]: leave it out")
    return registry.validated(Recipe, where, {**table, "name": name, "medium": medium})
