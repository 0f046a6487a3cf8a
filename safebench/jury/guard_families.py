"""Families of guard models and rubrics that can be jurors; what they are is data (`data/guards.toml`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property
from string import Template
from typing import Any, Literal

from pydantic import Field

from safebench import registry, taxonomy
from safebench.errors import BadInput, check_known, unknown
from safebench.models.fence import defuse
from safebench.plugins import PluginOptions
from safebench.resources import load_toml
from safebench.types import Form

LIKE = "like"
EVERY = "*"
NO_VERDICTS = {"summary", "model", "licence", "source", "languages"}  # what changes no verdict
FORMS: Mapping[str, Form] = {"turns": "chat", "message": "chat", "prompt": "completion", "moderation": "moderation"}


class GuardFamily(PluginOptions):
    """How guards of one family are asked and read; `data/guards.toml` says what each key means."""

    name: str
    summary: str
    model: str
    licence: str
    source: tuple[str, ...]
    languages: tuple[str, ...]
    form: Literal["turns", "prompt", "message", "moderation"]
    prompt: str = ""
    closing: str = ""
    policies: Mapping[str, str] = {}
    marks: tuple[str, ...] = ()
    reads: Literal["words", "rubric", "moderation"] = "words"
    verdict: str = ""
    unsafe: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    threshold: float = Field(0.5, gt=0, lt=1)
    judges: Literal["harm", "request"] = "harm"
    harmful_only: bool = False
    longest: int = Field(gt=0)
    window: int = Field(gt=0)
    parameters: Mapping[str, Any] = {}
    covers: tuple[str, ...] | Literal["*"] = ()
    categories: Mapping[str, tuple[str, ...]] = {}

    @property
    def request_form(self) -> Form:
        return FORMS[self.form]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.verdict, re.IGNORECASE | re.DOTALL)

    @cached_property
    def covered(self) -> Collection[str]:
        """Scenarios that its policy speaks of."""
        if self.covers == EVERY:
            return taxonomy.scenarios()
        return self.covers or {scenario for scenarios in self.categories.values() for scenario in scenarios}

    def defuse(self, text: str) -> str:
        """The text with a blank inside all that would end or open a part of its prompt."""
        return self._marks.sub(lambda end: f"{end[0][0]} {end[0][1:]}", defuse(text))

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.marks)) or r"(?!)", re.IGNORECASE)

    def fill(self, **values: str) -> str:
        """Its prompt. Values are put in once and never expanded again, whatever they hold."""
        return Template(self.prompt).substitute(values)

    def describe(self) -> str:
        """Its name and what it says, in short: other facts make other verdicts."""
        rules = self.model_dump_json(exclude=NO_VERDICTS)
        return f"{self.name} {hashlib.sha256(rules.encode()).hexdigest()[:12]}"


@cache
def guard_families() -> dict[str, GuardFamily]:
    """All that are shipped, by name."""
    tables = load_toml("guards.toml")
    return {name: _family(table, name, f"guard {name}") for name, table in tables.items()}


def guard_family(named: str | Mapping[str, Any], where: str) -> GuardFamily:
    """A family by name, or by a table: keys of data/guards.toml, and `like`, the family that they are taken from else.

    Raises BadInput for an unknown name or key, a verdict that cannot be read, and a category that maps to nothing.
    """
    if not isinstance(named, str):
        return _family(named, f"like {named.get(LIKE, 'none')}", f"{where}: guard")
    check_known("guard", named, guard_families(), where)
    return guard_families()[named]


def _family(table: Mapping[str, Any], name: str, where: str) -> GuardFamily:
    keys = dict(table)
    like = keys.pop(LIKE, None)
    tables = load_toml("guards.toml")
    if like is not None and not (isinstance(like, str) and like in tables):
        raise unknown("guard", str(like), tables, where)
    facts = {**(tables[like] if like else {}), **keys, "name": name}
    family = registry.validated(GuardFamily, where, facts, [LIKE])
    if problems := [f"{where}: {problem}" for problem in _problems(family)]:
        raise BadInput(*problems)
    return family


def _problems(family: GuardFamily) -> Iterator[str]:
    yield from _unreadable(family)
    if family.form in ("prompt", "message") and "$answer" not in family.prompt:
        yield "its prompt has no $answer"
    for category, scenarios in family.categories.items():
        if not scenarios:
            yield f"category {category!r} maps to nothing: name scenarios of data/taxonomy.toml, or leave it out"
        yield from _strangers(scenarios, f"category {category!r}")
    if family.covers != EVERY:
        yield from _strangers(family.covers, "covers")
    if not family.covered:
        yield "it covers no scenario: give categories, or covers"


def _strangers(scenarios: Collection[str], where: str) -> Iterator[str]:
    for scenario in scenarios:
        if scenario not in taxonomy.scenarios():
            yield str(unknown("scenario", scenario, taxonomy.scenarios(), where))


def _unreadable(family: GuardFamily) -> Iterator[str]:
    """What keeps its verdicts from being read."""
    if family.reads != "words":
        return
    if not (family.unsafe and family.safe):
        yield "it needs words for `unsafe` and for `safe`"
    try:
        if "label" not in family.pattern.groupindex:
            yield "its `verdict` has no group `label`"
    except re.error as error:
        yield f"its `verdict` is no regular expression: {error}"
