"""How what was heard is compared with the query: word and character error rates after one normalisation of both sides.

The normaliser is the field's, Whisper's own (https://arxiv.org/abs/2212.04356, appendix C), from the package
whisper-normalizer: for English the one that knows contractions, spellings, titles, numbers and sums of money, so that
"$5" and "five dollars" are the same; for every other language the basic one, with all marks of a script kept.

Two things are done before it, on both sides. Brackets become spaces: it would drop what stands in them, and a clip that
leaves that out would pass. Apostrophes of print become plain ones: it would tear "don’t" apart. Where a script puts no
space between words (Chinese, Japanese, Thai) the word error rate says nothing: use the character error rate.

Two things are done after it, because no ear can tell them apart: a word that one side writes with 's and the other
without the apostrophe ("the neighbor's door") is the other's, and words that are the same letters but for the gaps
("best selling") are the same. A missing, another or a further letter stays an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container
from functools import cache

ENGLISH = "en"
_PLAIN = str.maketrans({**dict.fromkeys("’‘ʼ`´", "'"), **dict.fromkeys("()[]<>", " ")})
_POSSESSIVE, _WORD = re.compile(r"(\w+)'(s)\b", re.I), re.compile(r"\w+")
_WITHOUT_GAPS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def words(text: str, language: str = ENGLISH) -> list[str]:
    """The words that count, normalised as the module says; `language` as BCP 47 writes it."""
    plain = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    normalised = _normaliser(language.partition("-")[0].lower())(plain)
    return [word for word in normalised.split() if any(map(str.isalnum, word))]  # it leaves a point of "..."


@cache
def _normaliser(language: str) -> Callable[[str], str]:
    if language == ENGLISH:
        from whisper_normalizer.english import EnglishTextNormalizer

        english: Callable[[str], str] = EnglishTextNormalizer()
        return english
    from whisper_normalizer.basic import BasicTextNormalizer

    basic: Callable[[str], str] = BasicTextNormalizer(preserve_marks=True)
    return basic


def word_error_rate(text: str, heard: str, language: str = ENGLISH) -> float:
    """(substitutions + deletions + insertions) / words of `text`. 1.0 where nothing was heard; above 1 for much more.

    Raises ValueError for a text without words: there is nothing to divide by.
    """
    import jiwer

    said, made_out = _compared(text, heard, language)
    return float(jiwer.wer(" ".join(said), " ".join(made_out)))


def wrong_words(text: str, heard: str, language: str = ENGLISH) -> int:
    """Substitutions, deletions and insertions: what the word error rate counts."""
    return round(word_error_rate(text, heard, language) * len(_compared(text, heard, language)[0]))


def character_error_rate(text: str, heard: str, language: str = ENGLISH) -> float:
    """As `word_error_rate`, by characters of the words; gaps between words do not count.

    Raises ValueError for a text without words.
    """
    import jiwer

    said, made_out = _compared(text, heard, language)
    return float(jiwer.cer("".join(said), "".join(made_out)))


def _compared(text: str, heard: str, language: str) -> tuple[list[str], list[str]]:
    """The words of both sides, written alike where they are the same letters."""
    said = _reference(_without_apostrophes(text, heard), language)
    made_out = words(_without_apostrophes(heard, text), language)
    return _joined(said, set(made_out)), _joined(made_out, set(said))


def _without_apostrophes(text: str, other: str) -> str:
    """`text` with "neighbor's" as "neighbors" where the other side has that."""
    known = set(_WORD.findall(other.translate(_PLAIN).lower()))
    return _POSSESSIVE.sub(
        lambda word: word[1] + word[2] if (word[1] + word[2]).lower() in known else word[0], text.translate(_PLAIN)
    )


def _joined(parts: list[str], other: Container[str]) -> list[str]:
    """`parts` with two words as one where the other side has that."""
    whole: list[str] = []
    for part in parts:
        whole.append(whole.pop() + part if whole and whole[-1] + part in other else part)
    return whole


def puts_gaps_between_words(text: str) -> bool:
    """False where a script does not, so that a word error rate says nothing: Chinese, Japanese, Thai and its kin."""
    return not _WITHOUT_GAPS.search(text)


def _reference(text: str, language: str) -> list[str]:
    spoken = words(text, language)
    if not spoken:
        raise ValueError(f"the text has no words that could be heard: {text[:40]!r}")
    return spoken
