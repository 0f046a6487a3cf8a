"""`convert`: a data set turned into media, checked, and packed as a data set that others can load.

Work in progress lies in `DIR/.work`, so that an interrupted conversion goes on where it was; when everything is
rendered, the shards are written and the work folder is removed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.config import read_toml, write_toml
from safebench.converted import CONVERT_FILE, RECIPE, WORK, finished, row, write_shards
from safebench.data_card import Cells, cells_of, data_card
from safebench.datasets import Dataset, load_dataset
from safebench.dealing import Deal, deal
from safebench.errors import BadInput, Stopping, one_error
from safebench.fidelity import STATUSES
from safebench.interrupts import on_interrupt
from safebench.planning import choose_recognisers
from safebench.reading import Reader
from safebench.recipes import Recipe, Recipes, load_recipes, parse_conditions
from safebench.renderer import Renderer, RenderSettings, at_once, ready
from safebench.store import Store
from safebench.types import TEXT, Query, Rendering
from safebench.workers import Workers
from safebench.writing import is_taken

Rendered = Callable[[str, Rendering], None]  # told (condition, rendering) for each one that ends
Started = Callable[[dict[str, int]], None]  # told how many renderings each recipe will make


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
        return sum(cell["failed"] for cell in self.cells.values()) / made if made else 0.0


def convert(
    data: str,
    conditions: Sequence[str],
    out: Path | str,
    *,
    text_column: str | None = None,
    limit: int | None = None,
    recipes: Path | None = None,
    workers: int | None = None,
    seed: int = 0,
    check_share: float = 1.0,
    recognisers: Sequence[str] = (),
    rendered: Rendered = lambda condition, rendering: None,
    started: Started = lambda planned: None,
) -> Conversion:
    """Render every query under every condition's recipe. The same call again continues, or finds nothing to do.

    Raises BadInput for wrong input and for a folder that holds something else, before anything is written;
    TargetRefusesService and Interrupted (after ctrl-C) with everything made so far.
    """
    out = Path(out)
    dataset = load_dataset(data, text_column).limited(limit)
    known = load_recipes(recipes, brought=dataset.recipes)
    parsed = parse_conditions(list(conditions), known)
    plain = [str(condition) for condition in parsed if condition.recipe is None or condition.medium == TEXT]
    if plain:
        raise BadInput(f"condition {', '.join(plain)} makes no media: there is nothing to convert")
    named = {(c.medium, c.recipe or ""): known[c.medium, c.recipe or ""] for c in parsed}
    chosen = [deal(recipe, known, dataset.queries, seed) for recipe in named.values()]
    for recipe in _recipes(chosen):
        recipe.check()
    settings = RenderSettings(seed, check_share, choose_recognisers(recognisers))
    asked = _asked(dataset, chosen, settings, _tables(named, known))
    _check_folder(out, asked)
    if not finished(out):
        asyncio.run(_render_all(dataset, chosen, out, workers, settings, asked, rendered, started))
    return Conversion(out, *cells_of(out))


async def convert_async(data: str, conditions: Sequence[str], out: Path | str, **options: Any) -> Conversion:
    """`convert` for a program that has an event loop of its own: in a thread, with the same options."""
    return await asyncio.to_thread(convert, data, conditions, out, **options)


def _name(recipe: Recipe) -> str:
    return f"{recipe.medium}:{recipe.name}"


def _recipes(deals: Sequence[Deal]) -> list[Recipe]:
    return list({_name(recipe): recipe for found in deals for recipe in found.recipes}.values())


def _planned(queries: Sequence[Query], deals: Sequence[Deal]) -> dict[str, int]:
    """How many renderings each recipe will make."""
    return dict(Counter(_name(found.recipe(query)) for query in queries for found in deals))


def _tables(named: Recipes, known: Recipes) -> dict[str, dict[str, Any]]:
    """The recipes and those that they name in turn, as in a recipes file, so that a run of the folder needs none."""
    members = {
        (r.medium, name): known[r.medium, name] for r in named.values() for name in (*r.among, r.another) if name
    }
    tables: dict[str, dict[str, Any]] = {}
    for (medium, name), recipe in (members | named).items():
        tables.setdefault(medium, {})[name] = recipe.table()
    return tables


def _asked(
    dataset: Dataset, deals: list[Deal], settings: RenderSettings, tables: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "data": dataset.name,
        "data_sha256": dataset.sha256,
        "seed": settings.seed,
        "check_share": settings.check_share,
        "recognisers": settings.read_by(_recipes(deals)),
        "recipes": {_name(recipe): recipe.fingerprint() for recipe in _recipes(deals)},
        RECIPE: tables,
    }


def _check_folder(out: Path, wanted: Mapping[str, Any]) -> None:
    """Raises BadInput where it holds anything but this very conversion."""
    file = out / CONVERT_FILE
    if file.exists():
        found = read_toml(file)
        differing = [key for key in wanted if key not in ("data", RECIPE) and found.get(key) != wanted[key]]
        if differing:
            raise BadInput(
                f"{out} holds another conversion: it differs in {', '.join(differing)}. Choose another --out"
            )
    elif is_taken(out):
        raise BadInput(f"{out} exists and is no conversion: choose another --out")


def _claim(out: Path, asked: Mapping[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_toml(out / CONVERT_FILE, asked)


async def _render_all(
    dataset: Dataset,
    deals: list[Deal],
    out: Path,
    count: int | None,
    settings: RenderSettings,
    asked: Mapping[str, Any],
    rendered: Rendered,
    started: Started,
) -> None:
    """Nothing is written before recipes and recognisers are found to work."""
    work = out / WORK
    workers = Workers(count)
    stop = asyncio.Event()
    try:
        await ready(_recipes(deals), settings, workers)
        _claim(out, asked)
        started(_planned(dataset.queries, deals))
        with Store(work) as store, on_interrupt(stop, "the same command", workers.kill):
            renderer = Renderer(store, Reader(workers), None, settings)
            await _each(dataset.queries, deals, renderer, at_once(_recipes(deals), workers), stop, rendered)
            if stop.is_set():
                raise Stopping
            await _pack(store, dataset, deals, out, renderer)
    finally:
        workers.close()
    shutil.rmtree(work)


async def _each(
    queries: Sequence[Query],
    deals: list[Deal],
    renderer: Renderer,
    width: int,
    stop: asyncio.Event,
    rendered: Rendered,
) -> None:
    """Render all, `width` at a time."""
    jobs = iter([found.job(query) for query in queries for found in deals])

    async def work() -> None:
        for job in jobs:
            if stop.is_set():
                return
            rendered(_name(job.recipe), await renderer.rendering(job))

    try:
        with one_error():
            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(work())
    finally:
        await renderer.finish()


async def _pack(store: Store, dataset: Dataset, deals: list[Deal], out: Path, renderer: Renderer) -> None:
    """Write the shards in the work folder and move them out; while that folder is there, nothing counts as done."""
    queries, source = dataset.queries, Path(dataset.name).stem
    packed = store.folder / "packed"
    shutil.rmtree(packed, ignore_errors=True)
    by_medium: dict[str, list[Deal]] = {}
    for found in deals:
        by_medium.setdefault(found.recipes[0].medium, []).append(found)
    for medium, ones in by_medium.items():
        jobs = [found.job(query) for found in ones for query in queries]
        kept = [await renderer.rendering(job) for job in jobs]
        pairs = zip(jobs, kept, strict=True)
        write_shards(packed, medium, (row(job, rendering) for job, rendering in pairs))
    recipes = {medium: _recipes(ones) for medium, ones in by_medium.items()}
    card = data_card(packed, recipes, len(queries), source)
    (out / "README.md").write_text(card, encoding="utf-8")
    for medium in by_medium:
        shutil.rmtree(out / medium, ignore_errors=True)
        (packed / medium).replace(out / medium)
