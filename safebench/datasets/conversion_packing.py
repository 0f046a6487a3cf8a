"""A conversion packed: every job has its row, the shards are written aside and then take their place.

While the work folder is there, nothing counts as done, and shards that others take the place of can be put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.datasets.conversion_card import data_card
from safebench.datasets.conversion_plan import ConversionPlan
from safebench.datasets.plan import DataPlan
from safebench.datasets.renderings import ConvertedRenderings
from safebench.datasets.shards import BEFORE, CANARY, WORK, row, write_shards
from safebench.files import write_text
from safebench.rendering.assignment import Assignment, recipes_of
from safebench.rendering.chain import RenderJob
from safebench.types import Rendering


def place_of(job: RenderJob) -> tuple[str, str]:
    return job.recipe.condition, job.query.id


@dataclass(frozen=True, slots=True)
class Rows:
    """The row of every job: of what was rendered now, or else as it stood."""

    fresh: Mapping[tuple[str, str], Rendering]  # by `place_of` its job
    made: ConvertedRenderings | None
    canary: str

    def of(self, job: RenderJob) -> dict[str, Any]:
        rendering = self.fresh.get(place_of(job))
        if rendering is not None:
            return row(job, rendering, self.canary)
        stood = self.made.row(job.recipe, job.query) if self.made else None
        assert stood is not None, "every job is to be rendered or has a row"
        return {**stood, "twin": job.query.twin, CANARY: self.canary}  # a twin may have come late


def pack(plan: ConversionPlan, rows: Rows) -> None:
    """Write the shards and the data card into the folder."""
    queries, packed = plan.data.queries, plan.out / WORK / "packed"
    shutil.rmtree(packed, ignore_errors=True)
    by_medium: dict[str, list[Assignment]] = {}
    for assignment in plan.assignments:
        by_medium.setdefault(assignment.recipes[0].medium, []).append(assignment)
    for medium, assignments in by_medium.items():
        write_shards(packed, medium, (rows.of(one.job(query)) for one in assignments for query in queries))
    recipes = {medium: recipes_of(assignments) for medium, assignments in by_medium.items()}
    card = data_card(packed, recipes, _held(plan.data), Path(plan.data.dataset.name).stem, rows.canary)
    write_text(plan.out / "README.md", card)
    for medium in by_medium:
        swap(packed / medium, plan.out / medium, plan.out / WORK / BEFORE / medium)


def _held(data: DataPlan) -> str:
    if data.shard is None:
        return f"{len(data.queries)} queries"
    whole = len(data.dataset.queries)
    return f"Shard {data.shard} of a conversion, to be merged with its others: {len(data.queries)} of {whole} queries"


def swap(new: Path, place: Path, before: Path) -> None:
    """The new folder in place of one that may be there, which can be put back until the work folder is removed."""
    shutil.rmtree(before, ignore_errors=True)
    before.parent.mkdir(exist_ok=True)
    if place.exists():
        place.replace(before)
    new.replace(place)


def put_back(out: Path) -> None:
    """Shards that were on their way out when a conversion was stopped."""
    for before in (out / WORK / BEFORE).glob("*"):
        if not (out / before.name).exists():
            before.replace(out / before.name)
