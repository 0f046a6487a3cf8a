r"""Objects that are almost JSON, as models write them, put right: only where one reading is possible.

Commas before a bracket that closes, comments, Python's True, False and None, and backslashes that escape nothing
(`\$5`). Line breaks inside of texts need no mending: the reader of such objects takes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 10_000  # characters of an object that is mended

_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*+"'  # a text
    r"|//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/"  # a comment
    r"|[{}\[\]]|,|\b(?:True|False|None)\b|[^\"{}\[\],/TFN]+|.",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = '"\\/bfnrt'
_BEGUN = tuple('"/TFN')  # of a text or comment that does not end, or of another word: then it is no object
_WORDS = {"True": "true", "False": "false", "None": "null"}


def mended(text: str, start: int) -> tuple[str, int]:
    """The object that begins at `start` as JSON should have it, and where it ends; "" and how far it was looked for.

    Nothing says that it is JSON now. One that is longer than LONGEST is not mended.
    """
    depth, tokens, furthest = 0, [], min(len(text), start + LONGEST)
    for token in _TOKEN.finditer(text, start, furthest):
        said = token.group()
        tokens.append(said)
        depth += (said in ("{", "[")) - (said in ("}", "]"))
        if said in _BEGUN:
            break
        if depth == 0:
            return _mended(tokens), token.end()
    return "", furthest


def _mended(tokens: Iterable[str]) -> str:
    out: list[str] = []
    for said in tokens:
        if said in ("}", "]"):
            _drop_comma(out)
        out.append(_put_right(said))
    return "".join(out)


def _put_right(said: str) -> str:
    if said.startswith('"'):
        return _ESCAPED.sub(_escape, said)
    return "" if said.startswith(("//", "/*")) else _WORDS.get(said, said)


def _escape(escape: re.Match[str]) -> str:
    what = escape[1]
    return escape[0] if len(what) > 1 or what in _ESCAPES else f"\\\\{what}"


def _drop_comma(out: list[str]) -> None:
    """The last thing said before a bracket that closes, blanks and comments aside."""
    last = next((n for n in range(len(out) - 1, -1, -1) if out[n].strip()), -1)
    if last >= 0 and out[last] == ",":
        out[last] = ""
