"""A run's stage *render* with a number of worker processes; part of the benchmarks of converters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from measuring import measuring

from safebench.rendering.chain import RenderJob
from safebench.rendering.pool import Workers
from safebench.rendering.recipes import load_recipes
from safebench.rendering.recognition import RecogniserCache
from safebench.rendering.renderer import Renderer, RenderSettings, ready
from safebench.store.store import Store
from safebench.types import Query


def in_workers(folder: Path, recipe: tuple[str, str], count: int, texts: Sequence[str], check: bool = True) -> None:
    """Renders the texts by the recipe, and keeps them. The first ones warm the workers up."""
    asyncio.run(_in_workers(folder, recipe, count, texts, check))


async def _in_workers(folder: Path, name: tuple[str, str], count: int, texts: Sequence[str], check: bool) -> None:
    recipe, workers = load_recipes()[name], Workers(count)
    jobs = [RenderJob(Query(f"q{n}", text), recipe) for n, text in enumerate(texts)]
    warm, timed = jobs[: 2 * count], jobs[2 * count :]
    how = RenderSettings(check_share=float(check), recognisers={"image": "rapidocr"})
    with Store(folder) as store:
        renderer = Renderer(store, RecogniserCache(workers), None, how)
        await ready([recipe], how.recognisers.values(), workers)
        await asyncio.gather(*(workers.run(time.sleep, 1.0) for _ in range(count)))  # so that all of them have started
        await asyncio.gather(*(renderer.rendering(job) for job in warm))
        with measuring(len(timed)):
            renderings = await asyncio.gather(*(renderer.rendering(job) for job in timed))
        workers.close()
    for rendering in renderings:
        if rendering.media is None:
            raise RuntimeError(f"not rendered: {rendering.failure}")
