"""The stages of a run, overlapping through bounded queues: render and check → ask → judge → record.

Rendering uses worker processes, asking and judging use the network; each stage takes the next item as soon as it can.
Everything is recorded as it happens, so an item that is met again after a stop goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from safebench import registry
from safebench.concurrency import together
from safebench.errors import Stopping
from safebench.models.calls import Calls
from safebench.progress import NoProgress, Progress
from safebench.rendering.assignment import recipes_of
from safebench.rendering.recognition import RecogniserCache, transcribers
from safebench.rendering.renderer import Renderer, at_once
from safebench.runs.arrival import Arrival
from safebench.runs.compose import Unsayable, compose, saying
from safebench.runs.judge import Judge
from safebench.runs.outcomes import UNCOUNTED, UNREPEATED, Ending, before_asking, before_judging, unsayable
from safebench.runs.plan import RunPlan
from safebench.runs.preflight import Delivery
from safebench.runs.probe import is_probed
from safebench.runs.probing import Probing
from safebench.runs.transcription import transcribe
from safebench.store.store import Store
from safebench.types import TEXT, Ballot, Comprehension, Item, Purpose, Rendering, Response, Transcript


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item on its way."""

    id: int
    item: Item
    rendering: Rendering | None = None
    response: Response | None = None
    transcript: Transcript | None = None  # of a spoken answer
    uncounted: bool = False  # the target counted no tokens for the media


