"""Folders made by `safebench convert`: Parquet shards with the media inside, one folder of shards for each medium.

The shards carry the feature types of Hugging Face `datasets`, so that `load_dataset(DIR)` decodes them; here they are
read back with pyarrow alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from pydantic import TypeAdapter, ValidationError

from safebench import registry
from safebench.datasets.queries import Dataset, parse_rows
from safebench.errors import BadInput
from safebench.plugins import Describing
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe
from safebench.runs.config import read_toml
from safebench.serialisation import compact
from safebench.types import TEXT, Failure, Fidelity, Media, Query, Rendering

ROWS_A_GROUP = 16  # what is held in memory at once when writing and reading
GROUPS_A_SHARD = 64
MOST_ROWS, MOST_GROUPS = 1 << 24, 1 << 16  # of a group and of a shard, when one is read that others wrote
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
CANARY = "canary"  # column, and key of `convert.toml`: the string by which the data are known in a training corpus
TOLD = ("recipe", "id", "said", "written", "sha256", "fidelity_status")  # of a rendering, beside its media


def schema(medium: str) -> pa.Schema:
    """Columns of a shard: ours, the modality's, and the media, named after their medium and typed as in `datasets`."""
    types: dict[str, str] = dict.fromkeys((*PLAIN, CANARY), "string") | dict(registry.modality(medium).columns)
    features: dict[str, Any] = {name: {"dtype": dtype, "_type": "Value"} for name, dtype in types.items()}
    features[medium] = {"_type": medium.capitalize()}
    media = pa.field(medium, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    fields = [*(pa.field(name, pa.type_for_alias(dtype)) for name, dtype in types.items()), media]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def row(job: RenderJob, rendering: Rendering, canary: str = "") -> dict[str, Any]:
    """With the media of what may be used alone: of what failed its check there are the hash and the reason."""
    query, medium, media = job.query, job.recipe.medium, rendering.media
    used = media if rendering.faithful else None
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
        CANARY: canary,
        **registry.modality(medium).describe(Describing(steps, used)),
        medium: {"bytes": used.read(), "path": None} if used else None,
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
    check_shards(folder)
    return Dataset(str(folder), parse_rows(_query_rows(folder), str(folder)), folder, _asked(folder).get(RECIPE, {}))


def check_shards(folder: Path) -> None:
    """Raises BadInput where Parquet files of these names are no shards of ours, as in a snapshot of another set."""
    for path in shards(folder):
        medium, found = path.parent.name, _open(path).schema_arrow
        known = medium in registry.media() and medium != TEXT
        lacking = [name for name in (*PLAIN, *([medium] if known else [])) if name not in found.names]
        strange = [name for name in PLAIN if name not in lacking and not _is_text(found.field(name).type)]
        problems = [
            *([] if known else [f"{medium!r} is no medium here"]),
            *([f"it lacks the columns {', '.join(lacking)}"] if lacking else []),
            *([f"its columns {', '.join(strange)} hold no text"] if strange else []),
        ]
        if problems:
            raise BadInput(
                f"data {str(folder)!r} is no folder made by `safebench convert`: {path.relative_to(folder)}: "
                f"{'; '.join(problems)}. To take its queries, name the file (--data {path}) or bring them in with "
                "`safebench data import`"
            )


def _is_text(type: pa.DataType) -> bool:
    return any(test(type) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))


def _asked(folder: Path) -> dict[str, Any]:
    file = folder / CONVERT_FILE
    return read_toml(file) if file.exists() else {}


