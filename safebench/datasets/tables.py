"""Rows of tables as people keep them: CSV, TSV, JSON, JSON lines, Parquet, each plain or packed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from glob import escape
from itertools import zip_longest
from math import isnan
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from safebench.datasets.columns import Names
from safebench.datasets.delimited import TAB, BadRecord, records
from safebench.datasets.table_files import UNREADABLE, UTF8, OtherEncoding, TableFile, table_file
from safebench.errors import BadInput
from safebench.serialisation import json_or, read_json

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[int | str, Mapping[str, Any]]  # line (CSV, JSONL) or row (Parquet) number from 1, and the row
PROBLEM = "\0problem"  # key of a row that cannot be used, with what is wrong: no column of a file is called so
BLANK: Mapping[str, Any] = MappingProxyType({})  # a row in which nothing stands
PARQUET = ".parquet"
ROWS_AT_ONCE = 1024
HEADS = ("prompt", "prompts", "0")  # of a column of texts that has one after all


def file_rows(
    path: Path,
    columns: Collection[str] = (),
    heads: list[str] | None = None,
    encoding: str | None = None,
    what: str = "data",
) -> Iterator[Row]:
    """Rows of a file by its ending, one at a time but for JSON; of a Parquet file only the columns that are wanted.

    Columns that are wanted come under the name by which they are wanted: see `named`. `heads` gets the names of all
    columns, as the file writes them. `encoding` of its text is UTF-8 when not given; where it is given as UTF-8, no
    error asks to name another. Raises BadInput for an unknown kind of file and one that cannot be read; where only its
    rest cannot be read, that is a bad row of its own.
    """
    where = f"{what} {str(path)!r}"
    file = table_file(path, READERS, encoding, what)
    if file.encoding not in (None, UTF8) and file.kind == PARQUET:
        raise BadInput(f"{where}: a Parquet file has no encoding to name: leave out --encoding")
    place: int | str | None = None
    heads = heads if heads is not None else []
    names = Names(columns, heads, where)
    try:
        for place, row in READERS[file.kind](file, names):
            yield place, row
    except (*UNREADABLE, BadRecord, OtherEncoding) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, BadRecord) and heads:
            place, why = error.line, error.why
        elif place is None:
            raise BadInput(f"{where} cannot be read: {why}") from error
        yield f"{place} and after it", {PROBLEM: f"cannot be read: {why}"}


# --- CSV and TSV


def _csv_rows(file: TableFile, names: Names, delimiter: str | None = None) -> Iterator[Row]:
    header: list[str] = []
    for line, cells in records(file.text, names.count, delimiter):
        if header and cells:
            yield line, record(header, cells, names)
        elif any(cell.strip() for cell in cells):
            header = cells
            names.of(_told(header))


def _told(header: Sequence[str]) -> list[str]:
    return [head for head in header if head.strip()]


def texts_beside(folder: Path, names: Iterable[str]) -> list[str]:
    """The texts of a table without a header: the first cell of each record, empty where nothing stands in it.

    It is the file in the folder that the first of these patterns names, alone; `{}` stands for the folder's own name.
    Empty where there is none that can be read.
    """
    for name in names:
        files = [file for file in folder.glob(name.format(escape(folder.name))) if _lies_in(file, folder)]
        if len(files) == 1:
            texts = _first_cells(files[0])
            return texts[1:] if texts and texts[0].casefold() in HEADS else texts
    return []


def _lies_in(file: Path, folder: Path) -> bool:
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())


def _first_cells(file: Path) -> list[str]:
    try:
        return [cells[0].strip() if cells else "" for _, cells in records(table_file(file, (".csv",)).text, len, ",")]
    except (*UNREADABLE, OtherEncoding, BadRecord, BadInput):
        return []


def record(header: Sequence[str], values: Sequence[str], names: Names) -> Mapping[Any, Any]:
    """A row of a sheet. What stands in a column without a name is left out, and what stands beyond all columns said."""
    if not any(cell.strip() for cell in values):
        return BLANK
    renamed = names.of(_told(header))
    cells = zip_longest(header, values[: len(header)])
    row: dict[Any, Any] = {renamed.get(head, head): cell for head, cell in cells if head and head.strip()}
    surplus = list(values[len(header) :])
    return row | ({None: surplus} if any(cell.strip() for cell in surplus) else {})


# --- JSON


def _json_rows(file: TableFile, names: Names) -> Iterator[Row]:
    """One JSON value, read whole, as it has to be; JSON lines in a file of that name are read as such."""
    with file.text() as opened:
        text = opened.read().lstrip("\ufeff")
    try:
        whole = read_json(text)
    except ValueError as error:
        if not _is_json_lines(text):
            raise OSError(f"no JSON: {error}") from error
        yield from _line_rows(text.split("\n"), names)
        return
    yield from _value_rows(whole, names)


def _value_rows(whole: Any, names: Names) -> Iterator[Row]:
    """A list of objects, one alone, or an object of them whose keys become the column `_key`.

    Also a list of objects with something about it beside it, and columns instead of rows, as data frames write them.
    """
    if not isinstance(whole, list | dict):
        raise OSError(f"{type(whole).__name__} instead of a list or an object of rows")
    rows = whole if isinstance(whole, list) else _rows_inside(whole, names)
    keyed = rows.items() if isinstance(rows, dict) else ((None, row) for row in rows)
    for number, (key, row) in enumerate(keyed, start=1):
        yield number, _object(row, names, {"_key": key} if key is not None else {})


def _rows_inside(whole: dict[str, Any], names: Names) -> list[Any] | dict[str, Any]:
    lists = [value for value in whole.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1 and not any(isinstance(value, dict) for value in whole.values()):
        return lists[0]
    if not names.count(list(whole)):
        return whole
    if not any(isinstance(value, dict | list) for value in whole.values()):
        return [whole]
    return _by_column(whole, names)


def _by_column(whole: dict[str, Any], names: Names) -> list[Any] | dict[str, Any]:
    """Rows of columns of the same length, each a list or an object by the number of the row."""
    columns = {name: list(held.values()) if isinstance(held, dict) else held for name, held in whole.items()}
    inner = [name for held in whole.values() if isinstance(held, dict) for name in held]
    lengths = {len(held) if isinstance(held, list) else -1 for held in columns.values()}
    if len(lengths) != 1 or -1 in lengths or names.count(inner):
        return whole
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _is_json_lines(text: str) -> bool:
    lines = text.lstrip().split("\n", 1)
    return len(lines) > 1 and isinstance(json_or(lines[0], None), dict)


def _jsonl_rows(file: TableFile, names: Names) -> Iterator[Row]:
    """Lines; a list in a file of that name is read as such."""
    with file.text() as lines:
        first = next((line for line in lines if line.strip("\ufeff \t\r\n")), "")
    if first.lstrip("\ufeff \t").startswith("["):
        yield from _json_rows(file, names)
        return
    with file.text() as lines:
        yield from _line_rows(lines, names)


def _line_rows(lines: Iterable[str], names: Names) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip("\ufeff \t\r\n"):
            yield number, _json_row(line.strip("\ufeff \t\r\n"), names)


def _json_row(line: str, names: Names) -> Mapping[str, Any]:
    try:
        row = read_json(line)
    except ValueError as error:
        return {PROBLEM: f"no JSON: {error}"}
    return _object(row, names, {})


def _object(row: Any, names: Names, also: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        return {PROBLEM: f"{type(row).__name__} instead of a JSON object"}
    return BLANK if all(map(is_nothing, row.values())) else {**names.row(row), **also}


def unusable(row: Mapping[Any, Any]) -> str | None:
    """Why a row cannot be used as it was read; None where it can."""
    if PROBLEM in row:
        return str(row[PROBLEM])
    return f"more fields than the header has columns: {row[None]!r}" if None in row else None


def is_nothing(value: Any) -> bool:
    """None, the number with which data frames say the same, and a text without a character, as in an empty cell."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and isnan(value))


