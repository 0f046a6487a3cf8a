"""Writes a text out as one says it, so that every voice speaks the same words, whatever its engine makes of digits."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from unicodedata import category

from converters.naming import described, naming
from converters.text_to_speech.spoken_text import APOSTROPHES
from converters.text_to_text.spoken.language import Language, language
from converters.text_to_text.spoken.marks import abbreviations, addresses, emoji_names, plain_digits, symbols
from converters.text_to_text.spoken.numbers import inflected, numbers, spaced
from converters.text_to_text.spoken.quantities import money, units
from converters.text_to_text.spoken.times import dates, times
from safebench.errors import ConversionError
from safebench.models.torch_backend import installed
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

PACKAGES = ("babel", "emoji", "num2words")
# In this order: what is part of something longer is read with it.
RULES = (
    emoji_names,
    plain_digits,
    addresses,
    spaced,
    dates,
    times,
    abbreviations,
    inflected,
    money,
    units,
    numbers,
    symbols,
)

TURNS, LONG = 4, 16  # changes between letters and digits, and characters, of what nobody reads as a word
UNNAMED = ("Sm", "Sc", "So", "No", "Nd", "Nl")  # classes of Unicode: signs and digits
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_TURN = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")


class SpokenForm(Converter):
    """Numbers, dates, times, sums, units, abbreviations, addresses, symbols and emoji in words.

    The wording stays what it was: error rates of a rendering are measured against the text before this step.
    """

    name = "spoken-form"
    summary = "numbers, dates, units, abbreviations, addresses, symbols and emoji written out as one says them"
    version = "2 " + " ".join(f"{package} {installed(package)}" for package in PACKAGES)
    takes = TEXT
    gives = TEXT
    needs = PACKAGES
    extra = "speech"
    rewords: ClassVar[bool] = False

    class Options(PluginOptions):
        language: str = "en"  # of the text: a file of data/spoken/

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._language = language(self.options.language)

    @property
    def language(self) -> str:
        return str(self.options.language)

    def convert(self, work: Work) -> Media:
        """Raises ConversionError for what no rule knows: a voice would leave it out, or say half of it."""
        said = written_out(work.text, self._language)
        with naming(work):
            refuse_riddles(work.text)
            refuse_unnamed(said)
        return Media.of(TEXT, "text/plain", said.encode("utf-8"))


def refuse_riddles(text: str) -> None:
    """Raises ConversionError for a hash, a key or the like: letters and digits in turns are no words."""
    for token in _TOKEN.findall(text):
        turns = len(_TURN.findall(token))
        if turns >= TURNS or (turns >= 2 and len(token) >= LONG):
            raise ConversionError(f"{token[:40]!r} is neither a word nor a number, and cannot be said as one")


def refuse_unnamed(said: str) -> None:
    """Raises ConversionError for signs that have no name here, and digits that no rule read."""
    left = sorted({sign for sign in said if category(sign) in UNNAMED and sign not in APOSTROPHES})
    if left:
        raise ConversionError(f"no words are known for {', '.join(map(described, left[:8]))}")


def written_out(text: str, spoken: Language) -> str:
    """The text as it is said; the same text where there is nothing to write out."""
    said = text
    for rule in RULES:
        said = rule(said, spoken)
    return text if said == text else re.sub(r" {2,}", " ", said).strip()
