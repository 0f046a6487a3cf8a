"""Rows of tables as people keep them: CSV, TSV, JSON, JSON lines, Parquet."""

from __future__ import annotations

import csv
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safebench.errors import BadInput
from safebench.serialisation import read_json

Row = tuple[int | str, Mapping[str, Any]]  # line (CSV, JSONL) or row (Parquet) number from 1, and the row
PROBLEM = "\0problem"  # key of a row that cannot be used, with what is wrong: no column of a file is called so
BLANK: Mapping[str, Any] = MappingProxyType({})  # a row of a sheet in which nothing stands
DELIMITERS = ",;\t"
SAVE_AS = "it is not UTF-8: save it as UTF-8 (in Excel: CSV UTF-8)"


def file_rows(path: Path, columns: Collection[str] = (), heads: set[str] | None = None) -> Iterator[Row]:
    """Rows of a file by its ending, one at a time but for JSON; of a Parquet file only the columns that are wanted.

    Columns that are wanted come under the name by which they are wanted: see `named`. `heads` gets the names of all
    columns, as the file writes them. Raises BadInput for an unknown kind of file and one that cannot be read; where
    only its rest cannot be read, that is a bad row of its own.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadInput(f"data {str(path)!r}: unknown kind of file {path.suffix!r}; known: {', '.join(READERS)}")
    place: int | str | None = None
    names = Names(columns, heads if heads is not None else set(), f"data {str(path)!r}")
    try:
        for place, row in reader(path, names):
            yield place, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = SAVE_AS if isinstance(error, UnicodeDecodeError) else str(error)
        if place is None:
            raise BadInput(f"data {str(path)!r} cannot be read: {why}") from error
        yield f"{place} and after it", {PROBLEM: f"cannot be read: {why}"}


# --- names of columns


def plain_name(name: str) -> str:
    """What names of columns are compared by: neither case, nor blanks around them, nor a mark of order count."""
    return unicodedata.normalize("NFKC", name).strip("\ufeff \t\r\n").casefold()


def named(heads: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """By name in a file, the name by which the column is wanted; those that nobody wants are left out.

    A column of exactly that name goes before one that differs in case. Raises ValueError where two are the same.
    """
    exact, ours = set(heads) & set(wanted), {plain_name(name): name for name in wanted}
    renamed: dict[str, str] = {}
    for head, times in Counter(heads).items():
        name = head if head in exact else ours.get(plain_name(head))
        if name is None or (name in exact and head != name):
            continue
        other = next((one for one, known in renamed.items() if known == name), head)
        if times > 1 or other != head:
            raise ValueError(f"columns {other!r} and {head!r} are both {name!r}")
        renamed[head] = name
    return renamed


class Names:
    """Renames the columns of rows to what they are wanted as, and remembers all that it met."""

    def __init__(self, wanted: Collection[str], heads: set[str], where: str) -> None:
        self.wanted, self._heads, self._where = wanted, heads, where
        self._known: dict[tuple[str, ...], dict[str, str]] = {}

    def of(self, heads: Sequence[str]) -> dict[str, str]:
        """Raises BadInput where two columns are the same."""
        key = tuple(heads)
        if key not in self._known:
            self._heads.update(name for name in heads if name)
            try:
                self._known[key] = named(heads, self.wanted)
            except ValueError as error:
                raise BadInput(f"{self._where}: {error}") from error
        return self._known[key]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        renamed = self.of(list(row))
        taken = set(renamed.values())
        return {renamed.get(name, name): value for name, value in row.items() if name in renamed or name not in taken}


# --- rows of each kind of file


def _csv_rows(path: Path, names: Names, delimiter: str | None = None) -> Iterator[Row]:
    """The delimiter is that of the first line, as spreadsheets of many countries write a semicolon."""
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        separator = first.strip().casefold().removeprefix("sep=") if first.casefold().startswith("sep=") else ""
        if not separator:
            file.seek(0)
        delimiter = delimiter or separator[:1] or max(DELIMITERS, key=first.count)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(reader, [])
        start = reader.line_num + (2 if separator else 1)
        for record in reader:
            if record:
                yield start, _record(header, record, names)
            start = reader.line_num + (2 if separator else 1)


def _record(header: Sequence[str], record: Sequence[str], names: Names) -> Mapping[Any, Any]:
    """A row of a sheet. What stands in a column without a name is left out, and what stands beyond all columns said."""
    if not any(cell.strip() for cell in record):
        return BLANK
    renamed = names.of([head for head in header if head.strip()])
    cells = zip_longest(header, record[: len(header)])
    row: dict[Any, Any] = {renamed.get(head, head): cell for head, cell in cells if head and head.strip()}
    surplus = list(record[len(header) :])
    return row | ({None: surplus} if any(cell.strip() for cell in surplus) else {})


def _tsv_rows(path: Path, names: Names) -> Iterator[Row]:
    return _csv_rows(path, names, "\t")


def _json_rows(path: Path, names: Names) -> Iterator[Row]:
    """A list of objects, or an object of them whose keys become the column `_key`. Read whole, as JSON has to be.

    JSON lines in a file of that name are read as such.
    """
    text = path.read_text(encoding="utf-8-sig")
    try:
        whole = read_json(text)
    except ValueError as error:
        if not _is_json_lines(text):
            raise OSError(f"no JSON: {error}") from error
        yield from _jsonl_rows(path, names)
        return
    if not isinstance(whole, list | dict):
        raise OSError(f"{type(whole).__name__} instead of a list or an object of rows")
    keyed = whole.items() if isinstance(whole, dict) else ((None, row) for row in whole)
    for number, (key, row) in enumerate(keyed, start=1):
        yield number, _object(row, names) | ({"_key": key} if key is not None else {})


def _is_json_lines(text: str) -> bool:
    lines = text.split("\n", 2)
    return len(lines) > 1 and isinstance(_loaded(lines[0]), dict)


def _loaded(line: str) -> Any:
    try:
        return read_json(line)
    except ValueError:
        return None


def _jsonl_rows(path: Path, names: Names) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _json_row(line, names)


def _json_row(line: str, names: Names) -> Mapping[str, Any]:
    try:
        row = read_json(line)
    except ValueError as error:
        return {PROBLEM: f"no JSON: {error}"}
    return _object(row, names)


def _object(row: Any, names: Names) -> dict[str, Any]:
    return names.row(row) if isinstance(row, dict) else {PROBLEM: f"{type(row).__name__} instead of a JSON object"}


def _parquet_rows(path: Path, names: Names) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            renamed = names.of(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=1024, columns=list(renamed) or None):
                for row in batch.to_pylist():
                    number += 1
                    yield number, names.row(row)
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
