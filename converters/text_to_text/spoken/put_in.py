"""Puts spoken words in the place of what was written, set apart from the words around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_JOINED = frozenset(" \t\n\r\u00a0-‐‑–—'’\"“”„«»()[]{}…")  # what words may stand beside without a space
_AFTER = _JOINED | frozenset(".,;:!?")

_END = re.compile(r"(?![.!?])\W*\Z")
_NEXT_SENTENCE = re.compile(r"\s+[A-ZÀ-Þ]")

Speak = Callable[[re.Match[str]], str | None]


def put_in(pattern: re.Pattern[str], text: str, speak: Speak) -> str:
    """Every match replaced by what `speak` says of it; left as it is where that is None."""
    return pattern.sub(lambda match: _set_apart(match, speak(match)), text)


def one_of(names: Iterable[str]) -> str:
    """A pattern of all names, the longest first; it matches nothing where there is none."""
    return "|".join(re.escape(name) for name in sorted(set(names), key=len, reverse=True)) or "(?!)"


def stop(match: re.Match[str], *, may_end: bool) -> str:
    """The point of an abbreviation, where it ends a sentence: that of the text, or where it `may_end`, any one."""
    if not match[0].endswith("."):
        return ""
    ends = _END.match(match.string, match.end()) or (may_end and _NEXT_SENTENCE.match(match.string, match.end()))
    return "." if ends else ""


def _set_apart(match: re.Match[str], words: str | None) -> str:
    if words is None:
        return match[0]
    text, start, end = match.string, match.start(), match.end()
    before = "" if start == 0 or text[start - 1] in _JOINED else " "
    after = "" if end == len(text) or text[end] in _AFTER else " "
    return before + words + after
