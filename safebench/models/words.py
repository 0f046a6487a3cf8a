"""The words of a text, as all comparisons of texts take them."""

from __future__ import annotations

import re


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())


def same_words(a: str, b: str) -> bool:
    """Whether two texts say the same, whatever their case, punctuation and blanks."""
    return words(a) == words(b)
