"""`convert`: a data set turned into media, checked, and packed as a data set that others can load.

Work in progress lies in `DIR/.work`, so that an interrupted conversion goes on where it was; when everything is
rendered, the shards are written and the work folder is removed. What failed by an error can be rendered again later:
the rows that are good are taken over as they stand.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.concurrency import each
from safebench.datasets.card import canary, read_card
from safebench.datasets.conversion_card import Cells, Failed, cells_of, data_card, failures_of
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.renderings import ConvertedRenderings
from safebench.datasets.shards import (
    CANARY,
    CONVERT_FILE,
    RECIPE,
    WORK,
    check_shards,
    finished,
    row,
    shards,
    write_shards,
)
from safebench.errors import BadInput
from safebench.files import is_taken, read_toml, write_toml
from safebench.progress import NoProgress, Progress
from safebench.rendering.assignment import Assignment, assign
from safebench.rendering.chain import RenderJob
from safebench.rendering.conditions import resolve_conditions
from safebench.rendering.fidelity import STATUSES
from safebench.rendering.pool import Workers
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.rendering.recognition import RecogniserCache, choose_recognisers
from safebench.rendering.renderer import Renderer, RenderSettings, at_once, ready
from safebench.stopping import on_interrupt
from safebench.store.store import Store
from safebench.types import TEXT, Query, Rendering

BEFORE = "before"  # in the work folder: shards that others take the place of


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
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Conversion:
    """Render every query under every condition's recipe. The same call again continues, or finds nothing to do.

    `retry_failed`: what ended in an error, or cannot be read any more, is rendered again, and all else stays as it is.
    Raises BadInput for wrong input and for a folder that holds something else, before anything is written;
    TargetRefusesService and Interrupted (after ctrl-C) with everything made so far.
    """
    out = Path(out)
    whole = load_dataset(data, text_column)
    dataset = whole.limited(limit)
    known = load_recipes(recipes, brought=dataset.recipes)
    parsed = resolve_conditions(list(conditions), known)
    plain = [str(condition) for condition in parsed if condition.recipe is None or condition.medium == TEXT]
    if plain:
        raise BadInput(f"condition {', '.join(plain)} makes no media: there is nothing to convert")
    named = {(c.medium, c.recipe or ""): known[c.medium, c.recipe or ""] for c in parsed}
    chosen = [assign(recipe, known, dataset.queries, seed) for recipe in named.values()]
    for recipe in _recipes(chosen):
        recipe.check()
    settings = RenderSettings(seed, check_share, choose_recognisers(recognisers))
    asked = _asked(dataset, chosen, settings, _tables(named, known))
    asked[CANARY] = read_card(data).canary or canary(whole.sha256)
    _check_folder(out, asked)
    if not finished(out) or (retry_failed and _to_render(_jobs(dataset.queries, chosen), _made(out))):
        asyncio.run(_render_all(dataset, chosen, out, workers, settings, asked, progress or NoProgress(), retry_failed))
    return Conversion(out, *cells_of(out))


async def convert_async(data: str, conditions: Sequence[str], out: Path | str, **options: Any) -> Conversion:
    """`convert` for a program that has an event loop of its own: in a thread, with the same options."""
    return await asyncio.to_thread(convert, data, conditions, out, **options)


def _name(recipe: Recipe) -> str:
    return f"{recipe.medium}:{recipe.name}"


def _recipes(assignments: Sequence[Assignment]) -> list[Recipe]:
    return list({_name(recipe): recipe for found in assignments for recipe in found.recipes}.values())


def _jobs(queries: Sequence[Query], assignments: Iterable[Assignment]) -> list[RenderJob]:
    """Query by query, so that what one query shares is rendered at about the same time."""
    return [found.job(query) for query in queries for found in assignments]


def _made(out: Path) -> ConvertedRenderings | None:
    """What the folder holds already. Raises BadInput where its shards are not ours, or damaged."""
    check_shards(out)
    return ConvertedRenderings(out) if shards(out) else None


def _to_render(jobs: Iterable[RenderJob], made: ConvertedRenderings | None) -> list[RenderJob]:
    """The jobs without a row, or with one that tells of an error or cannot be read."""
    found = ((job, made.rendering(job) if made else None) for job in jobs)
    return [job for job, rendering in found if rendering is None or rendering.failure is not None]


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
    dataset: Dataset, assignments: list[Assignment], settings: RenderSettings, tables: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "data": dataset.name,
        "data_sha256": dataset.sha256,
        "seed": settings.seed,
        "check_share": settings.check_share,
        "recognisers": settings.read_by(_recipes(assignments)),
        "recipes": {_name(recipe): recipe.fingerprint() for recipe in _recipes(assignments)},
        RECIPE: tables,
    }


def _check_folder(out: Path, wanted: Mapping[str, Any]) -> None:
    """Raises BadInput where it holds anything but this very conversion."""
    file = out / CONVERT_FILE
    if file.exists():
        found = read_toml(file)
        differing = [key for key in wanted if key not in ("data", RECIPE, CANARY) and found.get(key) != wanted[key]]
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
    assignments: list[Assignment],
    out: Path,
    count: int | None,
    settings: RenderSettings,
    asked: Mapping[str, Any],
    progress: Progress,
    retry_failed: bool,
) -> None:
    """Nothing is written before recipes and recognisers are found to work."""
    work = out / WORK
    workers = Workers(count)
    stop = asyncio.Event()
    try:
        await ready(_recipes(assignments), settings, workers)
        _claim(out, asked)
        with Store(work) as store, on_interrupt(stop, "the same command", workers.kill):
            _put_back(out)
            if retry_failed:
                store.reopen_failed()
            made = _made(out)
            todo = _to_render(_jobs(dataset.queries, assignments), made)
            for name, total in Counter(_name(job.recipe) for job in todo).items():
                progress.planned(name, total)
            renderer = Renderer(store, RecogniserCache(workers), None, settings)
            await _each(todo, renderer, at_once(_recipes(assignments), workers), stop, progress)
            fresh = {_place(job): await renderer.rendering(job) for job in todo}
            _pack(dataset, assignments, out, _Rows(fresh, made, asked[CANARY]))
    finally:
        workers.close()
    shutil.rmtree(work)


async def _each(
    jobs: Iterable[RenderJob], renderer: Renderer, width: int, stop: asyncio.Event, progress: Progress
) -> None:
    """Render all, `width` at a time."""

    async def work(job: RenderJob) -> None:
        rendering = await renderer.rendering(job)
        progress.advanced(_name(job.recipe), is_open=not rendering.faithful)

    try:
        await each(jobs, work, width, stop)
    finally:
        await renderer.finish()


def _place(job: RenderJob) -> tuple[str, str]:
    return _name(job.recipe), job.query.id


@dataclass(frozen=True, slots=True)
class _Rows:
    """The row of every job: of what was rendered now, or else as it stood."""

    fresh: Mapping[tuple[str, str], Rendering]
    made: ConvertedRenderings | None
    canary: str

    def of(self, job: RenderJob) -> dict[str, Any]:
        rendering = self.fresh.get(_place(job))
        if rendering is not None:
            return row(job, rendering, self.canary)
        stood = self.made.row(job.recipe, job.query) if self.made else None
        assert stood is not None, "every job is to be rendered or has a row"
        return {**stood, CANARY: self.canary}


def _pack(dataset: Dataset, assignments: list[Assignment], out: Path, rows: _Rows) -> None:
    """Write the shards in the work folder and move them out; while that folder is there, nothing counts as done."""
    packed = out / WORK / "packed"
    shutil.rmtree(packed, ignore_errors=True)
    by_medium: dict[str, list[Assignment]] = {}
    for found in assignments:
        by_medium.setdefault(found.recipes[0].medium, []).append(found)
    for medium, ones in by_medium.items():
        write_shards(packed, medium, (rows.of(found.job(query)) for found in ones for query in dataset.queries))
    recipes = {medium: _recipes(ones) for medium, ones in by_medium.items()}
    card = data_card(packed, recipes, len(dataset.queries), Path(dataset.name).stem, rows.canary)
    (out / "README.md").write_text(card, encoding="utf-8")
    for medium in by_medium:
        _swap(packed / medium, out / medium, out / WORK / BEFORE / medium)


def _swap(new: Path, place: Path, before: Path) -> None:
    """The new folder in place of one that may be there, which can be put back until the work folder is removed."""
    shutil.rmtree(before, ignore_errors=True)
    before.parent.mkdir(exist_ok=True)
    if place.exists():
        place.replace(before)
    new.replace(place)


def _put_back(out: Path) -> None:
    """Shards that were on their way out when a conversion was stopped."""
    for before in (out / WORK / BEFORE).glob("*"):
        if not (out / before.name).exists():
            before.replace(out / before.name)
