"""Recipes: named chains of converters with versions and parameters, and the conditions that name them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from safebench import registry
from safebench.errors import BadInput, check_known, unknown
from safebench.files import content_hash, read_toml
from safebench.models.languages import primary
from safebench.plugins import MADE, QUERY, Converter, Modality, ModelCalls, PluginOptions, Step
from safebench.rendering.wordings import Wordings, is_name, problems_of, wording
from safebench.resources import data_path
from safebench.types import TEXT, Condition


class Recipe(PluginOptions):
    """How a medium is made from a query, and the gate below which a rendering counts as not made."""

    name: str
    medium: str
    description: str = ""
    steps: tuple[Step, ...] = ()
    gate: Mapping[str, float] = {}  # of what is checked; the modality's own when not given
    tries: int = Field(1, ge=1, le=10)  # renderings that are made at most until one is faithful
    carrier: str | None = None  # the written part: a wording's name or a text, QUERY, MADE; else the modality's own
    reworded: Literal["media", "written", "both"] = "media"  # where what steps from text to text make of the query goes
    layout: Mapping[str, float] = {}  # of the message, by what its modality knows
    control: bool = False  # made to carry no query: not checked, and asked with the written query beside it alone
    among: tuple[str, ...] = ()  # instead of steps: recipes of this medium, assigned evenly within each scenario
    first_of: tuple[str, ...] = ()  # instead of steps: recipes of this medium, the best first; the first that can work
    languages: Mapping[str, str] = {}  # by language the recipe of this medium for queries in it, in place of the others
    another: str | None = None  # instead of steps: what the recipe of this name makes of another query
    quickstart: bool = False  # whether the quickstart asks under this recipe too
    _recorded: str | None = PrivateAttr(None)  # the fingerprint with which its media were made elsewhere

    @model_validator(mode="after")
    def _has_steps(self) -> Recipe:
        ways = [bool(self.steps), bool(self.among), bool(self.first_of), self.another is not None]
        if ways.count(True) != 1:
            raise ValueError(
                "a recipe needs one of: steps; `among`, recipes to choose from; `first_of`, recipes from the best on; "
                "`another`, a recipe"
            )
        return self

    @model_validator(mode="after")
    def _is_asked_with_the_query(self) -> Recipe:
        if self.another is not None and not self.control:
            raise ValueError("what renders another query is a control: it needs `control = true`")
        if self.control and (self.carrier != QUERY or self.medium == TEXT):
            raise ValueError('a control does not carry the query: it needs `carrier = "query"`, and is no text')
        return self

    @model_validator(mode="after")
    def _says_nothing_that_is_not_heeded(self) -> Recipe:
        theirs = ("gate", "tries", "control", "reworded")
        for rule, applies, keys in (
            ("`among` deals: its members say this, each for itself", self.among, theirs),
            ("`first_of` names others: they say this, each for itself", self.first_of, theirs),
            ("only one that names others names some by language", not (self.among or self.first_of), ("languages",)),
            ("what renders another query does so as that recipe says", self.another, ("tries", "reworded")),
            ("all of a text is written", self.medium == TEXT, ("reworded",)),
            ('the query is written as it is, by `carrier = "query"`', self.carrier == QUERY, ("reworded",)),
            ("a control is not checked", self.control, ("gate",)),
        ):
            given = [key for key in keys if applies and getattr(self, key) != type(self).model_fields[key].default]
            if given:
                raise ValueError(f"{rule}, so leave out {', '.join(given)}")
        return self

    @property
    def condition(self) -> str:
        """The condition with nothing but what it makes, as it is written."""
        return str(Condition(self.medium, recipe=self.name))

    @property
    def where(self) -> str:
        """As errors name it."""
        return f"recipe {self.medium}.{self.name}"

    @property
    def depicts(self) -> bool:
        """Whether its media show what a query is about, and hold none of its text to be read back."""
        return any(converter.depicts for converter in self._known_converters())

    @property
    def rewords(self) -> bool:
        """Whether other words than the query's are to be found in its media."""
        return self.reworded != "written" and any(map(_rewords, self._known_converters()))

    @property
    def makes_text(self) -> bool:
        """Whether what it makes stands for the query in the written part."""
        return self.carrier == MADE or (self.carrier != QUERY and self.reworded != "media")

    def gated(self) -> Recipe:
        """With its modality's gate where it has none, but for what holds no text of the query."""
        if self.gate or not self.steps or self.control or self.medium not in registry.media() or self.depicts:
            return self
        return self.model_copy(update={"gate": registry.modality(self.medium).default_gate})

    def dealt(self, member: Recipe) -> Recipe:
        """A recipe that this one names, put to the target as this one says. The rendering stays that recipe's own."""
        message = {key: value for key in ("carrier", "layout") if (value := getattr(self, key))}
        return member.model_copy(update=message).recorded(member.fingerprint()) if message else member

    def for_language(self, language: str | None) -> str | None:
        """The name of the recipe for queries in a language, where there is one of its own."""
        return self.languages.get(primary(language)) if language else None

    def standing_for(self, other: Recipe) -> Recipe:
        """One with `first_of`, as another name for one of them."""
        return self.model_copy(update={"first_of": (), "among": (other.name,)})

    def check(self) -> None:
        """Raises BadInput when a step is unknown, lacks packages, has wrong options, or does not fit."""
        self.check_keys()
        where = self.where
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
        if self.tries > 1 and not any(converter.varies for converter in self._converters()):
            raise BadInput(f"{where}: tries = {self.tries}, and none of its steps makes anything else on another try")
        self._check_reworded()

    def _check_reworded(self) -> None:
        converters = [] if self.reworded == "media" else self._converters()
        if converters and not any(map(_rewords, converters)):
            raise BadInput(f"{self.where}: reworded = {self.reworded!r}, and none of its steps rewords the query")
        if any(converter.writes for converter in converters):
            raise BadInput(f"{self.where}: reworded = {self.reworded!r}, and one of its steps makes the written part")

    def check_keys(self) -> None:
        """Raises BadInput for a limit or a key of the layout that there is not, for a control that asks nothing, and
        where what is made of the query to be written is not.

        These count as well where the media are there already and no step is taken.
        """
        modality = registry.modality(self.medium)
        _known("limit", self.gate, modality.limits, f"the gate of {self.where}")
        _known("key", self.layout, modality.layout, f"the layout of {self.where}")
        if self.control and self.carrier != QUERY:  # where another recipe deals to it, and has a carrier
            raise BadInput(f"{self.where} is a control: with carrier = {self.carrier!r} nothing would be asked")
        if self.reworded != "media" and self.carrier == QUERY:  # likewise
            raise BadInput(
                f"{self.where} has reworded = {self.reworded!r}: with carrier = {QUERY!r} the query is written as it"
                " is, and what is made of it is lost"
            )

    def check_carrier(self, wordings: Wordings) -> None:
        """Raises BadInput for a carrier that there is not, or that cannot be."""
        carrier = self.carrier
        if self.medium == TEXT and carrier in (QUERY, MADE):
            raise BadInput(f"{self.where}: carrier = {carrier!r}: nothing is written beside a text")
        if carrier == MADE and self.steps and not any(converter.writes for converter in self._converters()):
            raise BadInput(f"{self.where}: carrier = {carrier!r}, and none of its steps makes a written part")
        if carrier is None or carrier in (QUERY, MADE):
            return
        if is_name(carrier):
            wording(carrier, wordings, f"the carrier of {self.where}", (QUERY, MADE))
        elif problems := [f"{self.where}: carrier: {problem}" for problem in problems_of(carrier)]:
            raise BadInput(*problems)

    def _converters(self) -> list[type[Converter]]:
        return [registry.load(Converter, step.use) for step in self.steps]

    def _known_converters(self) -> list[type[Converter]]:
        """Those that are there: media that come with data may have been made by others."""
        known = registry.names(Converter)
        return [registry.load(Converter, step.use) for step in self.steps if step.use in known]

    def definition(self) -> dict[str, Any]:
        """What the media and the gate hang on, but for versions and files.

        Of one with `first_of` that is what it stands for: it has to be settled before.
        """
        usual = {"reworded"} if self.reworded == "media" else set()  # so that media made before there was the key stay
        return self.model_dump(mode="json", exclude={"description", "quickstart", "first_of", *usual})

    def made_by(self) -> list[str]:
        """Its converters, each with its version and those of the weights and plug-ins that its options name."""
        return [
            " ".join([step.use, registry.load(Converter, step.use).version, *_options(step).versions()])
            for step in self.steps
        ]

    def asks(self) -> list[ModelCalls]:
        """Those that its converters ask, with what is asked at most in all tries together."""
        asked = (one for step in self.steps for one in _options(step).asks())
        return [one._replace(most=one.most * self.tries) for one in asked]

    def digests(self) -> dict[str, str]:
        """By name the digests of the files that its converters' options name."""
        return {file.name: content_hash(file) for step in self.steps for file in _options(step).files()}

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


