"""Languages of texts, as BCP 47 writes them: what the data say, and what py3langid tells of a text where they do not.

py3langid (BSD-3-Clause) brings its model with it and is part of the extra `speech`. Without it nothing is told, and the
language of such a text is unchecked. Measured by benchmarks/languages.py.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from safebench.models.torch_backend import installed
from safebench.plugins import is_installed

PACKAGE = "py3langid"
UNLIKELY, LIKELY = 0.05, 0.25  # a text is in another language that is likelier than that, if the wanted one is less
SURE = 0.5  # certainty from which a told language chooses the voice
NO_LANGUAGE = "zxx"  # what ISO 639 calls a text in none: numbers, code, a hash
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.I)
# Written alike, or spoken by the same voices: the first names the second.
_COUNTED_AS = {
    **{"cmn": "zh", "yue": "zh", "wuu": "zh", "nb": "no", "nn": "no", "pcm": "en", "ary": "ar", "arz": "ar"},
    **{"eng": "en", "deu": "de", "fra": "fr", "spa": "es", "zho": "zh", "hin": "hi", "ara": "ar"},
}


class Likely(NamedTuple):
    """The language that a text is most likely in, and how certain that is (a fraction)."""

    language: str
    certainty: float


def language_tag(written: str) -> str:
    """A tag of BCP 47 in its usual case: `pt_br` is `pt-BR`. Raises ValueError for what is none."""
    tag = written.strip().replace("_", "-")
    if not _TAG.fullmatch(tag):
        raise ValueError(f"language {written[:40]!r} is no tag of BCP 47, such as en, de or pt-BR")
    first, *others = tag.split("-")
    return "-".join([first.lower(), *map(_cased, others)])


def _cased(subtag: str) -> str:
    return {2: subtag.upper(), 4: subtag.title()}.get(len(subtag), subtag.lower())


def primary(tag: str) -> str:
    """The language of a tag without region and script, where dialects count as what they are written like."""
    first = tag.partition("-")[0].lower()
    return _COUNTED_AS.get(first, first)


def teller() -> str:
    """What tells languages here, with its version."""
    return f"{PACKAGE} {installed(PACKAGE)}"


def tell(text: str) -> Likely | None:
    """None where nothing tells it here, and for a text in no language."""
    likelihoods = _likelihoods(text)
    if not likelihoods:
        return None
    language, certainty = max(likelihoods.items(), key=lambda one: one[1])
    return None if language == NO_LANGUAGE else Likely(language, certainty)


def unfit(text: str, wanted: str, language: str | None, certainty: float | None) -> str | None:
    """Why a text does not go with what takes one language only, and what to write; None where nothing is against it.

    `certainty` is None where the data say the language. What was told has to be clearly another one.
    """
    if language is None or goes_with(text, wanted, language, certainty):
        return None
    how = "by the data" if certainty is None else f"as its words tell (certainty {certainty:.2f})"
    return (
        f"the text is in {language!r}, {how}, and this speaks {wanted!r}: name a recipe with a voice of its language; "
        f"if it is in {primary(wanted)!r}, say so in a column `language` or with --language {primary(wanted)}"
    )


def goes_with(text: str, wanted: str, language: str | None, certainty: float | None) -> bool:
    """Whether nothing says that a text is in another language than the wanted one. `certainty` as in `unfit`."""
    if language is None or not _TAG.fullmatch(wanted) or primary(language) == primary(wanted):
        return True
    return certainty is not None and not is_other(text, wanted)


def is_other(text: str, language: str) -> bool:
    """Whether a text that nobody said the language of is clearly in another than this one."""
    likelihoods = _likelihoods(text)
    likely = max(likelihoods.values(), default=0.0)
    return likely >= LIKELY and likelihoods.get(primary(language), 0.0) < UNLIKELY


@lru_cache(maxsize=256)
def _likelihoods(text: str) -> dict[str, float]:
    """By primary language; empty where nothing tells it here, or nothing in the text is a letter."""
    identifier = _identifier(PACKAGE)
    if identifier is None or not any(map(str.isalpha, text)):
        return {}
    likelihoods: dict[str, float] = {}
    for tag, likelihood in identifier.rank(text):
        language = primary(tag)
        likelihoods[language] = likelihoods.get(language, 0.0) + round(float(likelihood), 4)
    return likelihoods


@cache
def _identifier(package: str) -> Any:
    """None where it is not installed."""
    if not is_installed(package):
        return None
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
