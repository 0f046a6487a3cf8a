"""How the frozen types are written as JSON and read back. Media become references by SHA-256, never base64.

JSON that others wrote is read by one function at every door, and never believed: no database takes NaN, no number of
ours may be infinite, and nothing is read deeper than anybody would write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from safebench.types import (
    Absence,
    Attempt,
    Ballot,
    Draft,
    Failure,
    Fidelity,
    Label,
    Media,
    Rendering,
    Response,
    ScoredToken,
    Transcript,
)

Find = Callable[[dict[str, Any]], Media]  # from a media reference to the media in the store


def storable(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can hold and models send all the same."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def stored(value: Any) -> str:
    """JSON for a row of a run: as `compact` writes it, four times as fast, and `storable`.

    Numbers that are none become null: one NaN, and no query of the database could read the table any more.
    """
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError:  # lone surrogates
        return storable(compact(finite(value)))


compact = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode  # one for every row


def plain_tables(values: Mapping[str, Any]) -> dict[str, Any]:
    """As it comes back from TOML or JSON: lists for tuples, no None, which TOML does not know."""
    read: dict[str, Any] = json.loads(compact(dict(values)))
    return {key: _without_none(value) for key, value in read.items() if value is not None}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables and lists as (dotted key, value); items of lists count from 1."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value, start=1):
            yield from leaves(inner, f"{key}.{number}")
    else:
        yield key, value


def differences(there: Any, here: Any) -> list[str]:
    """Every leaf that is not the same in both, with its values."""
    old, new = dict(leaves(there)), dict(leaves(here))
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return [f"{key} (there {old.get(key)!r}, here {new.get(key)!r})" for key in keys]


def fidelity_from(data: dict[str, Any]) -> Fidelity:
    return Fidelity(**data)


def failure_from(data: dict[str, Any] | None) -> Failure | None:
    return Failure(**data) if data else None


def rendering_to(rendering: Rendering) -> dict[str, Any]:
    return {
        "recipe": rendering.recipe,
        "media": rendering.media.reference() if rendering.media else None,
        "fidelity": asdict(rendering.fidelity),
        "failure": asdict(rendering.failure) if rendering.failure else None,
        "seconds": round(rendering.seconds, 4),
        "tries": rendering.tries,
        "said": rendering.said,
        "written": rendering.written,
        "drafts": [draft_to(draft) for draft in rendering.drafts],
    }


def rendering_from(key: str, data: dict[str, Any], find: Find) -> Rendering:
    told = dict(data)
    told["media"] = find(data["media"]) if data["media"] else None
    told["fidelity"] = fidelity_from(data["fidelity"])
    told["failure"] = failure_from(data["failure"])
    told["drafts"] = tuple(draft_from(draft, find) for draft in data["drafts"])
    return Rendering(**told, key=key)


def draft_to(draft: Draft) -> dict[str, Any]:
    media = draft.media.reference() if draft.media else None
    return {"prompt": draft.prompt, "answer": draft.answer, "media": media, "score": draft.score}


def draft_from(data: dict[str, Any], find: Find) -> Draft:
    return Draft(**{**data, "media": find(data["media"]) if data["media"] else None})


def response_to(response: Response) -> dict[str, Any]:
    return {
        "status": response.status,
        "text": response.text,
        "thinking": response.thinking,
        "unknown_markup": response.unknown_markup,
        "media": [media.reference() for media in response.media],
        "finish": response.finish,
        "model": response.model,
        "usage": dict(response.usage),
        "attempts": [{name: getattr(attempt, name) for name in Attempt.__slots__} for attempt in response.attempts],
        "failure": asdict(response.failure) if response.failure else None,
        **({"given": [asdict(one) for one in response.given]} if response.given else {}),
        **({"tokens": [[token.text, dict(token.logprobs)] for token in response.tokens]} if response.tokens else {}),
    }


def response_from(key: str, data: dict[str, Any], find: Find) -> Response:
    told = dict(data)
    told["media"] = tuple(find(media) for media in data["media"])
    told["attempts"] = tuple(Attempt(**attempt) for attempt in data["attempts"])
    told["failure"] = failure_from(data["failure"])
    told["given"] = tuple(Transcript(**one) for one in data.get("given", ()))
    told["tokens"] = tuple(ScoredToken(*token) for token in data.get("tokens", ()))
    return Response(**told, key=key)


def ballot_from(data: dict[str, Any]) -> Ballot:
    told = {**data, "label": Label(data["label"]), "exchanges": tuple(json.loads(data["exchanges"]))}
    told["absence"] = Absence(data["absence"]) if data["absence"] else None
    return Ballot(**told)


# --- JSON that others wrote

DEEPEST = 200  # levels; real answers have a dozen
LONGEST_NUMBER = 18  # digits of a whole number: more do not fit into a database
LONGEST_TEXT = 200  # characters of what is kept of a value that is no number

Table = Callable[[list[tuple[str, Any]]], Any]


def read_json(text: str | bytes) -> Any:
    """What is written there; a number that nobody can store (NaN, Infinity, 1e999) comes as the text that it is.

    Raises ValueError for what is no JSON, and for what is nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        value = _READER.decode(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if text.count("{") + text.count("[") > DEEPEST:
        check_depth(value)
    return value


def json_or(text: str | bytes, otherwise: Any) -> Any:
    """What is written there, or something else for what is no JSON."""
    try:
        return read_json(text)
    except ValueError:
        return otherwise


def decoder(table: Table) -> json.JSONDecoder:
    """The same for JSON in the midst of a text, with line breaks in its texts. `table` makes a value of an object."""
    return json.JSONDecoder(object_pairs_hook=table, strict=False, **_VALUES)


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
        return value if abs(value) < 10**LONGEST_NUMBER else _shortened(value)
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


_VALUES: dict[str, Any] = {"parse_constant": str, "parse_float": _float, "parse_int": _int}
_READER = json.JSONDecoder(**_VALUES)
