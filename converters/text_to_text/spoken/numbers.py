"""Numbers: telephone numbers, ISBNs, ordinals, versions, fractions, ranges, powers, and what is left of digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from converters.text_to_text.spoken.language import Language, Number, changed
from converters.text_to_text.spoken.put_in import put_in, put_in_pieces, ranges
from converters.text_to_text.spoken.times import YEAR_MONTH

# A country code or an area code in parentheses; a leading zero; American groups; groups of four as on a card.
_TELEPHONE = re.compile(
    r"(?<![\w.,])(?:\+\d[\d ().-]{5,22}\d|1-\d{3}-\d{3}-\d{4}|\(\d{2,5}\)[ -]?\d[\d -]{4,14}\d"
    r"|0\d+(?:[ ./-]\d{2,}){1,6}|\d{3}[-. ]\d{3}[-. ]\d{4}|\d{3}-\d{4}|\d{3}-\d{2}-\d{4}|\d{4}(?:[ -]\d{4}){2,4}"
    r"|\d{5}-\d{4})"
    r"(?![\w%]|[.,]\d)"
)
_VANITY = re.compile(r"(?<![\w.,-])1-\d{3}(?:-\d{3})?(?=-[A-Z]{3,}\b)")  # 1-800-273-TALK
_ENOUGH = 7  # digits of the shortest telephone number
_BOOK = re.compile(
    r"(?P<before>\bISBN(?:-1[03])?[ \u00a0]?:?[ \u00a0])(?P<n>\d[\d -]{8,15}[\dX])(?![\w-])"
    r"|(?<![\w-])97[89](?:[ -]\d{1,7}){3}[ -]\d(?![\w-])"
)
# Two numbers of a name, and no range: Q3-2024, DDR4-3200, x86-64, CVE-2021-44228, Llama-2-7B.
_NAMED = re.compile(
    r"(?<![\w-])(?:[^\W\d_]{1,4}\d{1,2}-(?=\d{4,5}[^\W\d_]?(?![\w-]))|x86-(?=64(?!\w))"
    r"|CVE-(?:19|20)\d\d-(?=\d{4,7}(?![\w-]))|[^\W\d_]{2,}-\d{1,2}-(?=\d{1,3}[BM](?![\w-])))"
)
_LIST = re.compile(r"(?<![\w.,])\d{1,2}(?:,\d{1,2})+(?=-[a-z])|(?<![\w.,])\d{1,2}(?:,\d{1,2}){2,}(?![\w,])")
_ONE_BY_ONE = re.compile(r"(?<![\w.,-])\d(?:-\d){2,}(?![\w-])")  # 9-1-1
# In groups of three with blanks between them. Three digits at first, and no zeros in the end, may be several numbers.
_SPACED = re.compile(
    r"(?<![\w.,+()-])(?<![\d+()-][ \u00a0])(?:[1-9]\d?(?:[ \u00a0]\d{3})+|[1-9]\d\d(?:[ \u00a0]\d{3})*[ \u00a0]000)"
    r"(?![ \u00a0]?\d|[-/]\d)"
)
_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w.]*\d|[^\W\d_])")
_RATIO = re.compile(r"(?<![\d:])(\d{1,4}):(\d{1,4})(?![\d:])")
_FRACTION = re.compile(r"(?<![\d./,])(?:(\d{1,4})[ -])?(\d{1,3})/(\d{1,3})(?![\d/]|[.,]\d)")
# A single one: 3-16-148410 is no range. Nor is what may be a month: 2004-05; nor 30-06.
_RANGE = re.compile(
    rf"(?<![\w-])(?<!\d[.,/'’])(?!{YEAR_MONTH})(\d[\d.,]*)(?:\s?[–—]\s?|-)(?!0\d)(?=\d[\d.,]*(?![-–—/'’]?\d))"
)
_SCIENTIFIC = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?)[eE]([-−+]?)(\d{1,3})(?![\w.,-]?\d|\w)")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_DIFFERENCE = re.compile(rf"(?<=[\d)]) [-−] (?=[\d(])|(?<=[{SUPERSCRIPTS}])\s?[-−]\s?(?=[\d(])")
_POWER = re.compile(f"(?P<minus>⁻?)(?P<digits>[{SUPERSCRIPTS}]+)")
_POWERS = re.compile(rf"(?<![\w.,])(10⁻?[{SUPERSCRIPTS}]+)\s?[-–—]\s?(?=10⁻?[{SUPERSCRIPTS}])")
_CARET = re.compile(r"(?<=[\w)])(?:\^|\*\*)(?:\{|\()?([-−]?\d{1,9})(?:\}|\))?(?![\w.*])")
_RAISED = str.maketrans("0123456789-−", SUPERSCRIPTS + "⁻⁻")
ROMAN = re.compile(r"(?=[LXVI])(?P<tens>XL|L?X{0,3})(?P<ones>IX|IV|V?I{0,3})")
_ROMAN_SIGNS = re.compile("[\u2160-\u217f]+")
_TENS = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX")
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")


def numbers(text: str, language: Language) -> str:
    text = put_in(_ONE_BY_ONE, text, lambda match: language.digits(match[0]).replace(",", ""))
    text = put_in(_BOOK, text, lambda match: _book(match, language))
    text = _NAMED.sub(lambda match: f"{match[0][:-1]} ", text)
    text = put_in(_VANITY, text, lambda match: language.digits(match[0]))
    text = put_in(_TELEPHONE, text, lambda match: _telephone(match[0], language))
    text = put_in(_VERSION, text, lambda match: _version(match[0], language))
    text = put_in(_RATIO, text, lambda match: f"{match[1]} {language.words['ratio']} {match[2]}")
    text = put_in(_FRACTION, text, lambda match: _fraction(match, language))
    text = _RANGE.sub(rf"\1 {language.words['to']} ", text)
    text = _POWERS.sub(rf"\1 {language.words['to']} ", text)
    text = put_in(_DIFFERENCE, text, lambda _: f" {language.words['minus']} ")
    text = put_in(_LIST, text, lambda match: ", ".join(language.cardinal(int(n)) for n in match[0].split(",")))
    return text


def digits(text: str, language: Language) -> str:
    """What is left of digits, and powers."""
    text = put_in_pieces(_plain(language), text, lambda match: language.say(language.read(match[0]), year=True))
    return put_in(_POWER, text, lambda match: _power(match, language))


def _book(match: re.Match[str], language: Language) -> str | None:
    """An ISBN of ten or thirteen digits; the last of ten may be an X."""
    before, written = match["before"] or "", match["n"] or match[0]
    if sum(character.isalnum() for character in written) not in (10, 13):
        return None
    return before + language.digits(written) + (" X" if written.endswith("X") else "")


def _telephone(written: str, language: Language) -> str | None:
    if sum(character.isdigit() for character in written) < _ENOUGH or re.fullmatch(language.number, written):
        return None
    plus = f"{language.table['symbols']['+']} " if written.startswith("+") else ""
    return plus + language.digits(written)


def spaced(text: str, language: Language) -> str:
    """Numbers in groups of three with blanks between them (ISO 80000) in one piece, and powers raised: 10^6, 1e6."""
    text = _SCIENTIFIC.sub(lambda match: f"{match[1]} × 10{_raised(match[2].strip('+') + match[3])}", text)
    group = language.words["group"][0]
    text = _SPACED.sub(lambda match: re.sub(r"\D", group, match[0]), text)
    return _CARET.sub(lambda match: _raised(match[1]), text)


def _raised(exponent: str) -> str:
    return exponent.translate(_RAISED)


def roman_signs(text: str, language: Language) -> str:
    """Ⅷ as the letters VIII after a name that makes a rule read them, else as the digit."""
    return _ROMAN_SIGNS.sub(lambda match: _roman_sign(match, language), text)


def _roman_sign(match: re.Match[str], language: Language) -> str:
    letters = unicodedata.normalize("NFKC", match[0]).upper()
    roman = ROMAN.fullmatch(letters)
    if roman is None:
        return match[0]
    around = match.string[max(0, match.start() - 40) : match.start()] + letters + match.string[match.end() :][:20]
    unread = re.search(rf"\b{letters}\b", inflected(around, language))
    return str(_value(roman)) if unread else letters


@cache
def _rules(language: Language) -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
    return [(re.compile(rf"(?<!\d)(?:{rule['pattern']})"), rule) for rule in language.table.get("inflected", ())]


def inflected(text: str, language: Language) -> str:
    """Numbers with an ending, or with a place of their own: ordinals, days of a month, decades."""
    for pattern, rule in _rules(language):
        text = ranges(pattern, text, language.words["to"])
        text = put_in(pattern, text, partial(_inflect, rule=rule, language=language))
    return text


def _inflect(match: re.Match[str], rule: Mapping[str, Any], language: Language) -> str | None:
    roman = ROMAN.fullmatch(match["n"])
    number = Number(str(_value(roman))) if roman else language.read(match["n"])
    if len(number.whole) > 12 or number.fraction:
        return None
    forms = {"ordinal": language.ordinal, "year": language.said_year, "cardinal": language.cardinal}
    before = match["before"] if "before" in match.groupdict() else ""
    return str(before) + changed(forms[rule["form"]](int(number.whole)), rule.get("changes", ()))


def _value(roman: re.Match[str]) -> int:
    return 10 * _TENS.index(roman["tens"]) + _ONES.index(roman["ones"])


def _version(written: str, language: Language) -> str | None:
    """`1.2.3`, or an address of the internet; groups of three digits are one number where a point parts them."""
    if re.fullmatch(language.number, written) or ".000" in written:
        return None
    point = f" {language.table['address']['.']} "
    return point.join(language.say(Number(part)) for part in written.split("."))


def _fraction(match: re.Match[str], language: Language) -> str | None:
    whole, above, below = match.groups()
    if above.startswith("0") or below.startswith("0"):
        return None  # of a date
    named = language.fraction(int(above), int(below))
    if named is None:
        slash = language.words["slash"]
        return f"{whole or ''} {above} {slash} {below}".strip()
    return f"{whole} {language.words['and']} {named}" if whole else named


@cache
def _plain(language: Language) -> re.Pattern[str]:
    return re.compile(rf"(?:(?<![\w)\]])[-−])?{language.number}")


def _power(match: re.Match[str], language: Language) -> str:
    value = "".join(str(unicodedata.digit(character)) for character in match["digits"])
    names, minus = language.table["power"], bool(match["minus"])
    known = None if minus else names.get(value)
    return str(known or names["other"].format(n=language.say(Number(value, negative=minus))))
