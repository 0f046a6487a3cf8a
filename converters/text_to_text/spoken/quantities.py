"""Sums of money and quantities with a unit."""

from __future__ import annotations

import re
from functools import cache

from converters.text_to_text.spoken.language import Language, Number, changed
from converters.text_to_text.spoken.put_in import one_of, put_in, ranges
from safebench.resources import load_toml

_SYMBOLS = "$€£¥₹"
_MINUS = re.compile(rf"(?<![\w)])([{_SYMBOLS}])[ \u00a0]?[-−](?=\d)")  # $-5
_TO = re.compile(rf"([{_SYMBOLS}])(\d[\d.,]*)[ \u00a0]?[-–—][ \u00a0]?\1?(?=\d)")  # $5-10


def money(text: str, language: Language) -> str:
    text = _MINUS.sub(r"-\1", text)
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


def _quantity(match: re.Match[str], language: Language) -> str:
    known = load_toml("units.toml")["units"]
    number = language.read(match["n"])
    per = known[match["per"]] if match["per"] else None
    words = language.quantity(number, known[match["unit"]], per)
    if match["from"]:
        words = f"{language.say(language.read(match['from']))} {language.words['to']} {words}"
    return words
