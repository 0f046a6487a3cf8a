"""Writes a text out as one says it, so that every voice speaks the same words, whatever its engine makes of digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar
from unicodedata import category

from converters.naming import described, naming
from converters.text_to_speech.spoken_text import APOSTROPHES
from converters.text_to_text.spoken.language import Language, language
from converters.text_to_text.spoken.marks import abbreviations, addresses, emoji_names, plain_digits, symbols
from converters.text_to_text.spoken.numbers import SUPERSCRIPTS, digits, inflected, numbers, roman_signs, spaced
from converters.text_to_text.spoken.quantities import money, units, unread_units
from converters.text_to_text.spoken.times import dates, times
from safebench.errors import ConversionError
from safebench.models.torch_backend import installed
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

PACKAGES = ("babel", "emoji", "num2words")
Rule = Callable[[str, Language], str]
# In this order: what is part of something longer is read with it.
WHOLE = (
    emoji_names,
    roman_signs,
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
)
PIECES = (digits, symbols)

TURNS, LONG = 4, 16  # changes between letters and digits, and characters, of what nobody reads as a word
UNNAMED = ("Sm", "Sc", "So", "No", "Nd", "Nl")  # classes of Unicode: signs and digits
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_PART = rf"(?:[^\W_{SUPERSCRIPTS}]|[.,:'’‘\"`´·•‧′″\-‐‑–—−])"
_WITH_DIGITS = re.compile(rf"{_PART}*\d{_PART}*")
_FOREIGN_ENDING = re.compile(r"\d(?:st|nd|rd|th|s|h\d+)(?!\w)")  # 2nd, 12h30: what no rule of the language read
_EDGES = ".,:'’‘\"`´–—-‐‑"
_UNIT_MARK = re.compile(r"\d(?:[′″]|['’](?!\w)|\")")  # 5′ 6' 2"
_GROUPS = re.compile(r"(?<![\w.,])[1-9]\d\d(?:[ \u00a0]\d{3})+(?![\w,-]?\d)")  # one number, or several
_ROMAN = re.compile(
    r"\b[A-ZÀ-Þ][^\W\d_]+\.?\s"
    r"(?P<n>(?=[MDCLXVI]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))(?!\w)"
)
# Valid numerals that are more often something else: Washington DC.
_NO_NUMERALS = frozenset({
    "CC", "CD", "CI", "CIV", "CL", "CM", "CV", "DC", "DI", "DIV", "DL", "DM", "DVI", "LI", "MC", "MD", "MI", "MIX",
    "ML", "MM", "MV", "MX", "XL",
})  # fmt: skip
_SUM_LEFT = re.compile(r"[$€£¥₹] ?\d|\d ?[$€£¥₹]")
_OPENED = re.compile(r"(?<!\w)['‘\"“„]")
_TURN = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")


class SpokenForm(Converter):
    """Numbers, dates, times, sums, units, abbreviations, addresses, symbols and emoji in words.

    The wording stays what it was: error rates of a rendering are measured against the text before this step.
    """

    name = "spoken-form"
    summary = "numbers, dates, units, abbreviations, addresses, symbols and emoji written out as one says them"
    version = "5 " + " ".join(f"{package} {installed(package)}" for package in PACKAGES)
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
        whole = by_rules(WHOLE, work.text, self._language)
        said = in_pieces(whole, work.text, self._language)
        with naming(work):
            refuse_riddles(work.text)
            refuse_half_said(whole, self._language)
            refuse_two_readings(whole, self._language)
            refuse_unnamed(said)
        return Media.of(TEXT, "text/plain", said.encode("utf-8"))


def refuse_riddles(text: str) -> None:
    """Raises ConversionError for a hash, a key or the like: letters and digits in turns are no words."""
    for token in _TOKEN.findall(text):
        turns = len(_TURN.findall(token))
        if turns >= TURNS or (turns >= 2 and len(token) >= LONG):
            raise ConversionError(f"{token[:40]!r} is neither a word nor a number, and cannot be said as one")


def refuse_half_said(whole: str, spoken: Language) -> None:
    """Raises ConversionError for digits that no rule read together with the letters and marks they stand with."""
    for token in _WITH_DIGITS.findall(whole):
        if _FOREIGN_ENDING.search(token) or not _readable(spoken).fullmatch(token.strip(_EDGES)):
            raise ConversionError(f"{token[:40]!r} is no number of a known form, and would be half said")
    left = _SUM_LEFT.search(whole) or unread_units().search(whole)
    if left:
        raise ConversionError(f"{left[0][:40]!r} is no sum or measure of a known form, and would be half said")
    lone = _UNIT_MARK.search(whole)
    if lone and not _OPENED.search(whole, 0, lone.start()):
        raise ConversionError(f"{lone[0][:40]!r} may be feet, inches or minutes, and would be half said")


def refuse_two_readings(whole: str, spoken: Language) -> None:
    """Raises ConversionError for letters that no rule read as the numeral they may be, and for 101 102 103."""
    numeral = next((one for one in _ROMAN.finditer(whole) if one["n"] not in _NO_NUMERALS), None)
    if numeral:
        raise ConversionError(f"{numeral[0][:40]!r} may be a Roman numeral, and would be half said")
    several = _GROUPS.search(whole)
    if several and not re.fullmatch(spoken.number, several[0]):
        raise ConversionError(f"{several[0][:40]!r} may be one number or several, and would be half said")


@cache
def _readable(spoken: Language) -> re.Pattern[str]:
    """Numbers and words, joined by a hyphen or a point that has a letter at its side: COVID-19, H2O."""
    number, letters = spoken.number, r"[^\W\d_]+"
    joint = r"(?:(?<=[^\W\d_])[-.](?=\w)|[-.](?=[^\W\d_]))"
    after = r"(?:['’][^\W\d_]+)*"
    return re.compile(
        rf"[-−]?(?:{number}|{letters})(?:(?:(?<=\d)|{joint}){letters}|(?:(?<=[^\W\d_])|{joint}){number})*{after}"
    )


def refuse_unnamed(said: str) -> None:
    """Raises ConversionError for signs that have no name here, and digits that no rule read."""
    left = sorted({sign for sign in said if category(sign) in UNNAMED and sign not in APOSTROPHES})
    if left:
        raise ConversionError(f"no words are known for {', '.join(map(described, left[:8]))}")


def written_out(text: str, spoken: Language) -> str:
    """The text as it is said; the same text where there is nothing to write out."""
    return in_pieces(by_rules(WHOLE, text, spoken), text, spoken)


def by_rules(rules: Iterable[Rule], text: str, spoken: Language) -> str:
    for rule in rules:
        text = rule(text, spoken)
    return text


def in_pieces(whole: str, text: str, spoken: Language) -> str:
    """What the rules for whole things left of `text`, said piece by piece."""
    said = by_rules(PIECES, whole, spoken)
    return text if said == text else re.sub(r" {2,}", " ", said).strip()
