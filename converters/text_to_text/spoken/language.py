"""How one language says numbers, units and currencies: words by num2words, names and plurals by Babel (CLDR).

What those do not know (marks, abbreviations, how a time is told) stands in data/spoken/LANGUAGE.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from safebench.errors import check_known
from safebench.resources import load_toml, shipped

LONGEST_NUMBER = 15  # digits; what is longer is read digit by digit
LARGEST_DENOMINATOR = 10  # of a fraction by name; beyond it may as well be a date
YEARS = range(1100, 2100)  # four digits that are read as a year
Changes = Iterable[tuple[str, str]]  # (pattern, replacement)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: digits before and after the decimal mark; `fraction` is empty where there is none."""

    whole: str
    fraction: str = ""
    grouped: bool = False
    negative: bool = False

    @property
    def value(self) -> Decimal:
        """What decides between singular and plural; exact only where that matters."""
        whole, fraction = self.whole[-LONGEST_NUMBER:] or "0", self.fraction[:LONGEST_NUMBER]
        return Decimal(f"{whole}.{fraction}" if fraction else whole)


def known_languages() -> list[str]:
    return shipped("spoken")


@cache
def language(code: str) -> Language:
    """Raises BadInput, with the known ones, for a language that has no file."""
    check_known("language of speech", code, known_languages(), "spoken-form")
    return Language(code)


class Language:
    def __init__(self, code: str) -> None:
        self.code = code
        self.table: Mapping[str, Any] = load_toml(f"spoken/{code}.toml")
        self.words: Mapping[str, Any] = self.table["number"]

    # --- numbers as they are written

    @cached_property
    def number(self) -> str:
        """A pattern for numbers without a sign, with the language's marks for groups and decimals."""
        group, decimal = self._marks
        return rf"(?:\d{{1,3}}(?:{group}\d{{3}})+(?:{decimal}\d+)?(?!\d)|\d+(?:{decimal}\d+)?|(?<!\w){decimal}\d+)"

    @cached_property
    def _marks(self) -> tuple[str, str]:
        """Patterns of the mark between groups and of the decimal mark. A point that parts no group is decimal, too."""
        decimal = re.escape(self.words["decimal"])
        return f"[{re.escape(''.join(self.words['group']))}]", decimal if decimal == r"\." else rf"(?:{decimal}|\.)"

    def read(self, written: str) -> Number:
        """What `number` matched, with a minus sign or without."""
        group, decimal = self._marks
        digits = written.lstrip("-−")
        grouped = re.match(rf"\d{{1,3}}(?:{group}\d{{3}})+(?!\d)", digits)
        whole = grouped[0] if grouped else digits[: len(digits) - len(digits.lstrip("0123456789"))]
        fraction = re.sub(rf"^{decimal}", "", digits[len(whole) :])
        return Number(re.sub(r"\D", "", whole), fraction, bool(grouped), digits != written)

    # --- numbers as they are spoken

    def cardinal(self, value: int) -> str:
        return self._numeral(value, "cardinal")

    def ordinal(self, value: int) -> str:
        """The cardinal where the language has no ordinal so large."""
        return self._numeral(value, "ordinal" if 0 < value <= self.words["largest_ordinal"] else "cardinal")

    def year(self, value: int) -> str:
        return self.said_year(value) if value in YEARS else self.cardinal(value)

    def said_year(self, value: int) -> str:
        """Of a number that is a year, whatever it looks like."""
        return self._numeral(value, "year")

    def _numeral(self, value: int, kind: str) -> str:
        from num2words import num2words

        return str(num2words(value, lang=self.code, to=kind)).replace(",", "")

    def digits(self, written: str) -> str:
        """Each digit by itself; anything else parts groups."""
        groups = re.findall(r"\d+", written)
        return ", ".join(" ".join(self.cardinal(int(digit)) for digit in group) for group in groups)

    def say(self, number: Number, *, year: bool = False) -> str:
        """The number in words, read as a `year` where it looks like one."""
        words = self._whole(number, year=year and not number.fraction)
        if number.fraction:
            words = f"{words} {self.words['point']} {self.digits(number.fraction)}"
        return f"{self.words['minus']} {words}" if number.negative else words

    def _whole(self, number: Number, *, year: bool) -> str:
        written = number.whole or "0"
        unwieldy = len(written) > LONGEST_NUMBER or (len(written) > 9 and not number.grouped and written[-3:] != "000")
        if unwieldy or (written[0] == "0" and len(written) > 1):
            return self.digits(written)
        value = int(written)
        return self.year(value) if year and len(written) == 4 and not number.grouped else self.cardinal(value)

    def before(self, words: str, noun: str) -> str:
        """A number as it is said before a noun: «eins» becomes «ein» or «eine»."""
        rules = self.table.get("before_noun", {"nouns": (), "masculine": ()})
        feminine = any(noun.startswith(known) for known in rules["nouns"])
        return changed(words, rules["feminine" if feminine else "masculine"])

    def fraction(self, above: int, below: int) -> str | None:
        """A fraction by its name; None where it is no part of a whole, or has small parts."""
        rules = self.table["fraction"]
        if not 0 < above < below <= LARGEST_DENOMINATOR:
            return None
        kind = "one" if above == 1 else "many"
        named = rules["names"].get(str(below))
        part = named[above > 1] if named else changed(self.ordinal(below), [rules[kind]])
        return f"{self.before(self.cardinal(above), '')} {part}"

    # --- names from CLDR

    def quantity(self, number: Number, unit: str, per: str | None = None) -> str:
        """A number with its unit, in the plural where it belongs."""
        from babel.numbers import format_decimal
        from babel.units import format_compound_unit, format_unit

        value = number.value
        if per:
            written = format_compound_unit(value, unit, denominator_unit=per, locale=self.code)
        else:
            written = format_unit(value, unit, locale=self.code)
        name = str(written).replace("\u00a0", " ").replace("\u202f", " ")
        name = name.replace(format_decimal(value, locale=self.code).replace("\u202f", " "), "", 1).strip()
        words = self.say(number)
        return f"{words if number.fraction else self.before(words, name)} {name}"

    def currency(self, code: str, number: Number, *, many: bool = False) -> str:
        """The name of a currency by its ISO 4217 code, in the plural where it belongs or for `many`."""
        from babel.numbers import get_currency_name

        return str(get_currency_name(code, count=1_000_000 if many else number.value, locale=self.code))

    def month(self, number: int) -> str:
        from babel.dates import get_month_names

        return str(get_month_names("wide", locale=self.code)[number])


def changed(words: str, changes: Changes) -> str:
    for pattern, replacement in changes:
        words = re.sub(pattern, replacement, words, count=1)
    return words
