"""How far a run is, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from safebench.types import Outcome


class Bars:
    """One progress bar for each condition, with its open items counted."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[open]} open"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}
        self._open: dict[str, int] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, counts: Mapping[str, Mapping[str | None, int]], skipped: Mapping[str, str]) -> None:
        for condition, cell in counts.items():
            self._open[condition] = sum(n for o, n in cell.items() if o is not None and not Outcome(o).decided)
            done = sum(n for outcome, n in cell.items() if outcome is not None)
            self._add(condition, sum(cell.values()), done)
        for condition, why in skipped.items():
            self._progress.console.print(escape(f"skipped: {condition}: {why}"), style="yellow")

    def warned(self, line: str) -> None:
        self._progress.console.print(escape(f"warning: {line}"), style="yellow", soft_wrap=True)

    def ended(self, condition: str, outcome: Outcome) -> None:
        self.advance(condition, is_open=not outcome.decided)

    def _add(self, name: str, total: int, done: int) -> None:
        self._progress.start()  # not before there is something to show: an error comes without bars
        self._tasks[name] = self._progress.add_task(escape(name), total=total, completed=done, open=self._open[name])

    def advance(self, name: str, *, is_open: bool) -> None:
        self._open[name] += is_open
        self._progress.update(self._tasks[name], advance=1, open=self._open[name])

    def plan(self, planned: Mapping[str, int]) -> None:
        """Bars for a conversion: renderings instead of items."""
        for name, total in planned.items():
            self._open[name] = 0
            self._add(name, total, 0)
