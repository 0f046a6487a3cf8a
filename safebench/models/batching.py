"""Single jobs into batches: those that wait go together, as many as are taken at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Batcher(Generic[Asked, Answered]):
    """`await batcher.put(asked)` answers through `work`, which takes a list; `lanes` calls are under way at most.

    A batch that is not full waits `gathered` seconds for others, which are on their way at the same time, and fills on
    while no lane is free. Those of like `size` go together.

    What fails as a batch is tried again in halves: at the end one job alone fails, with its own error. A batch that
    was too large for the memory is not tried again at that size.
    """

    def __init__(
        self,
        work: Callable[[list[Asked]], Awaitable[Sequence[Answered]]],
        batch_size: int,
        *,
        lanes: int = 1,
        gathered: float = 0.02,
        size: Callable[[Asked], int] = lambda asked: 0,
    ) -> None:
        self._work = work
        self._most = batch_size
        self._lanes = lanes
        self._gathered = gathered
        self._size = size
        self._waiting: list[tuple[Asked, asyncio.Future[Answered]]] = []
        self._running: list[asyncio.Task[None]] = []

    async def put(self, asked: Asked) -> Answered:
        """Raises what `work` raises for this job alone."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._running = [lane for lane in self._running if not lane.done()]
        if len(self._running) < self._lanes:
            self._running.append(asyncio.create_task(self._run()))
        return await future

    async def close(self) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._running)

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._most:
                await asyncio.sleep(self._gathered)
            self._waiting.sort(key=lambda waiting: self._size(waiting[0]))
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        batch = [(asked, future) for asked, future in batch if not future.cancelled()]
        if batch and await self._has_to_split(batch):
            half = (len(batch) + 1) // 2
            await self._answer(batch[:half])
            await self._answer(batch[half:])

    async def _has_to_split(self, batch: Sequence[tuple[Asked, asyncio.Future[Answered]]]) -> bool:
        """Tries a batch. The error ends here: while it lives, its traceback holds all tensors of the failed batch."""
        try:
            answered = list(zip(batch, await self._work([asked for asked, _ in batch]), strict=True))
        except Exception as error:  # noqa: BLE001  whatever it is, only the one that it belongs to may fail
            if len(batch) > 1:
                if type(error).__name__ == "OutOfMemoryError":
                    self._most = max(1, min(self._most, len(batch) // 2))
                return True
            answered = []
            if not batch[0][1].done():
                batch[0][1].set_exception(error)
        for (_, future), answer in answered:
            if not future.done():
                future.set_result(answer)
        return False
