"""Schemas of what is read and written, from the types that the code checks it with, and tables of their keys.

What a key means is said by the comment at its field; the schema takes it as the description.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter

from website.tables import cell, code, table

OURS = ("safebench", "modalities", "converters")
JSON_TYPES = {"boolean": "true or false", "object": "table", "array": "list", "null": "null"}
NULL = {"type": "null"}  # TOML has none: a key with a default is left out
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minItems": "{} or more",
    "minLength": "{} or more characters",
    "pattern": "as `{}`",
}


def schema(kind: type, without: Iterable[str] = ()) -> dict[str, Any]:
    """JSON Schema of a model or dataclass, every key with its comment; `without`: keys that stand elsewhere."""
    made = TypeAdapter(kind).json_schema()
    for one in (kind, *_inner(kind)):
        told = made if one is kind else made.get("$defs", {}).get(one.__name__)
        for key, comment in comments(one).items():
            if told and key in told.get("properties", {}):
                told["properties"][key]["description"] = comment
        if told and one.__doc__ and not one.__doc__.startswith(f"{one.__name__}("):  # which a dataclass makes itself
            told["description"] = inspect.cleandoc(one.__doc__)
    for key in without:
        made["properties"].pop(key)
    required = [key for key in made.get("required", []) if key not in without]
    return {**_inlined(made, made.get("$defs", {})), "required": required}


def _inlined(value: Any, named: Mapping[str, Any]) -> Any:
    """With the words of an enumeration where it is referred to."""
    match value:
        case {"$ref": str(place)} if "enum" in named[place.rpartition("/")[2]]:
            return {"enum": named[place.rpartition("/")[2]]["enum"]} | {k: v for k, v in value.items() if k != "$ref"}
        case dict():
            return {key: _inlined(one, named) for key, one in value.items()}
        case list():
            return [_inlined(one, named) for one in value]
    return value


def tables(made: Mapping[str, Any]) -> str:
    """Of the schema itself, then of each table inside of it, under its name."""
    parts = [_table(made)]
    for name, inner in made.get("$defs", {}).items():
        if rows := _table(inner):
            parts.append(f"**`{name}`** {cell(inner.get('description', ''))}\n\n{rows}")
    return "\n".join(parts)


def _table(made: Mapping[str, Any]) -> str:
    required = made.get("required", ())
    rows = [
        (code(key), type_words(value), _default(value, is_needed=key in required), cell(value.get("description", "")))
        for key, value in made.get("properties", {}).items()
    ]
    if all(key in required for key in made.get("properties", {})):
        return table(("key", "type", ""), [(key, kind, said) for key, kind, _, said in rows])
    return table(("key", "type", "default", ""), rows)


def _default(value: Mapping[str, Any], *, is_needed: bool) -> str:
    if is_needed:
        return "required"
    default = value.get("default")
    return "" if default in (None, {}, [], "") else code(json.dumps(default, ensure_ascii=False))


def type_words(value: Mapping[str, Any]) -> str:
    """What a key may hold, in words."""
    if "$ref" in value:
        return f"table `{value['$ref'].rpartition('/')[2]}`"
    if "enum" in value or "const" in value:
        return cell(", ".join(code(str(one)) for one in value.get("enum", [value.get("const")])))
    if ways := value.get("anyOf"):
        return " or ".join(dict.fromkeys(type_words(way) for way in ways if "default" not in value or way != NULL))
    if "prefixItems" in value:
        return f"list of {len(value['prefixItems'])}: {type_words(value['prefixItems'][0])}"
    kind = JSON_TYPES.get(value.get("type", ""), value.get("type", "anything"))
    held = value.get("items") or value.get("additionalProperties")
    of = f" of {type_words(held)}" if isinstance(held, Mapping) and held else ""
    limits = [form.format(value[key]) for key, form in LIMITS.items() if key in value]
    return kind + of + (f" ({cell(', '.join(limits))})" if limits else "")


def comments(kind: type) -> dict[str, str]:
    """What stands beside each field in the source, of base classes as well."""
    said: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.partition(".")[0] in OURS:
            said |= _comments(textwrap.dedent(inspect.getsource(one)))
    return said


def _comments(source: str) -> Iterator[tuple[str, str]]:
    lines = tokenize.generate_tokens(io.StringIO(source).readline)
    beside = {token.start[0]: token.string.lstrip("# ") for token in lines if token.type == tokenize.COMMENT}
    (written,) = ast.parse(source).body
    for node in getattr(written, "body", ()):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno in beside:
            yield node.target.id, beside[node.end_lineno]


def _inner(kind: Any, seen: set[Any] | None = None) -> set[type]:
    """Every model and dataclass that its fields may hold, at any depth."""
    seen = set() if seen is None else seen
    for held in _held(kind):
        if held not in seen and _has_keys(held):
            seen.add(held)
            _inner(held, seen)
    return seen


def _held(kind: Any) -> Iterator[Any]:
    hints = get_type_hints(kind) if _has_keys(kind) else {}
    for hint in (*hints.values(), *get_args(kind)):
        yield hint
        yield from _held(hint) if get_args(hint) else ()


def _has_keys(kind: Any) -> bool:
    return inspect.isclass(kind) and (is_dataclass(kind) or issubclass(kind, BaseModel))
