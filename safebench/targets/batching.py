"""Single requests into batches: those that are waiting go together, sorted by size, as many as memory holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
GATHERED = 0.02  # s that the first one waits for others, which are on their way at the same time


class Batcher(Generic[Asked, Answered]):
    """`await batcher.put(asked)` answers through `work`, which takes a list and runs in a thread, one call at a time.

    What fails as a batch is tried again in halves: at the end one request alone fails, with its own error. A batch that
    was too large for the memory is not tried again at that size.
    """

    def __init__(
        self, work: Callable[[list[Asked]], list[Answered]], size: Callable[[Asked], int], batch_size: int
    ) -> None:
        self._work = work
        self._size = size
        self._most = batch_size
        self._waiting: list[tuple[Asked, asyncio.Future[Answered]]] = []
        self._running: asyncio.Task[None] | None = None

    async def put(self, asked: Asked) -> Answered:
        """Raises what `work` raises for this request alone."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        if self._running is not None:
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHERED)
            self._waiting.sort(key=lambda waiting: self._size(waiting[0]))
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        batch = [(asked, future) for asked, future in batch if not future.cancelled()]
        if not batch:
            return
        try:
            answers = await asyncio.to_thread(self._work, [asked for asked, _ in batch])
        except Exception as error:  # noqa: BLE001  whatever it is, only the one that it belongs to may fail
            await self._split(batch, error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _split(self, batch: Sequence[tuple[Asked, asyncio.Future[Answered]]], error: Exception) -> None:
        if len(batch) == 1:
            if not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        if type(error).__name__ == "OutOfMemoryError":
            self._most = max(1, min(self._most, len(batch) // 2))
        half = (len(batch) + 1) // 2
        await self._answer(batch[:half])
        await self._answer(batch[half:])
