"""Phrases of a file of rules as patterns. How they are written is told at the top of `data/rules/refusal.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from safebench.resources import load_toml

GAP = 40  # characters that `…` may stand for


@cache
def pattern(file: str, table: str) -> re.Pattern[str]:
    """All phrases of one table. Every gap is bounded and no repeat is nested, so that matching takes linear time."""
    rules = load_toml(file)
    words = {**rules.get("words", {}), **_words_of(rules[table])}
    return re.compile(r"\b(?:" + "|".join(_compile(phrase, words) for phrase in rules[table]["phrases"]) + ")")


def _words_of(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The lists of a table of its own; `words` as a text is something else."""
    words = table.get("words")
    return words if isinstance(words, Mapping) else {}


def _compile(phrase: str, words: Mapping[str, Any]) -> str:
    anchor, phrase = ("^", phrase[1:]) if phrase.startswith("^") else ("", phrase)
    return anchor + "".join(_piece(part, words) for part in phrase.split(" ")).removesuffix(" ")


def _piece(part: str, words: Mapping[str, Any]) -> str:
    if part == "…":
        return f"(?:.{{0,{GAP}}}? )??"
    named = re.fullmatch(r"\{(\w+)(\??)\}", part)
    if named is None:
        return re.escape(part) + " "
    choice = "(?:" + "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words[named[1]]) + ") "
    return f"(?:{choice})?" if named[2] else choice
