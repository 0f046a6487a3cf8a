"""Writes a text out as one says it, so that every voice speaks the same words, whatever its engine makes of digits."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from converters.text_to_text.spoken.language import Language, language
from converters.text_to_text.spoken.marks import abbreviations, addresses, emoji_names, plain_digits, symbols
from converters.text_to_text.spoken.numbers import inflected, numbers
from converters.text_to_text.spoken.quantities import money, units
from converters.text_to_text.spoken.times import dates, times
from safebench.models.torch_backend import installed
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

PACKAGES = ("babel", "emoji", "num2words")
# In this order: what is part of something longer is read with it.
RULES = (emoji_names, plain_digits, addresses, dates, times, abbreviations, inflected, money, units, numbers, symbols)


class SpokenForm(Converter):
    """Numbers, dates, times, sums, units, abbreviations, addresses, symbols and emoji in words.

    The wording stays what it was: error rates of a rendering are measured against the text before this step.
    """

    name = "spoken-form"
    summary = "numbers, dates, units, abbreviations, addresses, symbols and emoji written out as one says them"
    version = "1 " + " ".join(f"{package} {installed(package)}" for package in PACKAGES)
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
        return Media.of(TEXT, "text/plain", written_out(work.text, self._language).encode("utf-8"))


def written_out(text: str, spoken: Language) -> str:
    """The text as it is said; the same text where there is nothing to write out."""
    said = text
    for rule in RULES:
        said = rule(said, spoken)
    return text if said == text else re.sub(r" {2,}", " ", said).strip()
