"""Recognition in worker processes, each piece of media once: a fidelity check and a target may read the same bytes."""

from __future__ import annotations

from collections import OrderedDict

from safebench.rendering.chain import recognise
from safebench.rendering.pool import Workers
from safebench.types import Media, Rendering

REMEMBERED = 10_000  # texts; the oldest go first


class Reader:
    """`await reader.recognise(recogniser, media)` depends on the bytes alone, so what is known is not read again."""

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
        found = rendering.fidelity
        if rendering.media is not None and found.recogniser is not None and found.recognised is not None:
            self._remember((found.recogniser, rendering.media.sha256), found.recognised)

    def _remember(self, key: tuple[str, str], text: str) -> None:
        self._known[key] = text
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
