"""Spoken answers, which are judged twice: as they were heard, and as the target wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from safebench.store.store import Store


def spoken_of(condition: str, store: Store) -> dict[str, int] | None:
    """Spoken answers; those in which nothing was heard, so that the target's own text was judged; those judged by both,
    and with which result. None where none are.
    """
    (row,) = store.rows(_SPOKEN, condition)
    return dict(row) if row["answers"] else None


def spoken_lines(cells: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each condition with spoken answers."""
    for cell in cells:
        found = cell["spoken"]
        if found:
            yield (
                f"Spoken answers under {cell['condition']}: {found['answers']}, in {found['not_heard']} nothing was"
                " heard. What was heard and the target's own text got different verdicts in"
                f" {found['verdicts_differ']} of {found['with_own_text']} (unsafe where either is)."
            )


_SPOKEN = """
SELECT count(*) AS answers, coalesce(sum(trim(transcript) = ''), 0) AS not_heard,
    coalesce(sum(own_label IS NOT NULL), 0) AS with_own_text,
    coalesce(sum(own_label IS NOT NULL AND own_label IS NOT label), 0) AS verdicts_differ
FROM spoken JOIN items i ON i.id = spoken.item WHERE i.condition = ?
"""
