"""Single jobs into batches, as many as are taken at once, and what failed as a batch into halves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
OUT_OF_MEMORY = "OutOfMemoryError"  # torch's, by its name: torch need not be there


class Halving(Iterator[Sequence[Asked]]):
    """Batches to try, in order. Of one that failed as a whole the halves follow, down to each job alone."""

    def __init__(self, jobs: Sequence[Asked], size: BatchSize) -> None:
        self._size = size
        self._waiting = [jobs[start : start + size.most] for start in range(0, len(jobs), size.most)]

    def __next__(self) -> Sequence[Asked]:
        if not self._waiting:
            raise StopIteration
        return self._waiting.pop(0)

    def failed(self, batch: Sequence[Asked], error: Exception | None = None) -> bool:
        """Whether its halves will be tried; False for a job alone, of which the error is."""
        if len(batch) == 1:
            return False
        if type(error).__name__ == OUT_OF_MEMORY:
            self._size.most = max(1, min(self._size.most, len(batch) // 2))
        half = (len(batch) + 1) // 2
        self._waiting[:0] = [batch[:half], batch[half:]]
        return True


class BatchSize:
    """How many jobs go together: as many as are taken, or as many as memory has held since a batch was too large."""

    def __init__(self, most: int) -> None:
        self.most = most

    def batches(self, jobs: Sequence[Asked]) -> Halving[Asked]:
        return Halving(jobs, self)


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
        self._batch = BatchSize(batch_size)
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
            if len(self._waiting) < self._batch.most:
                await asyncio.sleep(self._gathered)
            self._waiting.sort(key=lambda waiting: self._size(waiting[0]))
            most = self._batch.most
            batch, self._waiting = self._waiting[:most], self._waiting[most:]
            await self._answer(batch)

    async def _answer(self, waiting: Sequence[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        batches = self._batch.batches(waiting)
        for batch in batches:
            wanted = [(asked, future) for asked, future in batch if not future.cancelled()]
            if wanted:
                await self._try(wanted, batches)

    async def _try(
        self,
        batch: Sequence[tuple[Asked, asyncio.Future[Answered]]],
        batches: Halving[tuple[Asked, asyncio.Future[Answered]]],
    ) -> None:
        """The error ends here: while it lives, its traceback holds all tensors of the failed batch."""
        try:
            answered = list(zip(batch, await self._work([asked for asked, _ in batch]), strict=True))
        except Exception as error:  # noqa: BLE001  whatever it is, only the one that it belongs to may fail
            answered = []
            if not batches.failed(batch, error) and not batch[0][1].done():
                batch[0][1].set_exception(error)
        for (_, future), answer in answered:
            if not future.done():
                future.set_result(answer)