def _query_rows(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every query once, though it may be there in several media and recipes."""
    seen: set[str] = set()
    for path in shards(folder):
        with _reading(path):
            for batch in _open(path).iter_batches(1024, columns=["id", "query", "intent", "scenario", "twin"]):
                for one in batch.to_pylist():
                    if one["id"] not in seen:
                        seen.add(one["id"])
                        yield len(seen), one if one["id"] else {"": f"a row of {path.name} has no id"}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raises BadInput where pyarrow finds the file damaged."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} cannot be read: {error}; convert the data again, or put it back from a copy") from error


def _open(path: Path) -> parquet.ParquetFile:
    """Kept open, until another file of the name is there."""
    return _opened(path, path.stat().st_ino, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _opened(path: Path, *_: int) -> parquet.ParquetFile:
    """Without read-ahead, which would hold a row group in memory for as long as the file is open."""
    with _reading(path):
        return parquet.ParquetFile(path, pre_buffer=False)


class Renderings:
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
            file = _open(path)
            for group in range(file.num_row_groups):
                with _reading(path):
                    rows = file.read_row_group(group, columns=list(TOLD)).to_pylist()
                for n, told in enumerate(rows):
                    medium, recipe = path.parent.name, told["recipe"] or ""
                    place = (shard * MOST_GROUPS + group) * MOST_ROWS + n
                    self._places.setdefault((medium, recipe), {})[told["id"]] = place
                    digests.setdefault((medium, recipe), hashlib.sha256()).update(compact(list(told.values())).encode())
        self.media = {key: digest.hexdigest() for key, digest in digests.items()}
        known = _asked(folder).get("recipes", {})
        self.fingerprints = {
            (m, name): known.get(f"{m}:{name}", f"media {told}") for (m, name), told in self.media.items()
        }
        self._group = lru_cache(maxsize=4)(self._read_group)

    def holds(self, recipe: Recipe, query: Query) -> bool:
        return query.id in self._places.get((recipe.medium, recipe.name), ())

    def recorded(self, recipe: Recipe) -> Recipe:
        """The recipe with the fingerprint of the time, where the folder has media by one of its name."""
        found = self.fingerprints.get((recipe.medium, recipe.name))
        return recipe.recorded(found) if found else recipe

    def row(self, recipe: Recipe, query: Query) -> dict[str, Any] | None:
        """What was written of this query by the recipe of this name, None when nothing was."""
        place = self._places.get((recipe.medium, recipe.name), {}).get(query.id)
        if place is None:
            return None
        group, n = divmod(place, MOST_ROWS)
        shard, group = divmod(group, MOST_GROUPS)
        return self._group(self._shards[shard], group)[n]

    def rendering(self, job: RenderJob) -> Rendering | None:
        """The rendering that was made of this query by the recipe of this name, None when there is none.

        A row that cannot be read, or whose media cannot, is a rendering that failed: it is never sent.
        """
        try:
            one = self.row(job.recipe, job.query)
            return _rendering(one, job) if one is not None else None
        except (ValueError, OSError, pa.ArrowException) as error:
            why = f"row of query {job.query.id!r} cannot be read: {' '.join(str(error).split())}"
            failure = Failure("converted folder", "Damaged", why)
            return Rendering(job.recipe.name, job.key, None, Fidelity("failed", reason=str(failure)), failure)

    @staticmethod
    def _read_group(path: Path, group: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = _open(path).read_row_group(group).to_pylist()
        return rows


_FIDELITY = TypeAdapter(Fidelity)
_FAILURE = TypeAdapter(Failure)


def fidelity_in(one: dict[str, Any]) -> Fidelity:
    """What a row tells of the fidelity of its rendering. Raises ValueError where that cannot be read."""
    found: Fidelity = _told(_FIDELITY, one, "fidelity")
    if found.status != one["fidelity_status"]:
        raise ValueError(f"fidelity_status is {one['fidelity_status']!r}, and fidelity says {found.status!r}")
    return found


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
    """Raises ValueError for a row that cannot be read. Media that are to be sent are checked once before."""
    told = {"said": one["said"], "written": one["written"]}
    found = Rendering(one["recipe"], job.key, None, fidelity_in(one), failure_in(one), **told)
    if found.failure is not None or found.fidelity.status == "failed":
        return found
    return replace(found, media=_media(one, job.recipe.medium))


def _media(one: dict[str, Any], medium: str) -> Media:
    held = one[medium]
    data = held.get("bytes") if isinstance(held, dict) else None
    if not isinstance(data, bytes) or not data or not one["mime"]:
        raise ValueError(f"it has no {medium}" if not data else "it does not say what its bytes are (mime)")
    media = Media.of(medium, one["mime"], data)
    if media.sha256 != one["sha256"]:
        raise ValueError(f"the bytes of the {medium} do not match their hash")
    registry.modality(medium).check_whole(media)
    return media
