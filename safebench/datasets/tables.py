"""Rows of tables as people keep them: CSV, TSV, JSON, JSON lines, Parquet."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.foreign import read_json

Row = tuple[int | str, Mapping[str, Any]]  # line (CSV, JSONL) or row (Parquet) number from 1, and the row


def file_rows(path: Path, columns: Collection[str] = ()) -> Iterator[Row]:
    """Rows of a file by its ending, one at a time but for JSON; of a Parquet file only the columns that are wanted.

    Raises BadInput for an unknown kind of file and one that cannot be read; where only its rest cannot be read, that is
    a bad row of its own.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"data {str(path)!r}: unknown kind of file {path.suffix!r}; known: {', '.join(READERS)}")
    place: int | str | None = None
    try:
        for place, row in reader(path, columns):
            yield place, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if place is None:
            raise BadInput(f"data {str(path)!r} cannot be read: {error}") from error
        yield f"{place} and after it", {"": f"cannot be read: {error}"}


def _csv_rows(path: Path, columns: Collection[str], delimiter: str = ",") -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        start = 2
        for row in reader:
            yield start, row
            start = reader.line_num + 1


def _tsv_rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    return _csv_rows(path, columns, "\t")


def _json_rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    """A list of objects, or an object of them whose keys become the column `_key`. Read whole, as JSON has to be."""
    try:
        whole = read_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise OSError(f"no JSON: {error}") from error
    if not isinstance(whole, list | dict):
        raise OSError(f"{type(whole).__name__} instead of a list or an object of rows")
    keyed = whole.items() if isinstance(whole, dict) else ((None, row) for row in whole)
    for number, (key, row) in enumerate(keyed, start=1):
        yield number, _object(row) | ({"_key": key} if key is not None else {})


def _jsonl_rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _json_row(line)


def _json_row(line: str) -> Mapping[str, Any]:
    try:
        row = read_json(line)
    except ValueError as error:
        return {"": f"no JSON: {error}"}
    return _object(row)


def _object(row: Any) -> dict[str, Any]:
    return row if isinstance(row, dict) else {"": f"{type(row).__name__} instead of a JSON object"}


def _parquet_rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name in columns] or None
            number = 0
            for batch in file.iter_batches(batch_size=1024, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


READERS: Mapping[str, Callable[..., Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".tsv": _tsv_rows,
    ".json": _json_rows,
    ".jsonl": _jsonl_rows,
    ".ndjson": _jsonl_rows,
    ".parquet": _parquet_rows,
}
