"""Recognisers: chosen for their media, and run in worker processes, each piece of media once.

A fidelity check and a target may read the same bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from safebench.errors import BadInput
from safebench.registry import recogniser_class
from safebench.rendering.chain import recognise
from safebench.rendering.pool import Workers
from safebench.types import Media, Rendering

REMEMBERED = 10_000  # texts; the oldest go first


class RecogniserCache:
    """`await cache.recognise(recogniser, media)` depends on the bytes alone, so what is known is not read again."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def recognise(self, recogniser: str, media: Media) -> str:
        """Raises MissingPackage, WorkerDied, and ValueError for broken media."""
        key = (recogniser, media.sha256)
        if key not in self._known:
            self._remember(key, await self.workers.run(recognise, recogniser, media))
        return self._known[key]

    def learn(self, rendering: Rendering) -> None:
        """Take over what a fidelity check has read already."""
        checked = rendering.fidelity
        if rendering.media is not None and checked.recogniser is not None and checked.recognised is not None:
            self._remember((checked.recogniser, rendering.media.sha256), checked.recognised)

    def _remember(self, key: tuple[str, str], text: str) -> None:
        self._known[key] = text
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def choose_recognisers(specs: Sequence[str]) -> dict[str, str]:
    """Recognisers NAME[:ARGUMENT] by their medium. Raises BadInput for unknown ones and two of one medium."""
    chosen: dict[str, str] = {}
    for spec in specs:
        medium = recogniser_class(spec).medium
        if medium in chosen:
            raise BadInput(f"recognisers {chosen[medium]!r} and {spec!r} are both for {medium}: choose one")
        chosen[medium] = spec
    return chosen


def transcribers(chosen: Mapping[str, str]) -> dict[str, str]:
    """Those of the chosen recognisers, by their medium, by which answers are judged."""
    return {medium: spec for medium, spec in chosen.items() if recogniser_class(spec).transcribes}
