"""JSON and numbers that others wrote: read by one function at every door, and never believed.

No database takes NaN, no number of ours may be infinite, and nothing is read deeper than anybody would write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

DEEPEST = 200  # levels; real answers have a dozen
LONGEST_NUMBER = 18  # digits of a whole number: more do not fit into a database
LONGEST_TEXT = 200  # characters of what is kept of a value that is no number

Table = Callable[[list[tuple[str, Any]]], Any]


def read_json(text: str | bytes) -> Any:
    """What is written there; a number that nobody can store (NaN, Infinity, 1e999) comes as the text that it is.

    Raises ValueError for what is no JSON, and for what is nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=str, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    check_depth(value)
    return value


def decoder(table: Table) -> json.JSONDecoder:
    """The same for JSON in the midst of a text. `table` makes a value of the pairs of an object."""
    return json.JSONDecoder(object_pairs_hook=table, parse_constant=str, parse_float=_float, parse_int=_int)


def check_depth(value: Any) -> None:
    """Raises ValueError for what is nested too deeply."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise ValueError("the JSON is nested too deeply")


def finite(value: Any) -> Any:
    """The value with nothing in place of numbers that are none, at any depth."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def counts(value: object, depth: int = 0) -> dict[str, Any]:
    """What an endpoint says that a call took: numbers as numbers, all else as the beginning of its text."""
    if not isinstance(value, Mapping):
        return {"told": _shortened(value)} if value else {}
    return {_shortened(key): _count(inner, depth) for key, inner in value.items()}


def _count(value: object, depth: int) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if len(str(abs(value))) <= LONGEST_NUMBER else _shortened(value)
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return counts(value, depth + 1) if isinstance(value, Mapping) and depth < 3 else _shortened(value)


def _shortened(value: object) -> str:
    return str(value)[:LONGEST_TEXT]


def _float(digits: str) -> float | str:
    return number if isfinite(number := float(digits)) else digits


def _int(digits: str) -> int | str:
    return int(digits) if len(digits.lstrip("-")) <= LONGEST_NUMBER else digits


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [one for one in value if isinstance(one, dict | list)] if isinstance(value, list) else []
