"""Dates in digits and times of day."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from converters.text_to_text.spoken.language import Language, Number
from converters.text_to_text.spoken.put_in import put_in, ranges, stop

_ISO = re.compile(r"(?<![\w-])(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?![\w-])")
_NUMERIC = re.compile(
    r"(?<![\w./-])(?P<a>\d{1,2})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<y>\d{4}|\d\d)(?![\w/-]|\.\d)"
)
YEAR_MONTH = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])(?![\w-])"
_MONTH = re.compile(rf"(?<![\w./-])(?=(?P<y>\d+)-(?P<m>\d+)){YEAR_MONTH}(?![/:.]\d)")
# 1h 30m, 5m 30s: an m beside hours or seconds is no meter.
_DURATION = re.compile(
    r"(?<![\w.,:])(?:(?P<hour>\d{1,3})\s?h\s?)?(?P<minute>\d{1,2})\s?m(?:\s?(?P<second>\d{1,2})\s?s)?(?![\w/²³])"
)
_CENTURY = 1970  # two digits of a year mean one of the hundred from here on


def dates(text: str, language: Language) -> str:
    """Dates in digits as they are written with the month's name; days and years are numbers, and read as such."""
    for pattern in (_ISO, _NUMERIC):
        text = ranges(pattern, text, language.words["to"])
    text = put_in(_ISO, text, lambda match: _written(match["y"], int(match["m"]), int(match["d"]), language))
    text = put_in(_MONTH, text, lambda match: _month(match, language))
    return put_in(_NUMERIC, text, lambda match: _numeric(match, language))


def _month(match: re.Match[str], language: Language) -> str | None:
    """2024-05; the season 2011-12 is two years. None for what may be either: 2004-05, 2005-12."""
    year, month = int(match["y"]), int(match["m"])
    if month == (year + 1) % 100 and month > 9:
        return f"{year} {language.words['to']} {month}"
    if month > year % 100 and (month > 9 or month == (year + 1) % 100):
        return None
    return str(language.table["date"]["month"].format(month=language.month(month), year=year))


def _numeric(match: re.Match[str], language: Language) -> str | None:
    first, second = int(match["a"]), int(match["b"])
    month_first = language.table["date"]["order"] == "mdy"
    day, month = (second, first) if month_first else (first, second)
    if month > 12:  # the other order, where this one gives no date
        day, month = month, day
    return _written(match["y"], month, day, language)


def _written(year: str, month: int, day: int, language: Language) -> str | None:
    full = int(year) if len(year) == 4 else (int(year) - _CENTURY) % 100 + _CENTURY
    try:
        date(full, month, day)
    except ValueError:
        return None
    parts = {"day": str(day), "month": language.month(month), "year": str(full)}
    return str(language.table["date"]["written"].format(**parts))


@cache
def _patterns(language: Language) -> list[re.Pattern[str]]:
    return [re.compile(rf"(?<![\w.,:]){pattern}(?![\d:])") for pattern in language.table["time"]["patterns"]]


def times(text: str, language: Language) -> str:
    text = put_in(_DURATION, text, lambda match: _duration(match, language))
    for pattern in _patterns(language):
        text = ranges(pattern, text, language.words["to"])
        text = put_in(pattern, text, lambda match: _time(match, language))
    return text


def _duration(match: re.Match[str], language: Language) -> str | None:
    parts = [language.quantity(Number(digits), unit) for unit, digits in match.groupdict().items() if digits]
    return " ".join(parts) if len(parts) > 1 else None


def _time(match: re.Match[str], language: Language) -> str | None:
    parts = match.groupdict()
    hour, minute, second = (int(parts.get(part) or 0) for part in "hms")
    if hour > 24 or minute > 59 or second > 59:
        return None
    rules = language.table["time"]
    half = rules["half"][parts["half"].lower()] if parts.get("half") else ""
    hours = rules["hours"][hour != 1]
    values = {"h": language.before(language.cardinal(hour), hours), "m": language.cardinal(minute), "hours": hours}
    words = rules[_form(minute, rules, half)].format(**values)
    if second:
        words += f" {language.words['and']} {language.quantity(Number(str(second)), 'second')}"
    return f"{words} {half}".strip() + stop(match, may_end=True)


def _form(minute: int, rules: dict[str, object], half: str) -> str:
    if not minute:
        return "alone" if half else "full"
    return "few" if minute < 10 and "few" in rules else "minutes"
