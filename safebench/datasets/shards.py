"""The form of converted folders: Parquet shards with the media inside, one folder of shards for each medium.

The shards carry the feature types of Hugging Face `datasets`, so that `load_dataset(DIR)` decodes them; here they are
read back with pyarrow alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pyarrow import parquet

from safebench import registry
from safebench.datasets.cutting import KEY
from safebench.datasets.queries import CERTAINTY, LANGUAGE, Dataset, parse_rows
from safebench.datasets.tables import PROBLEM
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.plugins import Describing
from safebench.rendering.chain import RenderJob
from safebench.rendering.frozen import check_frozen
from safebench.serialisation import compact
from safebench.taxonomy import Taxonomy, beside, paper
from safebench.types import TEXT, Draft, Query, Rendering

ROWS_A_GROUP = 16  # what is held in memory at once when writing and reading
GROUPS_A_SHARD = 64
WORK = ".work"  # inside the folder, while it is being made
BEFORE = "before"  # in there: shards that others take the place of
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


PAIRS = "pairs"  # folder beside those of the media: one row for each query, with all of its media
SCENARIO = ("category", "definition")  # columns: the category of the query's scenario, and what counts as harm there
PROMPT = "prompt"  # column: what was asked for of whoever drew the picture that was taken
DRAFTS = "drafts"  # column: all that was tried on the way, without its media, as JSON
TRIES = "tries"  # column: how often it was rendered, until one was faithful or its recipe allowed no more
QUERY = ("id", "query", "intent", "scenario", "twin", LANGUAGE, CERTAINTY)  # columns
CANARY = "canary"  # column, and key of `convert.toml`: the string by which the data are known in a training corpus


def schema(medium: str) -> pa.Schema:
    """Columns of a shard: ours, the modality's, and the media, named after their medium and typed as in `datasets`."""
    types: dict[str, str] = dict.fromkeys((*PLAIN, LANGUAGE, *SCENARIO, PROMPT, DRAFTS, CANARY), "string")
    own = {**types, **registry.modality(medium).columns, CERTAINTY: "float64", TRIES: "int32"}
    return typed(own, {medium: medium})


def typed(types: Mapping[str, str], media: Mapping[str, str]) -> pa.Schema:
    """Columns by their types, and those that hold media by their medium, with the features that `datasets` and viewers
    read them by.
    """
    features: dict[str, Any] = {name: {"dtype": dtype, "_type": "Value"} for name, dtype in types.items()}
    features |= {name: {"_type": medium.capitalize()} for name, medium in media.items()}
    file = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [pa.field(name, pa.type_for_alias(dtype)) for name, dtype in types.items()]
    fields += [pa.field(name, file) for name in media]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def row(job: RenderJob, rendering: Rendering, canary: str = "", known: Taxonomy | None = None) -> dict[str, Any]:
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
        LANGUAGE: query.language,
        CERTAINTY: query.certainty,
        **of_scenario(query.scenario, known or paper()),
        PROMPT: _prompt(rendering),
        DRAFTS: compact([_draft(one) for one in rendering.drafts]) if rendering.drafts else None,
        TRIES: rendering.tries,
        CANARY: canary,
        **registry.modality(medium).describe(Describing(steps, used)),
        medium: {"bytes": used.read(), "path": None} if used else None,
    }


def of_scenario(id: str | None, known: Taxonomy) -> dict[str, str | None]:
    """The columns that say of a scenario what it is; empty where a query has none."""
    scenario = known.find(id)
    held = (scenario.category, scenario.description) if scenario else (None, None)
    return dict(zip(SCENARIO, held, strict=True))


def _prompt(rendering: Rendering) -> str | None:
    """Of the draft that was taken; where its media were changed since, of the best, or of the last."""
    media = rendering.media
    taken = [one for one in rendering.drafts if one.media and media and one.media.sha256 == media.sha256]
    drafts = taken or rendering.drafts
    best = max(drafts, key=lambda one: -1.0 if one.score is None else one.score, default=None)
    if best is not None and best.score is None:
        best = drafts[-1]
    return best.prompt if best else None


def _draft(draft: Draft) -> dict[str, Any]:
    sha256 = draft.media.sha256 if draft.media else None
    return {"prompt": draft.prompt, "answer": draft.answer, "score": draft.score, "sha256": sha256}


