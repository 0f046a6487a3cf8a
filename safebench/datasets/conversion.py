"""`convert`: a data set turned into media, checked, and packed as a data set that others can load.

Work in progress lies in `DIR/.work`, so that an interrupted conversion goes on where it was; when everything is
rendered, the shards are written and the work folder is removed. What failed by an error can be rendered again later:
the rows that are good are taken over as they stand.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safebench.concurrency import block_on, each
from safebench.datasets.config import ConvertConfig
from safebench.datasets.conversion_packing import (
    Cells,
    Failed,
    Rows,
    cells_of,
    failures_of,
    pack,
    place_of,
    put_back,
)
from safebench.datasets.conversion_plan import REVISIONS, ConversionPlan, plan_conversion
from safebench.datasets.plan import part_line
from safebench.datasets.queries import LANGUAGE
from safebench.datasets.renderings import ConvertedRenderings
from safebench.datasets.shards import (
    CANARY,
    CONVERT_FILE,
    PAIRS,
    WORK,
    check_shards,
    finished,
    read_convert_file,
    shards,
)
from safebench.files import write_toml
from safebench.models.calls import Budget, MediaCalls
from safebench.models.pacing import Paces
from safebench.models.prices import estimate_line, read_prices
from safebench.progress import NoProgress, Progress
from safebench.rendering.chain import RenderJob
from safebench.rendering.estimating import estimate_renderings, models_asked
from safebench.rendering.fidelity import STATUSES
from safebench.rendering.outlook import WORTH, Outlook, by_condition, look_ahead
from safebench.rendering.pool import Workers, default_workers
from safebench.rendering.recognition import RecogniserCache
from safebench.rendering.renderer import Renderer, at_once, ready
from safebench.stopping import on_interrupt
from safebench.store.store import Store


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was made: fidelity by condition, and by scenario and condition."""

    folder: Path
    cells: Cells
    by_scenario: Mapping[str, Cells]

    @property
    def failed_share(self) -> float:
        """Renderings that could not be made or failed their check, of all."""
        made = sum(cell[status] for cell in self.cells.values() for status in STATUSES)
        return self.failed / made if made else 0.0

    @property
    def failed(self) -> int:
        return sum(int(cell["failed"]) for cell in self.cells.values())

    def failures(self) -> Iterator[Failed]:
        """Each failed rendering with its reason, read from the folder as it is asked for."""
        return failures_of(self.folder)


def convert(config: ConvertConfig, progress: Progress | None = None) -> Conversion:
    """Render every query under every condition's recipe. The same call again continues, or finds nothing to do.

    Raises BadInput for wrong input and for a folder that holds something else, before anything is written;
    TargetRefusesService, BudgetSpent and Interrupted (after ctrl-C) with everything made so far.
    """
    plan = plan_conversion(config)
    lacks_pairs = config.pairs and not (plan.out / PAIRS).is_dir()
    is_whole = finished(plan.out) and not _grows(plan) and not lacks_pairs
    if not is_whole or (config.retry_failed and _to_render(plan, _made(plan.out))):
        block_on(_render_all(plan, progress or NoProgress()))
    return Conversion(plan.out, *cells_of(plan.out))


async def convert_async(config: ConvertConfig, progress: Progress | None = None) -> Conversion:
    """`convert` for a program that has an event loop of its own: in a thread."""
    return await asyncio.to_thread(convert, config, progress)


async def outlook_of(plan: ConversionPlan) -> Outlook:
    """How long it takes here and how large it becomes, by a few renderings that are thrown away.

    Conditions that ask models are left out: nobody is asked for an outlook.
    """
    readers = plan.settings.recognisers
    asking = {one.condition for one in plan.recipes if models_asked([one], filter(None, [readers.get(one.medium)]))}
    workers = Workers(1)
    try:
        with TemporaryDirectory() as folder, Store(Path(folder)) as store:
            renderer = Renderer(store, RecogniserCache(workers), None, plan.settings)
            count = plan.config.workers or default_workers()
            return await look_ahead(by_condition(plan.jobs()), renderer.rendering, count, asking)
    finally:
        workers.close()