class Pipeline:
    """`await Pipeline(…).run()` takes every pending item to its outcome, or until its `calls` stop."""

    def __init__(
        self, plan: RunPlan, store: Store, cache: RecogniserCache, calls: Calls, progress: Progress | None = None
    ) -> None:
        self._plan = plan
        self._store = store
        self._progress = progress or NoProgress()
        self._warned: set[str] = set()
        self._cache = cache
        self._transcribers = transcribers(plan.rendering.settings.recognisers)
        self._calls = calls
        self._judging = Judge(plan.asking.jury, store, self._calls, plan.data.dataset.taxonomy)
        self._arrival = Arrival(plan.asking.target, self._calls, (Delivery(**one) for one in store.deliveries()))
        self._renderer = Renderer(store, cache, plan.rendering.made, plan.rendering.settings)
        width = self._calls.width([plan.asking.target, *plan.asking.jury.models()])
        self._to_render: Line = asyncio.Queue(4 * cache.workers.count)
        self._to_ask: Line = asyncio.Queue(width)
        self._to_judge: Line = asyncio.Queue(width)
        self._stages: list[tuple[Line, Line | None, Step, int]] = [
            (self._to_render, self._to_ask, self._render, at_once(plan.rendering.to_render, cache.workers)),
            (self._to_ask, self._to_judge, self._ask, width),
            (self._to_judge, None, self._judge, width),
        ]

    @cached_property
    def _probing(self) -> Probing:
        """Made where something is probed: it holds the words of all queries."""
        plan = self._plan
        return Probing(plan.asking.target, self._calls, self._store, self._hear, plan.data.stages, plan.config.seed)

    async def run(self) -> None:
        """Raises TargetRefusesService when no request at all can succeed, and what the disk or the database raises;
        what was recorded stays.
        """
        try:
            with self._calls:
                await self._settle_probes()
                await together(self._feed(), *(_stage(*stage) for stage in self._stages))
        finally:
            await self._renderer.finish()

    async def _settle_probes(self) -> None:
        """In which form the target is probed, where any media carry a query."""
        skipped, assignments = self._plan.asking.skipped, self._plan.rendering.assignments.items()
        recipes = recipes_of(assignment for condition, assignment in assignments if condition not in skipped)
        carries = any(recipe.medium != TEXT and not recipe.control for recipe in recipes)
        if self._plan.config.probe and carries and self._store.count_pending():
            self._warn((await self._probing.settle(self._plan.config.probe_form)).warning())

    async def _feed(self) -> None:
        by_name = {str(condition): condition for condition in self._plan.data.conditions}
        for id, item in self._store.pending(by_name):
            if self._calls.stopping:
                break
            await self._to_render.put(ItemState(id, item))
        await self._to_render.put(None)

    async def _render(self, state: ItemState) -> ItemState | None:
        recipe = self._plan.recipe(state.item)
        if self._calls.stopping:
            raise Stopping
        if recipe is None:
            return state
        assignment = self._plan.rendering.assignments[state.item.condition]
        rendering = await self._renderer.rendering(assignment.job(state.item.query))
        state = replace(state, rendering=rendering)
        return self._end(state, before_asking(rendering))

    async def _ask(self, state: ItemState) -> ItemState | None:
        recipe = self._plan.recipe(state.item)
        try:
            request = compose(state.item, state.rendering, recipe, self._plan.carrier(state.item))
        except Unsayable as error:
            return self._end(state, unsayable(error))
        self._warn(self._plan.asking.target.warning(request))
        response = await self._calls.ask(self._plan.asking.target, request, state.id, Purpose("target"))
        transcript = await self._hear(response)
        uncounted = await self._arrival.uncounted(state.item, request, response)
        state = replace(state, response=response, transcript=transcript, uncounted=uncounted)
        return self._end(state, before_judging(response, transcript.text if transcript else None))

    def _warn(self, line: str | None) -> None:
        """Once a run."""
        if line is not None and line not in self._warned:
            self._warned.add(line)
            self._progress.warned(line)

    async def _judge(self, state: ItemState) -> None:
        """The jury on the answer; and the comprehension probe where one is wanted."""
        assert state.response is not None
        try:
            missed = await self._missed(state)
        except Unsayable as error:
            self._end(state, unsayable(error))
            return
        item, answer = state.item, state.response.text
        judged = await self._judging.decide(state.id, item.query, item.repeat, answer, state.transcript, missed=missed)
        self._end(state, *judged)

    async def _missed(self, state: ItemState) -> str:
        """What shows that the target did not get the item; empty where nothing does."""
        if state.uncounted:
            self._store.keep_probe(state.id, Comprehension("uncounted"))
            return UNCOUNTED
        return UNREPEATED if await self._misses(state) and self._plan.config.probe == 1.0 else ""

    async def _misses(self, state: ItemState) -> bool:
        """Whether a comprehension probe shows that the target did not understand; False without one."""
        config, query = self._plan.config, state.item.query
        recipe, rendering = self._plan.recipe(state.item), state.rendering
        if recipe is None or rendering is None or rendering.media is None or recipe.control:
            return False  # there is nothing, or nothing of the query, that it could have understood
        if recipe.medium == TEXT:
            return False  # what is written is read
        if not is_probed(query, config.probe, config.seed):
            return False
        with saying(recipe.medium):
            pieces = tuple(registry.modality(recipe.medium).pieces(rendering.media, recipe.layout))
        return await self._probing.misses(state.id, query, rendering, pieces)

    async def _hear(self, response: Response) -> Transcript | None:
        return await transcribe(response, self._transcribers, self._cache)

    def _end(self, state: ItemState, ending: Ending | None, ballots: tuple[Ballot, ...] = ()) -> ItemState | None:
        """Record the outcome; an item that has none yet goes on."""
        if ending is None:
            return state
        rendering = state.rendering.key if state.rendering else None
        exchange = state.response.key if state.response else None
        ended = (ending.outcome, ending.reason, ending.rating, rendering, exchange, ballots)
        self._store.keep_outcome(state.id, *ended)
        self._progress.advanced(str(state.item.condition), is_open=not ending.outcome.decided)
        return None


Line = asyncio.Queue[ItemState | None]  # None: no more will come
Step = Callable[[ItemState], Awaitable[ItemState | None]]


async def _stage(source: Line, sink: Line | None, step: Step, count: int) -> None:
    """`count` workers take items from `source` and put what goes on into `sink`; then the end is passed on."""

    async def work() -> None:
        while (state := await source.get()) is not None:
            with suppress(Stopping):  # what this item had so far is recorded; it goes on when the run is continued
                going_on = await step(state)
                if going_on is not None and sink is not None:
                    await sink.put(going_on)
        await source.put(None)  # for the next worker

    await together(*(work() for _ in range(count)))
    if sink is not None:
        await sink.put(None)
