"""In which languages the queries of a run are, and who says so."""

from __future__ import annotations

from collections.abc import Sequence

from safebench.store.items import LanguageCount


def languages_line(counts: Sequence[LanguageCount]) -> str:
    """Nobody's renderings were checked against a language where it is not known, and that has to be said."""
    return "languages of the queries: " + "; ".join(map(_told, counts))


def _told(one: LanguageCount) -> str:
    if one.language is None:
        return f"{one.queries} in a language that nobody told: spoken unchecked (column `language`, or --language)"
    said = one.queries - one.told
    told = f"{one.told} told from their words, certainty {one.least_certainty:.2f} or more" if one.told else ""
    return f"{one.language} " + ", ".join(filter(None, [f"{said} by the data" if said else "", told]))