# --- Parquet


def _parquet_rows(file: TableFile, names: Names) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with file.binary() as opened, parquet.ParquetFile(_seekable(opened, file)) as table:
            heads = table.schema_arrow.names
            chosen = list(names.of(heads)) or heads[: 1 if names.wanted else None]
            batches = table.iter_batches(batch_size=ROWS_AT_ONCE, columns=chosen)
            rows = (row for batch in batches for row in _plain_batch(batch).to_pylist())
            without: Collection[int] | None = None  # read where a row may be blank
            for number, row in enumerate(rows, start=1):
                is_blank = all(map(is_nothing, row.values()))
                if is_blank and without is None:
                    without = _rows_without(table, set(heads) - set(chosen))
                yield number, BLANK if is_blank and number in (without or ()) else names.row(row)
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


def _rows_without(table: Any, columns: Collection[str]) -> Collection[int]:
    """The numbers of the rows that hold nothing in these columns."""
    if not columns:
        return range(1, table.metadata.num_rows + 1)
    batches = table.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns))
    rows = (cells for batch in batches for cells in zip(*map(_without_cells, batch.columns), strict=True))
    return {number for number, cells in enumerate(rows, start=1) if all(cell.as_py() for cell in cells)}


def _without_cells(column: pa.Array) -> pa.BooleanArray:
    """Of each cell what `is_nothing` says, without reading it into Python: it may hold a picture."""
    import pyarrow as pa
    from pyarrow import compute

    plain = _plain_column(column)
    nulls = plain.is_null(nan_is_null=True)
    if not (pa.types.is_string(plain.type) or pa.types.is_large_string(plain.type)):
        return nulls
    return compute.or_kleene(nulls, compute.equal(compute.utf8_trim_whitespace(plain), ""))


def _seekable(opened: Any, file: TableFile) -> Any:
    """Read whole where it is packed, since a Parquet file is read from its end."""
    import pyarrow as pa

    return file.path if file.path.suffix.lower() == file.kind else pa.BufferReader(opened.read())


def _plain_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_plain_column(column) for column in batch.columns], batch.schema.names)


def _plain_column(column: pa.Array) -> pa.Array:
    """Times and decimals as text, as no Python type holds all of them; so are bytes, if they are text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_column(column.dictionary_decode())
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if is_bytes or pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        try:
            return column.cast(pa.string())
        except pa.ArrowException:
            return column
    return column


READERS: Mapping[str, Callable[..., Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".tsv": partial(_csv_rows, delimiter=TAB),
    ".json": _json_rows,
    ".jsonl": _jsonl_rows,
    ".ndjson": _jsonl_rows,
    PARQUET: _parquet_rows,
}
