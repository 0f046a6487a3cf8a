"""What any voice can be asked to say, and which characters of a text one with a known alphabet would leave out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

from converters.naming import described
from safebench.errors import ConversionError

MAX_CHARACTERS = 20_000
# Marks that nobody speaks: a voice without them still says every word. Not "%", "&", "@", "/" and the like.
SILENT_MARKS = frozenset('.,;:!?…·()[]{}"“”„‟«»‹›-‐‑‒–—―¡¿。、，；：！？（）「」『』《》【】・')
APOSTROPHES = frozenset("'‘’‛`´")


def speakable(text: str) -> str:
    """The text in NFC. Raises ConversionError when nothing in it is spoken, or something cannot be."""
    if len(text) > MAX_CHARACTERS:
        raise ConversionError(f"the text has {len(text)} characters, and at most {MAX_CHARACTERS} can be spoken")
    text = unicodedata.normalize("NFC", text)
    if not any(character.isalnum() for character in text):
        raise ConversionError(f"the text has no letter and no digit, so there is nothing to say: {text[:40]!r}")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and not character.isspace():
            raise ConversionError(f"the control character U+{ord(character):04X} cannot be spoken")
    return text


def one_line(text: str) -> str:
    """With one space for every run of white space: a line break that is unknown to a voice would join two words."""
    return " ".join(text.split())


def without_silent_marks(text: str, knows: Callable[[str], bool]) -> str:
    """Marks that the voice does not know become spaces, so that the words around them stay apart.

    An apostrophe becomes one that it knows, or nothing, as it stands within a word.
    """
    plain = "'" if knows("'") else ""
    replaced = {c: plain for c in APOSTROPHES if not knows(c)} | {c: " " for c in SILENT_MARKS if not knows(c)}
    return one_line("".join(replaced.get(character, character) for character in text))


def is_silent(character: str) -> bool:
    return character.isspace() or character in SILENT_MARKS or character in APOSTROPHES


def refuse_unknown(characters: Iterable[str], who: str) -> None:
    """Raises ConversionError that names the characters which `who` would leave out; silent marks may be left out."""
    left_out = sorted({character for character in characters if not is_silent(character)})
    if left_out:
        shown = ", ".join(map(described, left_out[:8]))
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        raise ConversionError(f"{who} does not know {shown}{more}, and would leave it out")
