"""A pool of worker processes for what is heavy on the CPU: rendering, checking, recognising.

Workers are spawned, not forked: an engine that must start from an unused state gets one. They leave ctrl-C to the
parent. A worker that dies takes at most its own job with it: the pool is started again and the job fails.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar("T")


def default_workers() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _follow_parent() -> None:
    """In a worker: leave ctrl-C to the parent, and end when the parent is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class WorkerDied(RuntimeError):
    """The process that did a job ended in the middle of it, twice."""


class Workers:
    """`await workers.run(function, argument, …)` runs a module-level function in one of `count` processes."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or default_workers()
        self._pool: ProcessPoolExecutor | None = None

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, context, _follow_parent)
        return self._pool

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Raises what the function raises, and WorkerDied when its process died on two tries."""
        for _ in range(2):
            pool = self._start()
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
            except BrokenProcessPool:
                if self._pool is pool:  # the first of the jobs that were in flight throws the pool away
                    self._pool = None
                    pool.shutdown(wait=False)
        raise WorkerDied(f"the worker process ended in the middle of {function.__name__}")

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
