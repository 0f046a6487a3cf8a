"""How far a run is, in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class Bars:
    """The progress of long work: one bar for each name, with its open parts counted."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[open]} open", markup=False),
            TimeRemainingColumn(),
        )
        self._drawn = RichProgress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}
        self._open: dict[str, int] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._drawn.stop()

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self._drawn.start()  # not before there is something to show: an error comes without bars
        self._open[name] = still_open
        self._tasks[name] = self._drawn.add_task(name, total=total, completed=done, open=still_open)

    def advanced(self, name: str, *, is_open: bool) -> None:
        self._open[name] += is_open
        self._drawn.update(self._tasks[name], advance=1, open=self._open[name])

    def skipped(self, name: str, why: str) -> None:
        self._drawn.console.print(f"skipped: {name}: {why}", style="yellow")

    def warned(self, line: str) -> None:
        self._drawn.console.print(f"warning: {line}", style="yellow", soft_wrap=True)

    def announced(self, line: str) -> None:
        self._drawn.console.print(line, soft_wrap=True, highlight=False)
