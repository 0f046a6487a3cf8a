"""How long many renderings take here and how much room they need, told from the first few before the rest is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from safebench.rendering.chain import RenderJob
from safebench.types import Rendering

TRIED = 3  # of each recipe: the first one often waits for its engine to be loaded
WORTH = 100  # renderings from which it is told

Jobs = Mapping[str, Sequence[RenderJob]]  # by condition


@dataclass(frozen=True, slots=True)
class Outlook:
    """What all renderings take together, but for conditions of which nothing is known, each with the reason."""

    renderings: int
    seconds: float
    size: float  # bytes of media
    workers: int
    unknown: Mapping[str, str]

    def line(self) -> str:
        parts = [f"{self.renderings:,} renderings"]
        if self.size:
            parts.append(f"about {_duration(self.seconds)} with {self.workers} workers and {_room(self.size)} of media")
        if self.unknown:
            parts.append("not known: " + ", ".join(f"{name} ({why})" for name, why in self.unknown.items()))
        return "; ".join(parts)


def by_condition(jobs: Sequence[RenderJob]) -> dict[str, list[RenderJob]]:
    grouped: dict[str, list[RenderJob]] = {}
    for job in jobs:
        grouped.setdefault(job.recipe.condition, []).append(job)
    return grouped


async def look_ahead(
    jobs: Jobs, render: Callable[[RenderJob], Awaitable[Rendering]], workers: int, asking: Collection[str] = ()
) -> Outlook:
    """The first few of each condition are rendered one after another; what one takes is the median of them.

    `asking`: conditions that ask models, and so are not tried.
    """
    seconds = size = 0.0
    unknown = {name: "it asks models" for name in jobs if name in asking}
    for name, ones in jobs.items():
        tried = [await render(job) for job in ones[: 0 if name in asking else TRIED]]
        sizes = [one.media.size for one in tried if one.media is not None]
        if sizes:
            seconds += median(one.seconds for one in tried) * len(ones) / workers
            size += fmean(sizes) * len(ones)
        elif tried:
            unknown[name] = "the first ones failed"
    return Outlook(sum(map(len, jobs.values())), seconds, size, workers, unknown)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _room(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
