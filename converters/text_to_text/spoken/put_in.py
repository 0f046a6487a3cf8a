"""Puts spoken words in the place of what was written, set apart from the words around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

_JOINED = frozenset(" \t\n\r\u00a0-‐‑–—'’\"“”„«»()[]{}…")  # what words may stand beside without a space
_AFTER = _JOINED | frozenset(".,;:!?")

_DIGIT = re.compile(r"\d")
_MARKS = "-‐‑–—'’′.,:"
_BEFORE = re.compile(rf"\d[{_MARKS}]\Z")
_BEHIND = re.compile(rf"[{_MARKS}]\d|[′″]")
_DASH = re.compile("\\s?[-–—]\\s?")
_END = re.compile(r"(?![.!?])\W*\Z")
_NEXT_SENTENCE = re.compile(r"\s+[A-ZÀ-Þ]")

Speak = Callable[[re.Match[str]], str | None]


def put_in(pattern: re.Pattern[str], text: str, speak: Speak) -> str:
    """Every match replaced by what `speak` says of it; left as it is where that is None, or it is half of a thing."""
    return pattern.sub(lambda match: _set_apart(match, None if _is_half(match) else speak(match)), text)


def put_in_pieces(pattern: re.Pattern[str], text: str, speak: Speak) -> str:
    """As `put_in`, and halves are said as well: the last rule leaves no digit."""
    return pattern.sub(lambda match: _set_apart(match, speak(match)), text)


def ranges(pattern: re.Pattern[str], text: str, to: str) -> str:
    """A dash between two matches put as the word `to`: 10:30-11:00."""
    spans = [match.span() for match in pattern.finditer(text)]
    for (_, end), (start, _) in reversed(list(pairwise(spans))):
        if _DASH.fullmatch(text, end, start):
            text = f"{text[:end]} {to} {text[start:]}"
    return text


def _is_half(match: re.Match[str]) -> bool:
    """More digits follow or stand before it, parted by no more than a mark."""
    text, start, end = match.string, match.start(), match.end()
    return bool(
        _DIGIT.search(match[0])
        and (_BEFORE.search(text, max(0, start - 2), start) or _BEHIND.match(text, end) or _inch(text, end))
    )


def _inch(text: str, at: int) -> bool:
    """A mark of inches and no closing one."""
    return text[at : at + 1] == '"' and text.count('"') % 2 == 1


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
