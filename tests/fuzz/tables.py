"""Tables in every format that is read, written by other means than ours."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import parquet

from tests.fuzz.odd import texts, values

HEADS = ("query", "prompt", "Query", "id", "ID", "intent", "Scenario", "twin", "language", "note", "category", "")
CELLS = st.sampled_from(["How?", "Why so?", "harmful", "benign", "hate_speech", "7", "a", "b", "en", "de-AT", ""])
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """A file as bytes. `rows`: how many it has; None where its format may read the same bytes in two ways."""

    name: str
    data: bytes
    rows: int | None


@st.composite
def tables(draw: st.DrawFn, heads: Sequence[str] = HEADS, cells: st.SearchStrategy[Any] = CELLS) -> Written:
    """A table in some format, packed or plain."""
    named = draw(st.lists(st.sampled_from(heads), min_size=1, max_size=5, unique=True))
    make = draw(st.sampled_from([_csv, _csv, _tsv, _json, _jsonl, _parquet]))
    odd = texts if make in (_csv, _tsv) else values
    rows = [{head: draw(cells | odd) for head in named} for _ in range(draw(st.integers(0, 5)))]
    written = make(draw, named, rows)
    return draw(st.sampled_from([_plain, _plain, _plain, _gzip, _zip]))(written)


def _csv(draw: st.DrawFn, heads: Sequence[str], rows: Rows, between: str = "") -> Written:
    opened = io.StringIO(newline="")
    sign = between or draw(st.sampled_from(",,,;\t"))
    end = draw(st.sampled_from(["\r\n", "\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.DictWriter(opened, heads, delimiter=sign, lineterminator=end, quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    mark = draw(st.sampled_from(["", "\ufeff"]))
    is_plain = any(heads) and sign != "\t"  # of two readings that a table with tabs may have, one is an error
    return Written("table.csv", (mark + opened.getvalue()).encode("utf-8", "replace"), len(rows) if is_plain else None)


def _tsv(draw: st.DrawFn, heads: Sequence[str], rows: Rows) -> Written:
    written = _csv(draw, heads, rows, "\t")
    return Written("table.tsv", written.data, None)


def _json(draw: st.DrawFn, heads: Sequence[str], rows: Rows) -> Written:
    """A list, an object by key, columns, or a list inside an object."""
    forms: list[tuple[Any, bool]] = [
        (rows, True),
        ({str(n): row for n, row in enumerate(rows)}, bool(rows) and "query" not in rows[0]),
        ({head: [row[head] for row in rows] for head in heads}, False),
        ({"version": 1, "data": rows}, bool(rows)),
    ]
    whole, is_plain = draw(st.sampled_from(forms))
    return Written("table.json", json.dumps(whole).encode(), len(rows) if is_plain else None)


def _jsonl(draw: st.DrawFn, heads: Sequence[str], rows: Rows) -> Written:
    lines = [json.dumps(row, ensure_ascii=draw(st.booleans())) for row in rows]
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    name = draw(st.sampled_from(["table.jsonl", "table.ndjson"]))
    return Written(name, "".join(line + end for line in lines).encode("utf-8", "replace"), len(rows))


def _parquet(draw: st.DrawFn, heads: Sequence[str], rows: Rows) -> Written:
    columns = [_column(draw, [row[head] for row in rows]) for head in heads]
    opened = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(columns, list(heads)), opened, row_group_size=draw(st.integers(1, 4)))
    return Written("table.parquet", opened.getvalue(), len(rows))


def _column(draw: st.DrawFn, cells: list[Any]) -> pa.Array:
    """Of the type that fits, else texts; some as categories or bytes."""
    try:
        column = pa.array(cells)
        parquet.write_table(pa.table({"tried": column}), io.BytesIO())  # objects without a field cannot be written
    except (pa.ArrowException, OverflowError, UnicodeError, ValueError):
        column = pa.array([None if cell is None else str(cell).encode("utf-8", "replace").decode() for cell in cells])
    if pa.types.is_string(column.type):
        column = draw(st.sampled_from([column, column.dictionary_encode(), column.cast(pa.binary())]))
    return column


def _plain(written: Written) -> Written:
    return written


def _gzip(written: Written) -> Written:
    return Written(f"{written.name}.gz", gzip.compress(written.data), written.rows)


def _zip(written: Written) -> Written:
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"folder/{written.name}", written.data)
    return Written("table.zip", opened.getvalue(), written.rows)
