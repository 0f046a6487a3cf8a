"""How what was heard is compared with the query: word and character error rates after one normalisation of both sides.

The normaliser, in this order: compatibility forms unified (NFKC) and case folded; `&` and `%` become "and" and
"percent"; the dots of an abbreviation go ("U.S." is "us"), and so do the commas within a number ("1,000" is "1000");
apostrophes go, so that "don't" and "dont" are one word; a hyphen, dash or other punctuation mark separates words;
whole numbers below 100 are spelled out in English. Symbols such as + and $ stay as words: they are spoken.

Limits: a number above 99, a decimal, a date or a sum of money counts as an error when one side writes digits and the
other writes words, and so do contractions and spellings of one sound ("cannot", "can not"; "grey", "gray"). All of
them make a clip look worse than it is, never better. Where a script puts no space between words (Chinese, Japanese,
Thai) the word error rate says nothing: use the character error rate.
"""

from __future__ import annotations

import re
import unicodedata

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPOKEN = {"&": " and ", "%": " percent "}
_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018\u02bc\u0060\u00b4")
_ABBREVIATION = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_WITHIN_NUMBER = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DECIMAL_POINT = re.compile(r"(?<=\d)[.,](?=\d)")
_WITHOUT_GAPS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_SMALL_NUMBER = re.compile(r"[1-9]?[0-9]")


def words(text: str) -> list[str]:
    """The words that count, normalised as the module says."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), folded)
    folded = _WITHIN_NUMBER.sub("", folded).translate(_APOSTROPHES)
    for symbol, spoken in _SPOKEN.items():
        folded = folded.replace(symbol, spoken)
    spaced = "".join(_separated(folded, at) for at in range(len(folded)))
    return [word for written in spaced.split() for word in _spelled(written)]


def _separated(text: str, at: int) -> str:
    """The character at a place, with spaces where it is no part of a word."""
    character = text[at]
    category = unicodedata.category(character)[0]
    if category in "PZC":
        return character if _DECIMAL_POINT.match(text, at) else " "
    return f" {character} " if category == "S" else character


def _spelled(word: str) -> list[str]:
    """A number below 100 as it is spoken in English; any other word as it is."""
    if not (word.isascii() and _SMALL_NUMBER.fullmatch(word)):
        return [word]
    number = int(word)
    if number < 20:
        return [_ONES[number]]
    tens, ones = divmod(number, 10)
    return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]


def word_error_rate(text: str, heard: str) -> float:
    """(substitutions + deletions + insertions) / words of `text`. 1.0 where nothing was heard; above 1 for much more.

    Raises ValueError for a text without words: there is nothing to divide by.
    """
    import jiwer

    return float(jiwer.wer(" ".join(_reference(text)), " ".join(words(heard))))


def character_error_rate(text: str, heard: str) -> float:
    """As `word_error_rate`, by characters of the words; gaps between words do not count.

    Raises ValueError for a text without words.
    """
    import jiwer

    return float(jiwer.cer("".join(_reference(text)), "".join(words(heard))))


def puts_gaps_between_words(text: str) -> bool:
    """False where a script does not, so that a word error rate says nothing: Chinese, Japanese, Thai and its kin."""
    return not _WITHOUT_GAPS.search(text)


def _reference(text: str) -> list[str]:
    spoken = words(text)
    if not spoken:
        raise ValueError(f"the text has no words that could be heard: {text[:40]!r}")
    return spoken
