"""Worker processes that tests share: to start one, and to load what it draws, speaks and reads with, takes seconds.

Lent is one that another test has worked with, whose environment, folder and path are those that a new one would get; a
pool that broke or was killed is lent to nobody. A run puts its jobs to its workers in the same way: what depends on
what a worker did before is a fault that is seen here, and not hidden.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Hashable, Mapping
from concurrent import futures
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

MOST = 4  # pools that are kept
OF_A_TEST = "PYTEST_CURRENT_TEST"  # the one variable that is another in each


class WarmWorkers:
    """Called as `ProcessPoolExecutor` is."""

    def __init__(self) -> None:
        self._pools: dict[Hashable, ProcessPoolExecutor] = {}

    def __call__(self, count: int, context: SpawnContext, initializer: Callable[[], None]) -> Executor:
        environment = frozenset((name, told) for name, told in os.environ.items() if name != OF_A_TEST)
        key = (count, Path.cwd(), tuple(sys.path), environment)
        pool = self._pools.pop(key, None) or ProcessPoolExecutor(count, context, initializer)
        self._pools[key] = pool
        while len(self._pools) > MOST:
            self._pools.pop(next(iter(self._pools))).shutdown(wait=False)
        return _Lent(pool, self._throw_away)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown()

    def _throw_away(self, thrown: ProcessPoolExecutor) -> None:
        self._pools = {key: pool for key, pool in self._pools.items() if pool is not thrown}


class _Lent(Executor):
    """Who gives it back waits for his own work alone."""

    def __init__(self, pool: ProcessPoolExecutor, throw_away: Callable[[ProcessPoolExecutor], None]) -> None:
        self._pool, self._throw_away = pool, throw_away
        self._begun: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future = self._pool.submit(function, *arguments, **named)
        self._begun.append(future)
        return future

    @property
    def _processes(self) -> Mapping[int, BaseProcess]:
        """Asked for by who kills them."""
        self._throw_away(self._pool)
        return self._pool._processes

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nobody waits for one that is broken."""
        if not wait:
            self._throw_away(self._pool)
            self._pool.shutdown(wait=False)
            return
        if cancel_futures:
            for future in self._begun:
                future.cancel()
        futures.wait(self._begun)
