"""Answers to know of: cut off at the token limit and judged as far as they went, those with markup that may hold
thinking, and spoken ones, which are judged twice, as heard and as the target wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safebench.reports.summary import ConditionSummary
    from safebench.reports.words import Words


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
