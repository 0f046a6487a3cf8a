"""Answers that were cut off, and spoken ones, which are judged twice: as heard, and as the target wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from safebench.store.store import Store


def truncated_of(condition: str, store: Store, limit: str) -> dict[str, Any] | None:
    """Answers that the jury judged (`answers`), and how many of them were `cut`; None where none were.

    `limit`: the option of the target that sets the token limit.
    """
    (row,) = store.rows(_CUT, condition)
    return {**dict(row), "limit": limit} if row["cut"] else None


def truncated_lines(cells: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each condition with answers that were cut off."""
    for cell in cells:
        found = cell["truncated"]
        if found:
            cut = f"{found['cut']} of {found['answers']} answers under {cell['condition']}"
            yield f"{cut} were cut off at the token limit and judged as far as they went: raise {found['limit']}"


# The finish reasons of OpenAI's endpoints and local models, of Gemini and Anthropic, and of Inspect.
_CUT = """
SELECT count(*) AS answers,
    coalesce(sum(lower(json_extract(e.response, '$.finish')) IN ('length', 'max_tokens', 'model_length')), 0) AS cut
FROM items i JOIN exchanges e ON e.key = i.exchange
WHERE i.condition = ? AND i.outcome IN ('unsafe', 'refused', 'safe', 'not_understood', 'undecided')
"""


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
