"""How far a run is, in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from safebench.progress import Progress

ALL = "all"  # the bar over all others
LOOKED_BACK = 3600.0  # s over which the rate is taken: in half a minute few clips of a slow voice are made


class _Rate(ProgressColumn):
    """How many are done in a second, or in a minute where that is less than one."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{60 * speed:.1f}/min")


class _Drawn(RichProgress):
    """With what is spent, and how many calls there are at once, below the bars."""

    spent = paced = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        if self.spent:
            yield Text(f"spent: {self.spent}")
        if self.paced:
            yield Text(f"calls at once: {self.paced}")


class Bars(Progress):
    """The progress of long work: one bar for each name with its rate and its open parts, what is spent, and how many
    calls there are at once. `whole`: and one over all of them, where there are several, or where it is foreseen how
    much there is in all.
    """

    def __init__(self, console: Console, *, whole: bool = False) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[open]} open", markup=False),
            _Rate(),
            TimeRemainingColumn(),
        )
        self._drawn = _Drawn(*columns, console=console, speed_estimate_period=LOOKED_BACK)
        self._tasks: dict[str, TaskID] = {}
        self._open: dict[str, int] = {}
        self._is_whole = whole
        self._foreseen: Mapping[str, float] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:  # else it would end with an empty line
            self._drawn.stop()

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self._drawn.start()  # not before there is something to show: an error comes without bars
        self._open[name] = still_open
        self._tasks[name] = self._drawn.add_task(name, total=total, completed=done, open=still_open)
        if self._foreseen:
            self._draw_foreseen()
        elif self._is_whole and name != ALL and len(self._tasks) > 1:
            self._plan_whole()

    def _plan_whole(self) -> None:
        """A bar over all, behind those that are there, in place of the one that was."""
        if ALL in self._tasks:
            self._drawn.remove_task(self._tasks.pop(ALL))
        parts = [task for task in self._drawn.tasks if task.id in self._tasks.values()]
        total, done = (sum(int(getattr(task, key) or 0) for task in parts) for key in ("total", "completed"))
        self.planned(ALL, total, done, sum(self._open[name] for name in self._tasks))

    def foreseen(self, amounts: Mapping[str, float]) -> None:
        if self._is_whole and sum(amounts.values()) > 0:
            self.planned(ALL, math.ceil(sum(amounts.values())))
            self._foreseen = amounts

    def _draw_foreseen(self) -> None:
        """Of a stage the share of its parts that is done; whole where a later one has begun. A further round of a stage
        sets it back: there is more to do than was foreseen.
        """
        stages = [*self._foreseen]
        shares = [self._share(stage) for stage in stages]
        begun = max((n for n, share in enumerate(shares) if share is not None), default=0)
        done = sum(self._foreseen[stage] for stage in stages[:begun]) + self._foreseen[stages[begun]] * (
            shares[begun] or 0
        )
        self._drawn.update(self._tasks[ALL], completed=math.floor(done))

    @property
    def done(self) -> tuple[int, int]:
        """What is done, and of how much, where that is foreseen."""
        whole = next(task for task in self._drawn.tasks if task.id == self._tasks[ALL])
        return int(whole.completed), int(whole.total or 0)

    def _share(self, stage: str) -> float | None:
        """None where it has not begun."""
        parts = [task for task in self._drawn.tasks if task.description.partition(",")[0] == stage]
        planned, done = (sum(getattr(task, key) or 0 for task in parts) for key in ("total", "completed"))
        return (done / planned if planned else 1.0) if parts else None

    def advanced(self, name: str, *, is_open: bool) -> None:
        if self._foreseen:
            self._open[name] += is_open
            self._drawn.update(self._tasks[name], advance=1, open=self._open[name])
            self._draw_foreseen()
            return
        for one in (name, ALL) if ALL in self._tasks else (name,):
            self._open[one] += is_open
            self._drawn.update(self._tasks[one], advance=1, open=self._open[one])

    def spent(self, line: str) -> None:
        self._drawn.spent = line

    def paced(self, line: str) -> None:
        self._drawn.paced = line

    def skipped(self, name: str, why: str) -> None:
        self._drawn.console.print(f"skipped: {name}: {why}", style="yellow")

    def warned(self, line: str) -> None:
        self._drawn.console.print(f"warning: {line}", style="yellow", soft_wrap=True)

    def announced(self, line: str) -> None:
        self._drawn.console.print(line, soft_wrap=True, highlight=False)