def _rewords(converter: type[Converter]) -> bool:
    return converter.gives == TEXT and converter.rewords


def _known(kind: str, given: Mapping[str, float], known: tuple[str, ...], where: str) -> None:
    for name in given:
        check_known(kind, name, known, where)


@lru_cache(maxsize=256)
def _fingerprint(content: str) -> str:
    """Kept until recipes are loaded again: the files that it names are read for it."""
    made_from = [content]
    for step in (Step(**step) for step in json.loads(content)["steps"]):
        options = _options(step)
        version = registry.load(Converter, step.use).version
        made_from += [version, *options.versions(), *(content_hash(file) for file in options.files())]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def _options(step: Step) -> PluginOptions:
    options: PluginOptions = registry.load(Converter, step.use).Options(**step.options)
    return options


Recipes = dict[tuple[str, str], Recipe]


def with_steps(recipe: Recipe, name: str | None, known: Recipes) -> Recipe:
    """The one of that name that `recipe` names and that has steps. Raises BadInput where there is none."""
    named = [other for medium, other in known if medium == recipe.medium and known[medium, other].steps]
    if name is None or name not in named:
        raise unknown(f"{recipe.medium} recipe", str(name), named, recipe.where)
    return known[recipe.medium, name]


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
    return registry.validated(Recipe, where, {**table, "name": name, "medium": medium}).gated()
