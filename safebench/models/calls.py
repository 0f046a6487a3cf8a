"""Every call to a model goes through `Calls`: recorded before it is used, never made twice, bounded in number."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import astuple
from typing import Protocol

from safebench.errors import Stopping
from safebench.models.asking import ask_safely
from safebench.plugins import Target
from safebench.serialisation import compact
from safebench.store.store import Store
from safebench.types import Purpose, Request, Response


class Budget(Protocol):
    """What new calls may cost; recorded ones cost nothing again."""

    def admit(self) -> None:
        """Before a new call: raises an error of ours where none may be made any more."""

    def spent(self, response: Response) -> None:
        """After it."""


class Calls:
    """At most `concurrency` calls are in flight, over target and jurors together."""

    def __init__(self, store: Store, concurrency: int, stop: asyncio.Event, budget: Budget | None = None) -> None:
        self._store = store
        self._slots = asyncio.Semaphore(concurrency)
        self._stop = stop
        self._budget = budget

    async def ask(self, target: Target, request: Request, item: int, purpose: Purpose) -> Response:
        """The recorded response to this request, or a new one, recorded.

        The key holds all that changes the answer: target, parameters, messages with the hashes of their media, and for
        which item and purpose it is asked, so that repeats are asked anew. Raises Stopping instead of a new call when
        the run is being stopped, and TargetRefusesService.
        """
        asked = {"target": dict(target.describe()), "request": request.describe()}
        key = hashlib.sha256(compact([asked, item, astuple(purpose)]).encode("utf-8", "surrogatepass")).hexdigest()
        recorded = self._store.exchange(key)
        if recorded is not None:
            return recorded
        async with self._slots:
            if self._stop.is_set():
                raise Stopping
            if self._budget is not None:
                self._budget.admit()
            response = await ask_safely(target, request)
        if self._budget is not None:
            self._budget.spent(response)
        return self._store.keep_exchange(key, item, purpose, asked, response)
