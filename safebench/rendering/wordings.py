"""Wordings: what is written around or beside a query, in texts of ours (`data/wordings.toml`) or of the user's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.files import read_toml
from safebench.plugins import MADE, PLACE, QUERY, PluginOptions
from safebench.resources import load_toml
from safebench.types import TEXT, is_visible

OWN = "own"  # in place of a wording's name: what recipe and modality say
RESERVED = (OWN, QUERY, MADE)
POINTING = r"\b(?:the|this|that|these|those|attached|following|above|below) (?:\w+ )?(?:{})s?\b"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PLACES = re.compile(r"\{+\s*[\w-]+\s*\}+|\$\{?[A-Za-z_]\w*\}?|[\[<]+query[\]>]+")


class WordingTexts(PluginOptions):
    """`text`: with PLACE where the query stands, if it is written. `beside`: the same where the query is only in the
    media.
    """

    text: str
    beside: str | None = None
    media: tuple[str, ...] | None = None  # that it speaks of; told from its words when not given
    description: str = ""

    @property
    def texts(self) -> list[str]:
        return [self.text, *([self.beside] if self.beside is not None else [])]

    def written(self, *, query: bool) -> str:
        """The text that is written where the query is written, or where it is not."""
        return self.text if query or self.beside is None else self.beside

    def table(self) -> dict[str, Any]:
        """As it is written in a file, with all that is sent."""
        return self.model_dump(mode="json", exclude={"description"}, exclude_defaults=True)


Wordings = Mapping[str, WordingTexts]


def load_wordings(own: Mapping[str, Any] | None = None) -> Wordings:
    """By name: those that are shipped, and the user's `own`, which go before. Raises BadInput for what is none."""
    return {**_shipped(), **_read(own or {}, "wording")}


@cache
def _shipped() -> Wordings:
    return _read(load_toml("wordings.toml"), "wordings.toml")


def _read(tables: Mapping[str, Any], where: str) -> Wordings:
    return {name: _wording(name, table, f"{where} {name!r}") for name, table in tables.items()}


def _wording(name: str, table: Any, where: str) -> WordingTexts:
    """From a table, or its text alone."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise BadInput(f"{where} is no name: small letters, digits, - and _, and none of {', '.join(RESERVED)}")
    if not isinstance(table, str | Mapping):
        raise BadInput(f"{where} is {table!r}: neither a text nor a table with its `text`")
    wording = registry.validated(WordingTexts, where, {"text": table} if isinstance(table, str) else table)
    problems = [f"{where}: {problem}" for text in wording.texts for problem in problems_of(text)]
    problems += [f"{where}: beside = {wording.beside!r} holds {PLACE}" for _ in [0] if PLACE in (wording.beside or "")]
    if problems:
        raise BadInput(*problems)
    return wording


def problems_of(text: str) -> Iterator[str]:
    """What is wrong with a text, whatever it goes with."""
    if not is_visible(text):
        yield "the text is empty"
    for place in dict.fromkeys(_PLACES.findall(text)):
        if place != PLACE:
            yield f"{place} would be sent as it stands: nothing but {PLACE} is filled in"


def wording(name: str, wordings: Wordings, where: str, also: Sequence[str] = (OWN,)) -> WordingTexts:
    """The one of that name. Raises BadInput where there is none; `also`: what else could have been meant."""
    if name not in wordings:
        raise unknown("wording", name, [*also, *wordings], where)
    return wordings[name]


def is_name(carrier: str) -> bool:
    """Whether it names a wording, be it a wrong one; else it is the text itself."""
    return re.fullmatch(r"[\w.-]+", carrier, re.ASCII) is not None


def speaks_of(text: str) -> tuple[str, ...]:
    """The media that a text points at by its words (English)."""
    nouns = {medium: "|".join([medium, *registry.modality(medium).nouns]) for medium in registry.media()}
    pointed = (m for m, any_noun in nouns.items() if re.search(POINTING.format(any_noun), text, re.IGNORECASE))
    return tuple(medium for medium in pointed if medium != TEXT)


# --- which are asked for


def given(specs: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The names that are asked for by NAME, NAME=TEXT, or FILE.toml with all that it holds; and the texts that come so.

    Raises BadInput for another form, and for a file that cannot be read.
    """
    names: list[str] = []
    tables: dict[str, Any] = {}
    for spec in specs:
        name, equals, text = spec.partition("=")
        own = {name: text} if equals and is_name(name) else read_toml(Path(spec)) if spec.endswith(".toml") else {}
        if not own and not is_name(spec):
            raise BadInput(f"wording {spec!r} is not written NAME, NAME=TEXT or FILE.toml")
        names += own or [spec]
        tables |= own
    return names, tables


def under(conditions: Sequence[str], names: Sequence[str]) -> list[str]:
    """Each condition under each wording, but for one that names its own."""
    asked = ([one] if "~" in one else [f"{one}~{name}" for name in names] for one in conditions)
    return [one for several in asked for one in several]
