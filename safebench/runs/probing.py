"""Asks the comprehension probe of an item and its control where the probe was missed.

The control is the same probe about the query as text. What a target cannot do there, its probe under another medium
does not show. It is asked once a query, whatever the condition and the repeat; where the target declined it, that of
the query's twin is asked as well.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from safebench.models.calls import Calls
from safebench.plugins import Target
from safebench.runs.probe import read, request
from safebench.store.items import shown_by_probe
from safebench.store.store import Store
from safebench.types import Comprehension, Media, Query, Rendering, Request, Response, Text, Transcript

ANY_ITEM = 0  # the calls that belong to no single item are recorded under it
Hear = Callable[[Response], Awaitable[Transcript | None]]


@dataclass(frozen=True, slots=True)
class Probing:
    """`await probing.misses(…)` asks, records, and says whether the item was missed."""

    target: Target
    calls: Calls
    store: Store
    hear: Hear  # transcribes a spoken answer
    queries: Mapping[str, Query]  # by id, for the twins
    _asking: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def misses(self, item: int, query: Query, rendering: Rendering, pieces: Sequence[Media]) -> bool:
        """Whether probe and control show that the target did not understand the `pieces` that it was sent."""
        probe = await self._ask(request(*pieces), item, "probe", query, rendering)
        self.store.keep_probe(item, probe)
        if probe.status == "missed":
            await self._ask_controls(query)
        return shown_by_probe(self.store, item).state == "missed"

    async def _ask_controls(self, query: Query) -> None:
        control = await self._control(query)
        twin = self.queries.get(query.twin or "")
        if control.status == "declined" and twin is not None:
            await self._control(twin)

    async def _control(self, query: Query) -> Comprehension:
        async with self._asking[query.id]:  # conditions of one query may want it at the same time
            control = await self._ask(request(Text(query.text)), ANY_ITEM, f"probe/control/{query.id}", query)
            self.store.keep_control(query.id, control)
            return control

    async def _ask(
        self, asked: Request, item: int, purpose: str, query: Query, rendering: Rendering | None = None
    ) -> Comprehension:
        response = await self.calls.ask(self.target, asked, item, purpose)
        heard = await self.hear(response)
        return read(query, rendering, response, heard.text if heard else None)
