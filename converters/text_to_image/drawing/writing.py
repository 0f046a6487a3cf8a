"""What can be drawn faithfully. What cannot is refused and named, never dropped or drawn as a box or unshaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from converters.naming import described
from converters.text_to_image.drawing import shaping
from converters.text_to_image.drawing.glyphs import lacks
from safebench.errors import ConversionError

MAX_CHARACTERS = 2000
_PLAIN = str.maketrans("\t\n\r\v\f\x85", " " * 6)
_OVERRIDES = "\u202d\u202e"  # they turn round what is read
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"  # of what stands beside letters of two
_ANNOTATIONS = "\ufff9\ufffa\ufffb"  # what stands between them is beside the text
_INKED = "\u06dd\u070f\u08e2"  # of Arabic and Syriac; also U+0600 to U+0605, U+0890 and U+0891
_NOT_INK = " " + shaping.JOINERS + _DIRECTIONS
_LINE_BREAK = re.compile(r"\r\n?|\n")
_NO_SHAPING = (
    "they need shaping, which Pillow does with libraqm and FriBidi, and here it finds none: "
    "install FriBidi (libfribidi0 in Debian) or a Pillow built with libraqm"
)


def writable(text: str, font: str, keep_lines: bool = False) -> list[str]:
    """The paragraphs of a text as they can be drawn: one, or each of its lines that is not blank.

    Composed (NFC), runs of white space one space, without what no reader sees: see `unseen`. Raises ConversionError for
    empty text, more than 2,000 characters, and characters that cannot be drawn faithfully: controls, those the font
    lacks, and those that need shaping where Pillow cannot do it.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConversionError(f"the text has {len(text)} characters, and at most {MAX_CHARACTERS} can be drawn")
    text = _seen(unicodedata.normalize("NFC", text))
    lines = [line.translate(_PLAIN) for line in (_LINE_BREAK.split(text) if keep_lines else [text])]
    paragraphs = [" ".join(line.split()) for line in lines if line.strip()]
    _refuse("".join(lines), _is_control, "control characters cannot be drawn")
    if not paragraphs:
        raise ConversionError("the text is empty, so there is nothing to draw")
    characters = "".join(paragraphs)
    if not shaping.available():
        _refuse(characters, shaping.is_needed, _NO_SHAPING)
    drawn = (character for character in characters if character not in _NOT_INK)
    named = Path(font).name  # the text of an error travels with a data set: no path of this machine in it
    _refuse(drawn, lambda c: lacks(font, c), f"the font {named!r} lacks them; name another one with `font`")
    return paragraphs


def unseen(character: str) -> bool:
    """Whether it shows nothing and says nothing: hints where to break, marks of direction, selectors of variants.

    What turns the order round, annotates, or spells a hidden text (tags) is not among them.
    """
    if shaping.chooses_variant(character):
        return True
    inked = character in _INKED or 0x600 <= ord(character) <= 0x605 or 0x890 <= ord(character) <= 0x891
    speaks = character in _OVERRIDES + _ANNOTATIONS + shaping.JOINERS or 0xE0000 <= ord(character) <= 0xE007F
    return unicodedata.category(character) == "Cf" and not inked and not speaks


def _seen(text: str) -> str:
    """Without what is unseen; marks of direction stay where the engine that places letters heeds them."""
    kept = "".join(character for character in text if not unseen(character))
    if shaping.direction(kept) is None:
        return kept
    return "".join(character for character in text if character in _DIRECTIONS or not unseen(character))


def _refuse(text: Iterable[str], bad: Callable[[str], bool], why: str) -> None:
    refused = sorted({character for character in text if bad(character)})
    if refused:
        named = ", ".join(map(described, refused[:5])) + (f" and {len(refused) - 5} more" if len(refused) > 5 else "")
        raise ConversionError(f"{named}: {why}")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _NOT_INK
