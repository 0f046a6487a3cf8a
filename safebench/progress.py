"""How long work tells of its progress: to a terminal, to a program, or to nobody."""

from __future__ import annotations

from collections.abc import Mapping

from safebench.types import Outcome


class Progress:
    """Told by name (a condition, a recipe, a stage) what is planned, and about each part that is done."""

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        """`total` parts, of which `done` were done before, `still_open` of these with nothing decided."""

    def foreseen(self, amounts: Mapping[str, float]) -> None:
        """Roughly how much each stage is, in their order; what is planned and is of one is named after it."""

    def advanced(self, name: str, *, is_open: bool) -> None:
        """One more part is done; `is_open`: nothing was decided, or nothing came of it."""

    def spent(self, line: str) -> None:
        """What all calls to models cost so far, in words."""

    def paced(self, line: str) -> None:
        """How many calls each endpoint takes at once, in words."""

    def skipped(self, name: str, why: str) -> None:
        """Nothing of it will be done."""

    def announced(self, line: str) -> None:
        """What is about to be done."""

    def warned(self, line: str) -> None:
        """Something to know before the work begins, or the first time that it matters."""


class NoProgress(Progress):
    """Shows nothing."""


def tell_items(progress: Progress, counts: Mapping[str, Mapping[str | None, int]]) -> None:
    """What is planned of items: `counts` are those by condition and outcome, None for items without one."""
    for condition, cell in counts.items():
        ended = {Outcome(outcome): count for outcome, count in cell.items() if outcome is not None}
        still_open = sum(count for outcome, count in ended.items() if not outcome.decided)
        progress.planned(condition, sum(cell.values()), sum(ended.values()), still_open)
