"""Odd values, tables with one thing wrong, and files with a few bytes of damage."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = (
    *("", " ", "\t", "\u200b", "\ufeff", "e\u0301", "\0", "\x1b[31mred", "\x85", "\u2028", "a\nb", "a\r\nb", "a\tb"),
    *('"', "'", '""', "a,b", "a;b", "{x}", "{", "$x", "%s", "[bold]b[/bold]", ":smile:", "|", "\\", "`x`", "<b>"),
    *("NaN", "-Infinity", "1e999", "null", "true", "0", "-1", "1.0", "９", "nan", "None", "=1+1", "harmful", "benign"),
    *("..", "../../up", "/etc/passwd", "/", ".", "~", "CON", "a/b", "openai:x", "python:x", "x" * 5000, "ß" * 300),
)
texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
names = st.sampled_from(("where", "self", "cls", "name", "kind", "like", "model", "values", "use", "id")) | texts
numbers = st.sampled_from([0, 1, -1, 2, 7, 10**9, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 10**400])
floats = st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.5, 1e-320, 1e300, float("nan"), float("inf"), float("-inf")])
scalars = texts | numbers | floats | st.booleans()
values = st.recursive(
    scalars | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
toml_values = st.recursive(  # TOML knows no null
    scalars | st.just(date(2026, 1, 2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, base: Any, odd: st.SearchStrategy[Any] = toml_values, most: int = 3) -> Any:
    """Tables and lists with one to `most` things replaced, left out, said twice, renamed, or added."""
    tree = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, most))):
        holder, key = draw(st.sampled_from(list(_places(tree))))
        match draw(st.sampled_from(["replace", "replace", "replace", "leave out", "rename", "add", "repeat"])):
            case "leave out":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[draw(names)] = holder.pop(key)
            case "add" if isinstance(holder, dict):
                holder[draw(names)] = draw(odd)
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = draw(odd)
        if not tree:
            break
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


@st.composite
def damaged(draw: st.DrawFn, data: bytes, most: int = 4) -> bytes:
    """The same with up to `most` bytes or pieces changed, lost, repeated or put in."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 64]))
        piece = data[at : at + length]
        match draw(st.sampled_from(["cut", "flip", "lose", "repeat", "put in"])):
            case "cut":
                data = data[:at]
            case "flip":
                mask = draw(st.integers(1, 255))
                data = data[:at] + bytes(byte ^ mask for byte in piece) + data[at + length :]
            case "lose":
                data = data[:at] + data[at + length :]
            case "repeat":
                data = data[:at] + piece * draw(st.integers(2, 200)) + data[at:]
            case _:
                data = data[:at] + draw(st.binary(max_size=8) | st.sampled_from(PUT_IN)) + data[at:]
    return data


PUT_IN = (
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"\x1b[2J",
    b'"',
    b"\n",
    b"\r",
    b"[" * 500,
    b"{",
    b",",
    b"\x80",
    b"9" * 400,
)
