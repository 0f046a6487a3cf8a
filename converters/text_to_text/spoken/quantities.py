"""Sums of money and quantities with a unit."""

from __future__ import annotations

import re
from functools import cache

from converters.text_to_text.spoken.language import Language, Number, changed
from converters.text_to_text.spoken.numbers import SUPERSCRIPTS
from converters.text_to_text.spoken.put_in import one_of, put_in, ranges
from safebench.resources import load_toml

_SYMBOLS = "$€£¥₹"
_MINUS = re.compile(rf"(?<![\w)])([{_SYMBOLS}])[ \u00a0]?[-−](?=\d)")  # $-5
_TO_MANY = re.compile(rf"([{_SYMBOLS}])(\d[\d.,]*(?:[kKmMB]|bn|mn))[ \u00a0]?[-–—][ \u00a0]?\1?(?=\d)")  # $5k-10k
_CENTS = re.compile(rf"(?<![\w.,])(\d+)[ \u00a0]?([{_SYMBOLS}])(\d\d)(?![\d.,]*\d|\w)")  # 5€99
_SQUARED = re.compile(r"(?<=\d)([ \u00a0]?[kcm]?m)([23])(?!\w)")  # 5 m2
_TO = re.compile(rf"([{_SYMBOLS}])(\d[\d.,]*)[ \u00a0]?[-–—][ \u00a0]?\1?(?=\d)")  # $5-10


def money(text: str, language: Language) -> str:
    text = _MINUS.sub(r"-\1", text)
    text = _TO_MANY.sub(rf"\1\2 {language.words['to']} \1", text)
    text = _CENTS.sub(rf"\2\1{language.words['decimal']}\3", text)
    text = _TO.sub(rf"\2 {language.words['to']} \1", text)
    for pattern in _sums(language):
        text = put_in(pattern, text, lambda match: _sum(match, language))
    return text


@cache
def _sums(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The currency before the amount, and after it."""
    symbol = rf"(?<![A-Z])(?P<symbol>{one_of(load_toml('units.toml')['currencies'])})"
    magnitude = rf"(?:[ \u00a0]?(?P<magnitude>{one_of(language.table['magnitudes'])})(?!\w))?"
    minus, amount = r"(?P<minus>(?<![\w)])[-−])?", rf"(?P<amount>{language.number}){magnitude}"
    before = rf"{minus}{symbol}[ \u00a0]?{amount}"
    return re.compile(before), re.compile(rf"{minus}(?<![\d.,]){amount}[ \u00a0]?{symbol}(?![\w$€£])")


def _sum(match: re.Match[str], language: Language) -> str:
    parts, symbol = match.groupdict(), match["symbol"]
    number = language.read(parts["amount"])
    minus = f"{language.words['minus']} " if parts["minus"] else ""
    magnitude = language.table["magnitudes"].get(parts["magnitude"]) if parts["magnitude"] else ""
    names = language.table["money"].get(symbol)
    if names is None:
        name = language.currency(load_toml("units.toml")["currencies"][symbol], number, many=bool(magnitude))
        return minus + _counted(number, magnitude, name, language)
    if magnitude or len(number.fraction) != 2:
        one = number.value == 1 and not magnitude
        return minus + _counted(number, magnitude, names[not one], language)
    return minus + _with_cents(number, names, language)


def _counted(number: Number, magnitude: str, name: str, language: Language) -> str:
    words = language.say(number)
    words = words if number.fraction else language.before(words, magnitude or name)
    return changed(" ".join(part for part in (words, magnitude, name) if part), language.table.get("elisions", ()))


def _with_cents(number: Number, names: list[str], language: Language) -> str:
    """`5.00` has no cents, and `0.50` nothing but cents."""
    parts = []
    for written, (one, many) in ((number.whole, names[:2]), (number.fraction, names[2:])):
        amount = Number(written.lstrip("0") or "0", grouped=number.grouped)
        if amount.value:
            name = one if amount.value == 1 else many
            parts.append(_counted(amount, "", name, language))
    return f" {language.words['and']} ".join(parts) or _counted(Number("0"), "", names[1], language)


def units(text: str, language: Language) -> str:
    text = _SQUARED.sub(lambda match: match[1] + "²³"[match[2] == "3"], text)
    text = ranges(_quantities(language), text, language.words["to"])
    return put_in(_quantities(language), text, lambda match: _quantity(match, language))


@cache
def _quantities(language: Language) -> re.Pattern[str]:
    unit = one_of(load_toml("units.toml")["units"])
    number = language.number
    first = rf"(?:(?P<from>(?<![\w.,]){number})\s?[-–—]\s?)?"
    return re.compile(
        rf"(?!(?<=[A-Z]-)\d+s\b){first}(?P<n>(?:(?<![\w)%])[-−])?(?<![\w.,]){number})[ \u00a0\u202f-]?"
        rf"(?P<unit>{unit})(?:/(?P<per>{unit}))?(?![\w²³'’/])"
    )


@cache
def unread_units() -> re.Pattern[str]:
    """Units that no rule read with what they stand with: 5 kWh/a, 10⁶ km."""
    unit = one_of(load_toml("units.toml")["units"])
    return re.compile(rf"\d[ \u00a0]?(?:{unit})/|10⁻?[{SUPERSCRIPTS}]+[ \u00a0]?(?:{unit})(?!\w)")


def _quantity(match: re.Match[str], language: Language) -> str | None:
    if _may_be_a_plural(match, language):
        return None
    known = load_toml("units.toml")["units"]
    number = language.read(match["n"])
    per = known[match["per"]] if match["per"] else None
    words = language.quantity(number, known[match["unit"]], per)
    if match["from"]:
        words = f"{language.say(language.read(match['from']))} {language.words['to']} {words}"
    return words


def _may_be_a_plural(match: re.Match[str], language: Language) -> bool:
    """747s and 90s are seconds where a word before them says so, and then only round ones or small ones."""
    at = match.start("unit")
    number = language.read(match["n"])
    if match["unit"] != "s" or match["per"] or not match.string[at - 1].isdigit() or number.fraction:
        return False
    words = match.string[: match.start()].split()
    is_told = bool(words) and words[-1].lower() in language.table["time"]["lasting"]
    if bool(words) and words[-1].lower() in language.table["time"].get("ages", ()):
        return True
    return number.value >= 20 and not (is_told and (number.value < 100 or number.value % 10 == 0))
