"""What is neither a word nor a number: odd digits, emoji, addresses, abbreviations, symbols."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from operator import methodcaller

from converters.text_to_text.spoken.language import Language
from converters.text_to_text.spoken.numbers import SUPERSCRIPTS
from converters.text_to_text.spoken.put_in import one_of, put_in, stop

_ADDRESS = re.compile(
    r"(?<![\w@.])(?:(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)|(?:https?|ftp)://(?P<url>[^\s<>\"]+)"
    r"|(?P<bare>www\.[^\s<>\"]+|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.(?:com|org|net|edu|gov|io|info|de|fr|es|uk|eu)\b(?:/[^\s<>\"]*)?))"
)
_TRAILING = ".,;:!?)]}'’”"  # marks of the sentence around an address
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}(?!\w)")
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufe0e\ufe0f\u20e3\u00ad]")


def plain_digits(text: str, language: Language) -> str:
    """Digits of other scripts, circled ones and fractions of one character as the digits that the rules know."""
    return "".join(_plain(character, at, text) for at, character in enumerate(text))


def _plain(character: str, at: int, text: str) -> str:
    if character.isascii() or character in SUPERSCRIPTS or unicodedata.category(character) not in ("Nd", "No"):
        return character
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character).replace("\u2044", "/")
    apart = " " if at and text[at - 1].isdigit() and plain != character else ""
    return apart + plain


def emoji_names(text: str, language: Language) -> str:
    """Every emoji by its name in CLDR, as the package `emoji` has it."""
    if text.isascii():
        return text
    import emoji

    emoji.config.load_language(language.code)
    emojis = re.compile(one_of(one["emoji"] for one in emoji.emoji_list(text)))
    return _INVISIBLE.sub("", put_in(emojis, text, lambda one: _emoji_name(one[0], language)))


def _emoji_name(written: str, language: Language) -> str:
    import emoji

    return emoji.demojize(written, delimiters=("", " "), language=language.code).replace("_", " ").strip()


def addresses(text: str, language: Language) -> str:
    """Web and mail addresses with their marks by name; nobody says the scheme `https://`."""
    return put_in(_ADDRESS, text, lambda match: _address(match, language))


def _address(match: re.Match[str], language: Language) -> str:
    written = match["mail"] or match["url"] or match["bare"]
    address = written.rstrip(_TRAILING).removesuffix("/") or written
    marks = language.table["symbols"] | language.table["address"]
    address = re.sub(r"^www\b", "w w w", address)
    spoken = put_in(re.compile(one_of(marks)), address, lambda mark: f" {marks[mark[0]]} ")
    return " ".join(spoken.split()) + written[len(written.rstrip(_TRAILING)) :]


def abbreviations(text: str, language: Language) -> str:
    for pattern, spoken in language.table.get("rewritten", ()):
        text = put_in(re.compile(pattern), text, methodcaller("expand", spoken))
    numbered = language.table["before_number"]
    text = put_in(_before_number(language), text, lambda match: numbered[match[1]])
    text = put_in(_known(language), text, lambda match: _full(match, language))
    return put_in(_INITIALS, text, lambda match: " ".join(match[0].replace(".", "")) + stop(match, may_end=False))


@cache
def _before_number(language: Language) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)({one_of(language.table['before_number'])})[ \u00a0]?(?=\d)")


@cache
def _known(language: Language) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?:{one_of(language.table['abbreviations'])})(?!\w)", re.IGNORECASE)


def _full(match: re.Match[str], language: Language) -> str | None:
    """The word in full, with a capital where the abbreviation had one; None for another one in other letters."""
    known, written = language.table["abbreviations"], match[0]
    lower = written[0].lower() + written[1:]
    if written not in known and lower not in known:
        return None
    full = known.get(written) or known[lower][0].upper() + known[lower][1:]
    return str(full) + stop(match, may_end=written in language.table["ends"])


def symbols(text: str, language: Language) -> str:
    names = language.table["symbols"]
    return put_in(_symbols(language), text, lambda match: names[match[0]])


@cache
def _symbols(language: Language) -> re.Pattern[str]:
    return re.compile(one_of(language.table["symbols"]))
