"""Which characters a shaping engine has to place, in which direction, and where a word of them may be broken.

Arabic letters change with their neighbours, Indic ones swap places, marks sit on their letter, and right-to-left text
runs the other way: that is libraqm's work (with HarfBuzz and FriBidi), which Pillow's wheels bring along.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from PIL import features

Direction = Literal["ltr", "rtl"]

JOINERS = "\u200c\u200d"  # zero width: they only say how their neighbours are joined
_ONE_BY_ONE = (  # code points whose letters stand one after another, whatever their neighbours are
    (0x0000, 0x058F),  # Latin, Greek, Cyrillic, Armenian
    (0x10A0, 0x10FF),  # Georgian
    (0x1200, 0x167F),  # Ethiopic, Cherokee, Canadian syllabics
    (0x1E00, 0xA4CF),  # Latin and Greek with accents, punctuation, symbols, CJK, Yi
    (0xA720, 0xA7FF),  # Latin
    (0xAC00, 0xD7A3),  # Hangul syllables
    (0xF900, 0xFAFF),  # CJK
    (0xFB00, 0xFB17),  # Latin and Armenian ligatures
    (0xFE10, 0xFFFF),  # CJK forms, full-width forms
    (0x1D000, 0x1FBFF),  # mathematical letters, symbols
    (0x20000, 0x3FFFF),  # CJK
)
_PREPOSED = "เแโใไເແໂໃໄ"  # Thai and Lao vowels that are written before their consonant
_ATTACHED = "ะาำຳະາ"  # and those that follow it
_VIRAMA = 9  # the canonical combining class of signs that bind two consonants
_CURSIVE = ("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "PHAGS-PA", "ADLAM")


@lru_cache(maxsize=1)
def available() -> bool:
    """True when Pillow was built with libraqm and finds FriBidi."""
    return bool(features.check("raqm") and features.check("fribidi"))


@lru_cache(maxsize=65536)
def is_needed(character: str) -> bool:
    """True for marks, joiners, right-to-left characters, and letters that are not known to stand one by one."""
    if unicodedata.category(character).startswith("M") or character in JOINERS:
        return True
    if unicodedata.bidirectional(character) in ("R", "AL", "AN"):
        return True
    return not any(first <= ord(character) <= last for first, last in _ONE_BY_ONE)


def chooses_variant(character: str) -> bool:
    """Whether it only chooses how the character before it is drawn, or joins marks, and shows nothing itself."""
    point = ord(character)
    selects = 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF or 0x180B <= point <= 0x180F
    return selects or point == 0x034F  # the combining grapheme joiner


def direction(text: str) -> Direction | None:
    """That of the first letter with one (UAX #9, P2 and P3); None for text that needs no shaping."""
    if not any(map(is_needed, text)):
        return None
    strong = (unicodedata.bidirectional(character) for character in text)
    return "rtl" if next((bidi for bidi in strong if bidi in ("L", "R", "AL")), "L") != "L" else "ltr"


def clusters(word: str) -> list[str]:
    """The word cut where it may be broken: never before a mark, and never between letters that are bound or joined."""
    parts = [word[:1]]
    for before, after in pairwise(word):
        if _bound(before, after):
            parts[-1] += after
        else:
            parts.append(after)
    return parts


def _bound(before: str, after: str) -> bool:
    if unicodedata.category(after).startswith("M") or after in JOINERS or after in _ATTACHED:
        return True
    if before in JOINERS or before in _PREPOSED or unicodedata.combining(before) == _VIRAMA:
        return True
    return _is_cursive(before) and _is_cursive(after)


def _is_cursive(character: str) -> bool:
    mark = unicodedata.category(character).startswith("M")
    return mark or unicodedata.name(character, "").startswith(_CURSIVE)
