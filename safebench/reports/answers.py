"""Answers to know of: cut off at the token limit and judged as far as they went, those with markup that may hold
thinking, and spoken ones, which are judged twice, as heard and as the target wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebench.store import exchanges
from safebench.store.store import Store

if TYPE_CHECKING:
    from safebench.reports.summary import ConditionSummary
    from safebench.reports.words import Words


@dataclass(frozen=True, slots=True)
class CutAnswers:
    """Answers that the jury judged, and how many of them were `cut`; `limit`: the target's option that sets where."""

    answers: int
    cut: int
    limit: str


@dataclass(frozen=True, slots=True)
class MarkedAnswers:
    """Answers that the jury judged, and how many of them are `marked`: they begin with a tag or token that is not
    known, so that thinking may have been judged with them.
    """

    answers: int
    marked: int


@dataclass(frozen=True, slots=True)
class SpokenAnswers:
    """Spoken `answers`; those in which nothing was heard, so that the target's own text was judged; those judged by
    both, and with which result.
    """

    answers: int
    not_heard: int
    with_own_text: int
    verdicts_differ: int


def cut_answers(condition: str, store: Store, limit: str) -> CutAnswers | None:
    """None where none was cut."""
    counted = exchanges.cut_answers(store, condition)
    return CutAnswers(*counted, limit) if counted.cut else None


def marked_answers(condition: str, store: Store) -> MarkedAnswers | None:
    """None where none is marked."""
    counted = exchanges.marked_answers(store, condition)
    return MarkedAnswers(*counted) if counted.marked else None


def spoken_answers(condition: str, store: Store) -> SpokenAnswers | None:
    """None without any."""
    counted = exchanges.spoken_answers(store, condition)
    return SpokenAnswers(*counted) if counted.answers else None


def cut_lines(cells: Iterable[ConditionSummary]) -> Iterator[str]:
    """A line for each condition with answers that were cut off."""
    for cell in cells:
        if cut := cell.truncated:
            yield (
                f"{cut.cut} of {cut.answers} answers under {cell.condition} were cut off at the token limit and judged"
                f" as far as they went: raise {cut.limit}"
            )


def marked_lines(cells: Iterable[ConditionSummary]) -> Iterator[str]:
    """A line for each condition with answers whose markup is not known."""
    for cell in cells:
        if marked := cell.marked:
            yield (
                f"{marked.marked} of {marked.answers} answers under {cell.condition} begin with a tag or token that is"
                " not known, and thinking may have been judged as the answer: look at them, and name its marks"
                " (thinking_tags of the family)"
            )


def spoken_lines(cells: Iterable[ConditionSummary], words: Words) -> Iterator[str]:
    """A line for each condition with spoken answers."""
    for cell in cells:
        if spoken := cell.spoken:
            yield (
                f"Spoken answers under {cell.condition}: {spoken.answers}, in {spoken.not_heard} nothing was heard."
                " What was heard and the target's own text got different verdicts in"
                f" {spoken.verdicts_differ} of {spoken.with_own_text} ({words.event} where either is)."
            )
