"""A pool of worker processes for what is heavy on the CPU: rendering, checking, recognising.

Workers are spawned, not forked: an engine that must start from an unused state gets one. They never run the program's
main module again, so that it needs no guard and no file: a notebook has none. They leave ctrl-C to the parent. A worker
that dies takes at most its own job with it: the pool is started again, and each of the jobs that were in flight is done
again alone, so that only the one that kills its worker fails.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from safebench.errors import Stopping
from safebench.models.asking import NOTED, MediaCall, counted
from safebench.models.calls import MediaCalls
from safebench.models.pacing import lent_turns
from safebench.plugins import ModelCalls
from safebench.rendering.turns import Lender

T = TypeVar("T")


def default_workers() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _follow_parent() -> None:
    """In a worker: leave ctrl-C to the parent, and end when the parent is gone, however it ended.

    Without the interpreter's own end, in which threads of engines may wait for each other, and the parent for them.
    """
    multiprocessing.util.Finalize(None, _leave, exitpriority=-100)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Worker(SpawnProcess):
    def start(self) -> None:
        with _no_main():
            super().start()


class _Spawning(SpawnContext):
    Process = _Worker


_STARTING = threading.Lock()


@contextmanager
def _no_main() -> Iterator[None]:
    """Inside, nothing tells where the main module came from: a process that is spawned runs it again from there."""
    main = vars(sys.modules["__main__"])
    with _STARTING:
        origin: dict[str, object] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.update(dict.fromkeys(origin))
        try:
            yield
        finally:
            main.update(origin)


Kept = dict[int, ProcessPoolExecutor]  # idle ones, by their number of processes
_KEPT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping(kept: Kept) -> Iterator[None]:
    """Inside, work begins with processes that are kept and leaves its own there: starting them, and loading what they
    draw and read with, takes seconds. Folder and environment are the same for all of it.
    """
    before = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(before)


def _in_turn(place: str | None, function: Callable[..., T], *arguments: object) -> tuple[T, Sequence[MediaCall]]:
    """In a worker: what is asked of endpoints takes its turns where these are lent."""
    with lent_turns(place):
        return counted(function, *arguments)


class WorkerDied(RuntimeError):
    """The process that did a job ended in the middle of it, twice, the second time alone."""


class Workers:
    """`await workers.run(function, argument, …)` runs a module-level function in one of `count` processes."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or default_workers()
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()
        self._pools: set[ProcessPoolExecutor] = set()  # all that may be at work
        self._killed = False
        self._jobs: set[Future[Any]] = set()
        self._kept = _KEPT.get()
        self._lender: Lender | None = None  # where it is known that models are asked
        self.calls: MediaCalls | None = None  # where what the jobs ask of models is recorded and counted

    @asynccontextmanager
    async def admitted(self, asked: Callable[[], Iterable[ModelCalls]], *, inside: bool = False) -> AsyncIterator[None]:
        """Around a job that asks at most what `asked` tells. Raises BudgetSpent where that may not be asked any more.

        `inside`: of a call that is in flight itself.
        """
        calls = [*asked()] if self.calls is not None else []
        if self.calls is None or not calls:
            yield
            return
        self._lender = self._lender or Lender(self.calls.paces)
        async with self.calls.admitted(sum(one.most for one in calls), inside=inside):
            yield

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Raises what the function raises, WorkerDied when its process died on two tries, and Stopping after `kill`."""
        if self._pool is None:
            self._pool = self._start(self.count)
        pool = self._pool
        try:
            return await self._do(pool, function, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:  # the first of the jobs that were in flight throws the pool away
                self._pool = None
                self._end(pool)
        async with self._alone:
            return await self._by_itself(function, *arguments)

    async def _by_itself(self, function: Callable[..., T], *arguments: object) -> T:
        pool = self._start(1)
        try:
            return await self._do(pool, function, *arguments)
        except BrokenProcessPool as error:
            raise WorkerDied(
                f"the worker process ended in the middle of {function.__name__}, for want of memory perhaps: fewer"
                " --workers need less"
            ) from error
        finally:
            self._end(pool)

    async def _do(self, pool: ProcessPoolExecutor, function: Callable[..., T], *arguments: object) -> T:
        if self._killed:
            raise Stopping
        try:
            place = await self._lender.place() if self._lender else None
            job = pool.submit(_in_turn, place, function, *arguments)
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)
            value, calls = await asyncio.wrap_future(job)
        except BrokenProcessPool:
            if self._killed:
                raise Stopping from None
            raise
        except Exception as error:
            self._count(getattr(error, NOTED, ()))
            raise
        self._count(calls)
        return value

    def _count(self, calls: Sequence[MediaCall]) -> None:
        if self.calls is not None:
            self.calls.made(calls)

    def _start(self, count: int) -> ProcessPoolExecutor:
        kept = self._kept.pop(count, None) if self._kept else None
        pool = kept or ProcessPoolExecutor(count, _Spawning(), _follow_parent)
        self._pools.add(pool)
        return pool

    def _end(self, pool: ProcessPoolExecutor) -> None:
        self._pools.discard(pool)
        pool.shutdown(wait=False)

    def kill(self) -> None:
        """End all processes at once, however busy: what they were doing, and all that comes later, raises Stopping."""
        self._killed = True
        for pool in self._pools:
            for process in list((pool._processes or {}).values()):  # Python 3.14 has `kill_workers` for this
                process.kill()

    def close(self) -> None:
        """Where that is interrupted, no process is left: one that still waited for work would be waited for in turn."""
        if self._lender is not None:
            self._lender.close()
        try:
            if self._kept is not None and self._pool and not self._killed:
                self._leave(self._kept, self._pool)
            for pool in self._pools:
                pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:
            self.kill()
            raise
        self._pools.clear()
        self._pool = None

    def _leave(self, kept: Kept, pool: ProcessPoolExecutor) -> None:
        jobs = [*self._jobs]
        for job in jobs:
            job.cancel()
        wait(jobs)
        self._pools.discard(pool)
        kept[self.count] = pool
