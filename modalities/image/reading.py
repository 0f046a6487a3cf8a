"""How what was read from an image is compared with the query."""

from __future__ import annotations

import unicodedata

from converters.text_to_image.drawing.shaping import chooses_variant


def normalise(text: str) -> str:
    """The characters that count: compatibility forms unified (NFKC), lower case, no punctuation, no white space.

    White space goes because lines end where the layout ends them and recognisers guess the gaps between words.
    Symbols such as + and € stay: they carry meaning.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if _counts(character))


def _counts(character: str) -> bool:
    is_mark = unicodedata.category(character)[0] in "PZC" or chooses_variant(character)
    return not (is_mark or character.isspace())


def character_error_rate(text: str, recognised: str) -> float:
    """(substitutions + deletions + insertions) / characters of `text`, both normalised; above 1 for much too much.

    A text of punctuation alone is compared as it is, without white space. Raises ValueError for an empty text.
    """
    import jiwer

    reference, hypothesis = normalise(text), normalise(recognised)
    if not reference:
        reference, hypothesis = "".join(text.split()), "".join(recognised.split())
    return float(jiwer.cer(reference, hypothesis))