def _grows(plan: ConversionPlan) -> bool:
    last: list[dict[str, Any]] = read_convert_file(plan.out).get(REVISIONS, [])[-1:]
    return any(map(plan.grows_from, last))


def _made(out: Path) -> ConvertedRenderings | None:
    """What the folder holds already. Raises BadInput where its shards are not ours, or damaged."""
    check_shards(out)
    return ConvertedRenderings(out) if shards(out) else None


def _to_render(plan: ConversionPlan, made: ConvertedRenderings | None) -> list[RenderJob]:
    """The jobs without a row, or with one that tells of an error, of another language, or is not what was written."""
    return [job for job in plan.jobs() if made is None or not _stands(job, made)]


def _stands(job: RenderJob, made: ConvertedRenderings) -> bool:
    """Media of a query whose language nobody knew then may be in the voice of another one."""
    rendering = made.rendering(job)
    if rendering is None or rendering.failure is not None:
        return False
    row = made.row(job.recipe, job.query)
    return row is not None and row.get(LANGUAGE) == job.query.language


async def _render_all(plan: ConversionPlan, progress: Progress) -> None:
    """Nothing is written before recipes and recognisers are found to work."""
    config, limits, prices = plan.config, plan.limits(), read_prices(plan.config.prices)
    limits.check(prices, (), others=models_asked(plan.recipes, plan.settings.recognisers.values()))
    out, workers, stop = plan.out, Workers(config.workers), asyncio.Event()
    try:
        await ready(plan.recipes, plan.settings.recognisers.values(), workers)
        (out / WORK).mkdir(parents=True, exist_ok=True)  # before the file: what is told there is not done yet
        plan.data.dataset.taxonomy.write(out)
        write_toml(out / CONVERT_FILE, plan.convert_file())
        if plan.data.shard:
            progress.announced(part_line(config, plan.data))
        for line in plan.data.whole.notes:
            progress.warned(line)
        with Store(out / WORK) as store, on_interrupt(stop, "the same command", workers.kill):
            put_back(out)
            if config.retry_failed:
                store.reopen_failed()
            budget = Budget(store, limits, prices, progress=progress)
            workers.calls = MediaCalls(store, budget, Paces("auto", stop))
            made = _made(out)
            jobs = _to_render(plan, made)
            if rows := estimate_renderings(jobs, plan.settings, prices):
                progress.announced(estimate_line(rows))
            renderer = Renderer(store, RecogniserCache(workers), None, plan.settings)
            if len(jobs) >= WORTH:
                outlook = await look_ahead(by_condition(jobs), renderer.rendering, workers.count)
                progress.announced(outlook.line())
            await _render(jobs, renderer, at_once(plan.recipes, workers), stop, progress)
            fresh = {place_of(job): await renderer.rendering(job) for job in jobs}
            pack(plan, Rows(fresh, made, plan.asked[CANARY], plan.data.dataset.taxonomy))
    finally:
        workers.close()
    shutil.rmtree(out / WORK)


async def _render(
    jobs: Sequence[RenderJob], renderer: Renderer, width: int, stop: asyncio.Event, progress: Progress
) -> None:
    """All of them, `width` at a time. What is there already tells nothing of the time that the others take."""
    total, done, still_open = (Counter[str]() for _ in range(3))
    missing = []
    for job in jobs:
        name, kept = job.recipe.condition, renderer.kept(job)
        total[name] += 1
        done[name] += kept is not None
        still_open[name] += kept is not None and not kept.faithful
        missing += [job] if kept is None else []
    for name in total:
        progress.planned(name, total[name], done[name], still_open[name])

    async def render(job: RenderJob) -> None:
        rendering = await renderer.rendering(job)
        progress.advanced(job.recipe.condition, is_open=not rendering.faithful)

    try:
        await each(missing, render, width, stop)
    finally:
        await renderer.finish()
