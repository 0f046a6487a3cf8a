"""A model in a role that makes something: how its table is written, and how its answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict, model_validator

from safebench.models.almost_json import mended
from safebench.plugins import PluginOptions
from safebench.serialisation import decoder

SPARE, REREAD = 100_000, 20  # characters that may be read in vain, and how often all of a text
DEEP = 10_000  # what an object counts that is nested too deeply to be read
MENDING = 3  # characters for which one counts that is read by our own reader, which is slower
COUNTED = 20  # characters before an error that count as one: to tell its line, json counts all lines before it
_OBJECT = re.compile(r'\{\s{0,200}["}]')


class Declined(ValueError):
    """The answer says no."""


class Unreadable(ValueError):
    """The answer holds nothing that was asked for."""


class RoleOptions(PluginOptions):
    """`model` is the target, NAME[:ARGUMENT]; all other keys are its options. A string will do without them."""

    model_config = ConfigDict(frozen=True, extra="allow")
    model: str

    @model_validator(mode="before")
    @classmethod
    def _or_the_target_alone(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value


def schema_of(**properties: Any) -> dict[str, Any]:
    """Of an object with these properties, each with its own schema, and no others."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


def last_object(text: str, key: str) -> dict[str, Any] | None:
    """The last JSON object in a text that has this key, in any case."""
    last = None
    for value, _ in objects(text):
        table = {str(name).lower().replace(" ", "_"): inner for name, inner in value.items()}
        last = table if key in table else last
    return last


def objects(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    """All complete top-level JSON objects in a text, in order, each with the part of the text that it was read from.

    What is almost JSON is read as `mended` puts it right. One that says two things under the same key says nothing: it
    comes empty. What does not close is read again from every brace inside of it, up to a number of characters that
    grows with the text's length alone; beyond it, which no honest text reaches, Unreadable is raised.
    """
    begun = _OBJECT.search(text)
    left = SPARE + REREAD * len(text)
    while begun is not None:
        position = begun.start()
        try:
            value, end = _READER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            left -= error.pos - position + error.pos // COUNTED + 1
            right, end = mended(text, position)
            left -= MENDING * (end - position)
            value = _read(right)
            if value is None:
                end = position + 1
            else:
                yield value, text[position:end]
        except (ValueError, RecursionError):
            left -= DEEP
            end = position + 1
        else:
            yield value, text[position:end]
        if left < 0:
            raise Unreadable("it holds too many braces that are never closed")
        begun = _OBJECT.search(text, end)


def _read(mended: str) -> dict[str, Any] | None:
    try:
        value = _READER.decode(mended)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    return table if all(table[name] == value for name, value in pairs) else {}


_READER = decoder(_unambiguous)
