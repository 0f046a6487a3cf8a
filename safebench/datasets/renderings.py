"""What `convert` made, found again in the shards of a converted folder by recipe and query."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from safebench.datasets.shards import DRAFTS, TRIES, open_shard, read_convert_file, reading_shard, shards
from safebench.errors import raise_of_the_system
from safebench.rendering.chain import RenderJob, damaged
from safebench.rendering.recipes import Recipe
from safebench.serialisation import compact
from safebench.types import Draft, Failure, Fidelity, Media, Query, Rendering

MOST_ROWS, MOST_GROUPS = 1 << 24, 1 << 16  # of a group and of a shard, when one is read that others wrote
TOLD = ("recipe", "id", "said", "written", "sha256", "fidelity_status")  # of a rendering, beside its media


# --- reading back


class ConvertedRenderings:
    """What `convert` made, by recipe and query, read from the shards when it is needed.

    `media`: by (medium, recipe) a hash over what the rows say of their renderings, the hash of each media among it.
    `fingerprints`: those of the recipes at the time, or a hash of the media where the folder does not tell them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards = shards(folder)
        self._places: dict[tuple[str, str], dict[str, int]] = {}  # by query: shard, group and row in one number
        digests: dict[tuple[str, str], Any] = {}
        for shard, path in enumerate(self._shards):
            file = open_shard(path)
            for group in range(file.num_row_groups):
                with reading_shard(path):
                    rows = file.read_row_group(group, columns=list(TOLD)).to_pylist()
                for n, entry in enumerate(rows):
                    medium, recipe = path.parent.name, entry["recipe"] or ""
                    place = (shard * MOST_GROUPS + group) * MOST_ROWS + n
                    self._places.setdefault((medium, recipe), {})[entry["id"]] = place
                    digest = digests.setdefault((medium, recipe), hashlib.sha256())
                    digest.update(compact(list(entry.values())).encode())
        self.media = {key: digest.hexdigest() for key, digest in digests.items()}
        known = read_convert_file(folder).get("recipes", {})
        self.fingerprints = {
            (m, name): known.get(f"{m}:{name}", f"media {digest}") for (m, name), digest in self.media.items()
        }
        self._group = lru_cache(maxsize=max(4, len(self._places)))(self._read_group)

    @property
    def recipes(self) -> list[tuple[str, str]]:
        """(medium, recipe) of all that there is."""
        return list(self._places)

    def holds(self, recipe: Recipe, query: Query) -> bool:
        return query.id in self._places.get((recipe.medium, recipe.name), ())

    def recorded(self, recipe: Recipe) -> Recipe:
        """The recipe with the fingerprint of the time, where the folder has media by one of its name."""
        fingerprint = self.fingerprints.get((recipe.medium, recipe.name))
        return recipe.recorded(fingerprint) if fingerprint else recipe

    def row(self, recipe: Recipe, query: Query) -> dict[str, Any] | None:
        """What was written of this query by the recipe of this name, None when nothing was."""
        return self.row_of((recipe.medium, recipe.name), query.id)

    def row_of(self, recipe: tuple[str, str], id: str) -> dict[str, Any] | None:
        """The same by (medium, recipe) and the id of the query."""
        place = self._places.get(recipe, {}).get(id)
        if place is None:
            return None
        group, n = divmod(place, MOST_ROWS)
        shard, group = divmod(group, MOST_GROUPS)
        return self._group(self._shards[shard], group)[n]

    def rendering(self, job: RenderJob) -> Rendering | None:
        """The rendering that was made of this query by the recipe of this name, None when there is none.

        A row that cannot be read, or whose media are not those that it names, is a rendering that failed. The media are
        decoded by nobody here: `check_brought` does that before they are sent, in a worker, which may die of them.
        """
        try:
            one = self.row(job.recipe, job.query)
            return _rendering(one, job) if one is not None else None
        except (ValueError, OSError, pa.ArrowException) as error:
            raise_of_the_system(error)
            return damaged(job, error)

    @staticmethod
    def _read_group(path: Path, group: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = open_shard(path).read_row_group(group).to_pylist()
        return rows


@dataclass(frozen=True, slots=True)
class _DraftRow:
    """Nothing else of what a row says of a draft is believed: its media are not there."""

    prompt: str
    answer: str
    score: float | None


_DRAFTS = TypeAdapter(list[_DraftRow])
_FIDELITY = TypeAdapter(Fidelity)
_FAILURE = TypeAdapter(Failure)


def fidelity_in(one: dict[str, Any]) -> Fidelity:
    """What a row tells of the fidelity of its rendering. Raises ValueError where that cannot be read."""
    recorded: Fidelity = _told(_FIDELITY, one, "fidelity")
    if wrong := [name for name, value in recorded.measures.items() if not isfinite(value)]:
        raise ValueError(f"fidelity: the measure {wrong[0]} is no number")
    if recorded.status != one["fidelity_status"]:
        raise ValueError(f"fidelity_status is {one['fidelity_status']!r}, and fidelity says {recorded.status!r}")
    return recorded


def failure_in(one: dict[str, Any]) -> Failure | None:
    """The error that kept a row's rendering from being made. Raises ValueError where it cannot be read."""
    return _told(_FAILURE, one, "failure") if one["failure"] else None


def _told(form: TypeAdapter[Any], one: dict[str, Any], column: str) -> Any:
    try:
        return form.validate_json(one[column] or "")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (column, *first["loc"])))
        raise ValueError(f"{place}: {first['msg']}") from error


def _rendering(one: dict[str, Any], job: RenderJob) -> Rendering:
    """Raises ValueError for a row that cannot be read."""
    texts = {"said": one["said"], "written": one["written"], DRAFTS: _drafts_in(one)}
    tries = one.get(TRIES) or 1
    rendering = Rendering(one["recipe"], job.key, None, fidelity_in(one), failure_in(one), tries=tries, **texts)
    if rendering.failure is not None or rendering.fidelity.status == "failed":
        return rendering
    return replace(rendering, media=_media(one, job.recipe.medium))


def _drafts_in(one: dict[str, Any]) -> tuple[Draft, ...]:
    rows = _told(_DRAFTS, one, DRAFTS) if one.get(DRAFTS) else []
    return tuple(Draft(row.prompt, row.answer, score=row.score) for row in rows)


def _media(one: dict[str, Any], medium: str) -> Media:
    held = one[medium]
    data = held.get("bytes") if isinstance(held, dict) else None
    if not isinstance(data, bytes) or not data or not one["mime"]:
        raise ValueError(f"it has no {medium}" if not data else "it does not say what its bytes are (mime)")
    media = Media.of(medium, one["mime"], data)
    if media.sha256 != one["sha256"]:
        raise ValueError(f"the bytes of the {medium} do not match their hash")
    return media