def write_shards(folder: Path, medium: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as shards of `folder/MEDIUM`, holding one row group in memory at a time."""
    write_parts(folder / medium, schema(medium), rows)


def write_parts(place: Path, columns: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    """The same into a folder of any name, with these columns."""
    place.mkdir(parents=True, exist_ok=True)
    # no dictionary of media, which would only be copied
    repeating = [field.name for field in columns if not pa.types.is_struct(field.type)]
    groups = iter(batched(rows, ROWS_A_GROUP))
    for number, first in enumerate(groups):
        with parquet.ParquetWriter(place / f"train-{number:05d}.parquet", columns, use_dictionary=repeating) as writer:
            for group in chain([first], islice(groups, GROUPS_A_SHARD - 1)):
                writer.write_table(pa.Table.from_pylist(group, columns))


Value = TypeVar("Value")


def batched(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    source = iter(values)
    while batch := list(islice(source, size)):
        yield batch


def shards(folder: Path) -> list[Path]:
    """All shards of a converted folder, in order."""
    return sorted(path for path in folder.glob("*/train-*.parquet") if path.parent.name != PAIRS)


def finished(folder: Path) -> bool:
    return bool(shards(folder)) and not (folder / WORK).exists()


def read_converted(folder: Path) -> Dataset:
    """The queries of a converted folder. Raises BadInput when it is none, is unfinished, or has bad rows."""
    if not finished(folder):
        unfinished = (folder / WORK).exists()
        why = "its conversion is unfinished: give the same convert command again" if unfinished else "it has no shards"
        raise BadInput(f"data {str(folder)!r} is no folder made by `safebench convert`: {why}")
    check_shards(folder)
    asked, name, known = read_convert_file(folder), str(folder), beside(folder)
    queries = parse_rows(_query_rows(folder), name, known=known).queries
    notes = [f"{name} holds shard {asked[KEY]} of a conversion: {len(queries)} of its queries"] if KEY in asked else []
    return Dataset(name, queries, folder, asked.get(RECIPE, {}), tuple(notes), known)


def packed_queries(folder: Path) -> Sequence[Query]:
    """Those of a folder in planned order, also while it is being made larger; empty where nothing is packed yet.

    Raises BadInput where its files are no shards of ours, or damaged.
    """
    lying = folder if shards(folder) else folder / WORK / BEFORE
    check_shards(lying)
    return parse_rows(_query_rows(lying), str(folder), known=beside(folder)).queries if shards(lying) else ()


def check_shards(folder: Path) -> None:
    """Raises BadInput where Parquet files of these names are no shards of ours, as in a snapshot of another set."""
    for path in shards(folder):
        medium, held = path.parent.name, open_shard(path).schema_arrow
        known = medium in registry.media() and medium != TEXT
        lacking = [name for name in (*PLAIN, *([medium] if known else [])) if name not in held.names]
        wanted = {one.name: one.type for one in schema(medium)} if known else dict.fromkeys(PLAIN, pa.string())
        strange = [one.name for one in held if one.name in wanted and not _fits(one.type, wanted[one.name])]
        problems = [
            *([] if known else [f"{medium!r} is no medium here"]),
            *([f"it lacks the columns {', '.join(lacking)}"] if lacking else []),
            *([f"its columns {', '.join(strange)} hold something else than ours"] if strange else []),
        ]
        if problems:
            raise BadInput(
                f"data {str(folder)!r} is no folder made by `safebench convert`: {path.relative_to(folder)}: "
                f"{'; '.join(problems)}. To take its queries, name the file (--data {path}) or bring them in with "
                "`safebench data import`"
            )


def _fits(held: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of a column can be written as ours."""
    if pa.types.is_null(held):
        return True
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(held) or pa.types.is_large_string(held))
    if pa.types.is_floating(wanted):
        return bool(pa.types.is_floating(held) or pa.types.is_integer(held))
    return bool(pa.types.is_struct(held) if pa.types.is_struct(wanted) else pa.types.is_integer(held))


def read_convert_file(folder: Path) -> dict[str, Any]:
    """Empty where there is none. Raises BadInput for one that is not as it was written."""
    file = folder / CONVERT_FILE
    tables = read_toml(file) if file.exists() else {}
    check_frozen(tables, file)
    return tables


def rows_of(folder: Path, medium: str) -> Iterator[dict[str, Any]]:
    """All rows of a medium with their media, in order, one in memory at a time. Raises BadInput for a damaged file."""
    for path in sorted((folder / medium).glob("train-*.parquet")):
        with reading_shard(path):
            for batch in open_shard(path).iter_batches(1):
                yield from batch.to_pylist()


def _query_rows(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every query once, though it may be there in several media and recipes."""
    seen: set[str] = set()
    for path in shards(folder):
        with reading_shard(path):
            file = open_shard(path)
            held = [name for name in QUERY if name in file.schema_arrow.names]
            for batch in file.iter_batches(1024, columns=held):
                for one in batch.to_pylist():
                    if one["id"] not in seen:
                        seen.add(one["id"])
                        yield len(seen), one if one["id"] else {PROBLEM: f"a row of {path.name} has no id"}


@contextmanager
def reading_shard(path: Path) -> Iterator[None]:
    """Raises BadInput where pyarrow finds the file damaged."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} cannot be read: {error}; convert the data again, or put it back from a copy") from error


def open_shard(path: Path) -> parquet.ParquetFile:
    """Kept open, until another file of the name is there."""
    return _opened(path, path.stat().st_ino, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _opened(path: Path, *_: int) -> parquet.ParquetFile:
    """Without read-ahead, which would hold a row group in memory for as long as the file is open."""
    with reading_shard(path):
        return parquet.ParquetFile(path, pre_buffer=False)
