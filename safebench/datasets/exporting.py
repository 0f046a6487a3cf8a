"""`safebench data export`: a data set as a folder that others can load, and that says what it is.

The folder holds the queries (typed Parquet for a hub, or JSONL), their taxonomy where it is not the shipped one,
`card.toml` for programs and `README.md` for people.
`safebench data import` writes the same folder; `--data FOLDER` reads both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from safebench.datasets.card import CARD_FILE, Card, Format, canary, readme
from safebench.datasets.load import QUERY_FILES
from safebench.datasets.queries import Dataset
from safebench.datasets.shards import batched, typed
from safebench.errors import BadInput
from safebench.files import is_taken, whole_folder, write_toml
from safebench.serialisation import compact

ROWS_A_GROUP = 10_000  # what is held in memory at once while Parquet is written
COLUMNS = ("id", "scenario", "intent", "query", "twin", "language", "category", "canary")


def without_scenario(dataset: Dataset, categories: Sequence[str | None]) -> dict[str, int]:
    """How many queries of each category of the source have no scenario, the most first."""
    pairs = zip(dataset.queries, categories, strict=True) if categories else ()
    return dict(Counter(category or "" for query, category in pairs if query.scenario is None).most_common())


def export(
    dataset: Dataset, out: Path, card: Card, format: Format = "hub", categories: Sequence[str | None] = ()
) -> Card:
    """Write the folder, whole or not at all, and return its card.

    `categories`: what the source calls each query, where it does. Raises BadInput for a folder that holds something.
    """
    if is_taken(out):
        raise BadInput(f"{out} exists: choose another --out")
    with whole_folder(out) as part:
        return write_set(part, dataset, card, format, categories)


def write_set(part: Path, dataset: Dataset, card: Card, format: Format, categories: Sequence[str | None]) -> Card:
    """The same into a folder that is there."""
    sha256 = dataset.sha256
    content = {"sha256": sha256, "canary": card.canary or canary(sha256)}
    card = card.model_copy(update=content | {"unmapped": without_scenario(dataset, categories)})
    write = _write_parquet if format == "hub" else write_jsonl
    write(part / QUERY_FILES[format], _rows(dataset, card.canary, categories))
    write_toml(part / CARD_FILE, card.model_dump(exclude_defaults=True))
    dataset.taxonomy.write(part)
    (part / "README.md").write_text(readme(dataset, card, QUERY_FILES[format]), encoding="utf-8")
    return card


def _rows(dataset: Dataset, canary: str, categories: Sequence[str | None]) -> Iterator[dict[str, str]]:
    """Without what nobody tells of a query."""
    for n, query in enumerate(dataset.queries):
        category = categories[n] if categories else None
        declared = query.language if query.certainty is None else None
        cells = (query.id, query.scenario, query.intent.value, query.text, query.twin, declared, category, canary)
        yield {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell is not None}


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """An object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{compact(row)}\n" for row in rows)


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Columns typed as `datasets` of Hugging Face names them."""
    schema = typed(dict.fromkeys(COLUMNS, "string"), {})
    with parquet.ParquetWriter(path, schema) as writer:
        for group in batched(rows, ROWS_A_GROUP):
            writer.write_table(pa.Table.from_pylist(group, schema))
