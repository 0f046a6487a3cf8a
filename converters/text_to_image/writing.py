"""What can be drawn without a shaping engine. What cannot is refused and named, never dropped or drawn as a box."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

from converters.text_to_image.glyphs import lacks
from safebench.errors import ConversionError

MAX_CHARACTERS = 2000
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"  # break hints and the byte order mark: no reader sees them
_PLAIN = str.maketrans("\t\n\r", "   ", _INVISIBLE)


def writable(text: str, font: str) -> str:
    """The text as it can be drawn: composed (NFC), runs of white space one space, break hints left out.

    Raises ConversionError for empty text, more than 2,000 characters, and characters that cannot be drawn faithfully
    one after another from left to right: controls, right-to-left and combining ones, and those the font lacks.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConversionError(f"the text has {len(text)} characters, and at most {MAX_CHARACTERS} can be drawn")
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    _refuse(text, _is_control, "control characters cannot be drawn")
    text = " ".join(text.split())
    if not text:
        raise ConversionError("the text is empty, so there is nothing to draw")
    _refuse(text, _needs_shaping, "right-to-left and combining characters need a shaping engine, which is not used")
    _refuse(text, lambda c: c != " " and lacks(font, c), f"the font {font!r} lacks them; name another one with `font`")
    return text


def _refuse(text: Iterable[str], bad: Callable[[str], bool], why: str) -> None:
    found = sorted({character for character in text if bad(character)})
    if found:
        named = ", ".join(map(describe, found[:5])) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise ConversionError(f"{named}: {why}")


def describe(character: str) -> str:
    """A character with its code point and name, printable whatever it is: `'é' U+00E9 LATIN SMALL …`."""
    return f"{character!r} U+{ord(character):04X} {unicodedata.name(character, '(no name)')}"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _needs_shaping(character: str) -> bool:
    mark = unicodedata.category(character).startswith("M")
    return mark or unicodedata.bidirectional(character) in ("R", "AL")
