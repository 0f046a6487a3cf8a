"""Folders made by `safebench convert`: Parquet shards with the media inside, one folder of shards for each medium.

The shards carry the feature types of Hugging Face `datasets`, so that `load_dataset(DIR)` decodes them; here they are
read back with pyarrow alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from safebench import registry
from safebench.config import read_toml
from safebench.datasets import Dataset, parse_rows
from safebench.errors import BadInput
from safebench.plugins import Describing
from safebench.recipes import Recipe
from safebench.records import compact, failure_from, fidelity_from
from safebench.rendering import RenderJob
from safebench.types import Failure, Media, Query, Rendering

ROWS_A_GROUP = 16  # what is held in memory at once when writing and reading
GROUPS_A_SHARD = 64
WORK = ".work"  # inside the folder, while it is being made
CONVERT_FILE = "convert.toml"  # what was asked, and by which recipes; it is not pushed to a hub
RECIPE = "recipe"  # key there: the recipes, as in a recipes file
PLAIN = (
    "id",
    "query",
    "intent",
    "scenario",
    "twin",
    "recipe",
    "said",
    "written",
    "mime",
    "sha256",
    "fidelity_status",
    "fidelity",
    "failure",
)
TOLD = ("recipe", "id", "said", "written", "sha256", "fidelity_status")  # of a rendering, beside its media


def schema(medium: str) -> pa.Schema:
    """Columns of a shard: ours, the modality's, and the media, named after their medium and typed as in `datasets`."""
    types: dict[str, str] = dict.fromkeys(PLAIN, "string") | dict(registry.modality(medium).columns)
    features: dict[str, Any] = {name: {"dtype": dtype, "_type": "Value"} for name, dtype in types.items()}
    features[medium] = {"_type": medium.capitalize()}
    media = pa.field(medium, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    fields = [*(pa.field(name, pa.type_for_alias(dtype)) for name, dtype in types.items()), media]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def row(job: RenderJob, rendering: Rendering) -> dict[str, Any]:
    query, medium, media = job.query, job.recipe.medium, rendering.media
    steps = tuple({"use": step.use, **step.options} for step in job.recipe.steps)
    return {
        "id": query.id,
        "query": query.text,
        "intent": query.intent.value,
        "scenario": query.scenario,
        "twin": query.twin,
        "recipe": rendering.recipe,
        "said": rendering.said,
        "written": rendering.written,
        "mime": media.mime if media else None,
        "sha256": media.sha256 if media else None,
        "fidelity_status": rendering.fidelity.status,
        "fidelity": compact(asdict(rendering.fidelity)),
        "failure": compact(asdict(rendering.failure)) if rendering.failure else None,
        **registry.modality(medium).describe(Describing(steps, media)),
        medium: {"bytes": media.read(), "path": None} if media else None,
    }


def write_shards(folder: Path, medium: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as shards of `folder/MEDIUM`, holding one row group in memory at a time."""
    place = folder / medium
    place.mkdir(parents=True, exist_ok=True)
    columns = schema(medium)
    repeating = [name for name in columns.names if name != medium]  # no dictionary of media, which would only be copied
    groups = iter(batched(rows, ROWS_A_GROUP))
    for number, first in enumerate(groups):
        with parquet.ParquetWriter(place / f"train-{number:05d}.parquet", columns, use_dictionary=repeating) as writer:
            for group in chain([first], islice(groups, GROUPS_A_SHARD - 1)):
                writer.write_table(pa.Table.from_pylist(group, columns))


def batched(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


# --- reading back


def shards(folder: Path) -> list[Path]:
    """All shards of a converted folder, in order."""
    return sorted(folder.glob("*/train-*.parquet"))


def finished(folder: Path) -> bool:
    return bool(shards(folder)) and not (folder / WORK).exists()


def read_converted(folder: Path) -> Dataset:
    """The queries of a converted folder. Raises BadInput when it is none, is unfinished, or has bad rows."""
    if not finished(folder):
        unfinished = (folder / WORK).exists()
        why = "its conversion is unfinished: give the same convert command again" if unfinished else "it has no shards"
        raise BadInput(f"data {str(folder)!r} is no folder made by `safebench convert`: {why}")
    return Dataset(str(folder), parse_rows(_query_rows(folder), str(folder)), folder, _asked(folder).get(RECIPE, {}))


def _asked(folder: Path) -> dict[str, Any]:
    file = folder / CONVERT_FILE
    return read_toml(file) if file.exists() else {}


def _query_rows(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every query once, though it may be there in several media and recipes."""
    seen: set[str] = set()
    for path in shards(folder):
        for batch in _open(path).iter_batches(1024, columns=["id", "query", "intent", "scenario", "twin"]):
            for one in batch.to_pylist():
                if one["id"] not in seen:
                    seen.add(one["id"])
                    yield len(seen), one


def _open(path: Path) -> parquet.ParquetFile:
    """Kept open, until another file of the name is there."""
    return _opened(path, path.stat().st_ino, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _opened(path: Path, *_: int) -> parquet.ParquetFile:
    """Without read-ahead, which would hold a row group in memory for as long as the file is open."""
    try:
        return parquet.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


class Renderings:
    """What `convert` made, by recipe and query, read from the shards when it is needed.

    `media`: by (medium, recipe) a hash over what the rows say of their renderings, the hash of each media among it.
    `fingerprints`: those of the recipes at the time, or a hash of the media where the folder does not tell them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[tuple[str, str, str], tuple[Path, int, int]] = {}
        digests: dict[tuple[str, str], Any] = {}
        for path in shards(folder):
            file = _open(path)
            for group in range(file.num_row_groups):
                for n, told in enumerate(file.read_row_group(group, columns=list(TOLD)).to_pylist()):
                    medium, recipe = path.parent.name, told["recipe"]
                    self._places[medium, recipe, told["id"]] = (path, group, n)
                    digests.setdefault((medium, recipe), hashlib.sha256()).update(compact(list(told.values())).encode())
        self.media = {key: digest.hexdigest() for key, digest in digests.items()}
        known = _asked(folder).get("recipes", {})
        self.fingerprints = {
            (m, name): known.get(f"{m}:{name}", f"media {told}") for (m, name), told in self.media.items()
        }
        self._group = lru_cache(maxsize=4)(self._read_group)

    def holds(self, recipe: Recipe, query: Query) -> bool:
        return (recipe.medium, recipe.name, query.id) in self._places

    def recorded(self, recipe: Recipe) -> Recipe:
        """The recipe with the fingerprint of the time, where the folder has media by one of its name."""
        found = self.fingerprints.get((recipe.medium, recipe.name))
        return recipe.recorded(found) if found else recipe

    def rendering(self, job: RenderJob) -> Rendering | None:
        """The rendering that was made of this query by the recipe of this name, None when there is none."""
        place = self._places.get((job.recipe.medium, job.recipe.name, job.query.id))
        if place is None:
            return None
        path, group, n = place
        return _rendering(self._group(path, group)[n], job)

    @staticmethod
    def _read_group(path: Path, group: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = _open(path).read_row_group(group).to_pylist()
        return rows


def _rendering(one: dict[str, Any], job: RenderJob) -> Rendering:
    failure = failure_from(json.loads(one["failure"])) if one["failure"] else None
    media = _media(one, job.recipe.medium)
    if media is not None and media.sha256 != one["sha256"]:
        failure = Failure("converted folder", "Damaged", f"the bytes of query {job.query.id!r} do not match their hash")
    fidelity = fidelity_from(json.loads(one["fidelity"]))
    told = {"said": one["said"], "written": one["written"]}
    return Rendering(one["recipe"], job.key, media, fidelity, failure, **told)


def _media(one: dict[str, Any], medium: str) -> Media | None:
    held = one[medium]
    return Media.of(medium, one["mime"], held["bytes"]) if held and held["bytes"] else None
