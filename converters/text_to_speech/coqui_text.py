"""What Coqui would silently leave out of a text."""

from __future__ import annotations

import unicodedata
from typing import Any

from converters.text_to_speech import spoken_text


def check_text(text: str, tokenizer: Any, language: str | None) -> str:
    """The text as the model gets it. Raises ConversionError that names what the model would not say.

    Tokenizers without an alphabet (XTTS has word pieces instead) are not checked beforehand.
    """
    text = spoken_text.one_line(spoken_text.speakable(text))
    if not hasattr(tokenizer, "characters"):
        return text
    spoken_text.refuse_unknown(_cleaned_away(text, tokenizer, language), "the model's text cleaner")
    known = frozenset(tokenizer.characters.vocab)
    if not tokenizer.use_phonemes:  # a phonemizer reads the marks itself
        text = spoken_text.without_silent_marks(text, known.__contains__)
        spoken_text.refuse_unknown(_transliterated(text, known), "the model's alphabet")
    seen = _as_tokenized(text, tokenizer, language)
    spoken_text.refuse_unknown((character for character in seen if character not in known), "the model's alphabet")
    return text


def _cleaned_away(text: str, tokenizer: Any, language: str | None) -> list[str]:
    """Characters of which the cleaner leaves nothing, e.g. "<"."""
    return [c for c in set(text) if not spoken_text.is_silent(c) and not _clean(c, tokenizer, language).strip()]


def _clean(text: str, tokenizer: Any, language: str | None) -> str:
    return str(tokenizer.text_cleaner(text, lang=language)) if tokenizer.text_cleaner else text


def _transliterated(text: str, known: frozenset[str]) -> list[str]:
    """Letters of a script without cases, which a cleaner may spell in Latin ones that no listener would understand."""
    bases = {base for character in known for base in _base(character)}
    return [c for c in set(text) if unicodedata.category(c) == "Lo" and not set(_base(c)) <= bases]


def _base(character: str) -> str:
    return unicodedata.normalize("NFKD", character).lower()


def _as_tokenized(text: str, tokenizer: Any, language: str | None) -> str:
    """What Coqui's tokenizer looks up; it discards what it does not find, with a line in a log."""
    text = _clean(text, tokenizer, language)
    return str(tokenizer.phonemizer.phonemize(text, separator="", language=language)) if tokenizer.phonemizer else text


def splits_faithfully(tts: Any, text: str, language: str | None) -> bool:
    """Whether Coqui's splitter keeps every letter and digit; it removes what it takes for markup."""
    sentences = tts.synthesizer.split_into_sentences(text, language)
    return _spoken("".join(sentences)) == _spoken(text)


def _spoken(text: str) -> list[str]:
    return [character for character in text if character.isalnum()]
