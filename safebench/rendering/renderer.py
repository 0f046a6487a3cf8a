"""The stage *render* as the parent process sees it: each rendering is made once, kept, and found again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from safebench import registry
from safebench.models.batching import Batcher
from safebench.rendering.chain import (
    RenderJob,
    asked_by,
    asked_in_reading,
    batch_size,
    check_brought,
    prepare,
    prepare_recogniser,
    render_batch,
)
from safebench.rendering.pool import WorkerDied, Workers
from safebench.rendering.recipes import Recipe
from safebench.rendering.recognition import RecogniserCache
from safebench.store.store import Store
from safebench.types import Failure, Fidelity, Rendering

GATHERED = 0.1  # s that a batch waits for queries that are on their way
PASSED = 16  # renderings that passed before and are looked at in one call


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What a run or a conversion decides for all its renderings."""

    seed: int = 0
    check_share: float = 1.0  # of the queries whose renderings are checked
    recognisers: Mapping[str, str] = field(default_factory=dict)  # who reads media back: by medium, NAME[:ARGUMENT]
    named: tuple[str, ...] = ()  # those that the user named

    def read_by(self) -> dict[str, dict[str, Any]]:
        """By medium who decides the fidelity gate, and its version. Media that nobody reads back are left out."""
        return {medium: registry.recogniser_facts(spec) for medium, spec in sorted(self.recognisers.items())}


async def ready(recipes: Iterable[Recipe], recognisers: Iterable[str], workers: Workers) -> None:
    """Raises BadInput when a recipe could render nothing, or a recogniser recognise nothing, whatever the query."""
    for recipe in recipes:
        await workers.run(prepare, recipe)
    for spec in dict.fromkeys(recognisers):
        await workers.run(prepare_recogniser, spec)


def at_once(recipes: Iterable[Recipe], workers: Workers) -> int:
    """How many renderings to ask for at once: each worker has a batch to make, and the next one fills meanwhile."""
    return 2 * workers.count * max((batch_size(recipe) for recipe in recipes), default=1)


class RenderingSource(Protocol):
    """Renderings that a data set brings."""

    def rendering(self, job: RenderJob) -> Rendering | None: ...


class Renderer:
    """Renders each query by each recipe once, whatever number of conditions and repeats need it."""

    def __init__(self, store: Store, cache: RecogniserCache, made: RenderingSource | None, how: RenderSettings) -> None:
        self._store = store
        self._cache = cache
        self._made = made
        self._how = how
        self._under_way: dict[str, asyncio.Task[Rendering]] = {}
        self._batchers: dict[str, Batcher[RenderJob, Rendering]] = {}  # by recipe
        self._passed = Batcher(self._look, PASSED, gathered=0)  # by one worker: there is little to do

    def kept(self, job: RenderJob) -> Rendering | None:
        """The rendering where it is made already."""
        return self._store.rendering(self._decided(job).key)

    def _decided(self, job: RenderJob) -> RenderJob:
        recogniser = self._how.recognisers.get(job.recipe.medium)
        return replace(job, check=self._is_checked(job), seed=self._how.seed, recogniser=recogniser)

    async def rendering(self, job: RenderJob) -> Rendering:
        job = self._decided(job)
        key = job.key  # a hash over the whole recipe: made once
        kept = self._store.rendering(key)
        if kept is not None:
            return kept
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._make(job))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait for what is being rendered, also where nobody waits for it any more."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _make(self, job: RenderJob) -> Rendering:
        brought = self._made.rendering(job) if self._made is not None else None
        if brought is None:
            rendering = await self._surviving(job, self._rendered(job))
        elif brought.faithful:
            rendering = await self._surviving(job, self._checked(job, brought))
        else:
            rendering = brought
        return self._store.keep_rendering(job.query, rendering)

    async def _rendered(self, job: RenderJob) -> Rendering:
        size = batch_size(job.recipe)
        async with self._cache.workers.admitted(lambda: asked_by(job)):
            return (await self._in_worker([job]))[0] if size == 1 else await self._in_batch(job, size)

    async def _checked(self, job: RenderJob, brought: Rendering) -> Rendering:
        """In a worker, which may die of what others made. It is sent the place of the media, and sends none back.

        Not where what passed before can be looked at without a decoder: that takes less than to send it there.
        """
        assert brought.media is not None
        passed = brought.fidelity.status == "passed"
        if passed and registry.modality(brought.media.medium).needs_no_decoder(brought.media):
            return check_brought([(job, brought)])[0]
        kept = replace(brought, media=self._store.keep(brought.media))
        if passed:
            return await self._passed.put((job, kept))
        async with self._cache.workers.admitted(lambda: asked_in_reading(job)):
            return (await self._look([(job, kept)]))[0]

    async def _look(self, brought: Sequence[tuple[RenderJob, Rendering]]) -> list[Rendering]:
        return await self._cache.workers.run(check_brought, brought)

    async def _surviving(self, job: RenderJob, work: Awaitable[Rendering]) -> Rendering:
        """What a worker makes of one query, also where it dies of it."""
        try:
            rendering = await work
        except WorkerDied as error:
            failure = Failure(job.recipe.name, "WorkerDied", f"{error} (query {job.query.id!r})")
            return Rendering(job.recipe.name, job.key, None, Fidelity("failed", reason=str(failure)), failure)
        self._cache.learn(rendering)
        return rendering

    async def _in_batch(self, job: RenderJob, size: int) -> Rendering:
        """With others by the same recipe. A worker that dies of one query takes no other with it."""
        recipe = job.recipe.fingerprint()
        if recipe not in self._batchers:
            lanes = self._cache.workers.count
            self._batchers[recipe] = Batcher(self._in_worker, size, lanes=lanes, gathered=GATHERED)
        return await self._batchers[recipe].put(job)

    async def _in_worker(self, jobs: Sequence[RenderJob]) -> list[Rendering]:
        return await self._cache.workers.run(render_batch, jobs)

    def _is_checked(self, job: RenderJob) -> bool:
        """The same queries are in the sample for every recipe, and in every try."""
        return random.Random(f"{self._how.seed}/{job.query.id}").random() < self._how.check_share
