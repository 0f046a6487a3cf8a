"""Tables of queries, labels and sheets, as nobody would write them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from safebench.datasets.load import load_dataset
from safebench.datasets.queries import COLUMNS, TEXT_COLUMNS
from safebench.datasets.tables import BLANK, PROBLEM, Row, file_rows
from safebench.errors import BadInput
from safebench.reports import published
from tests.fuzz.holding import case, command, fuzz
from tests.fuzz.odd import damaged, values
from tests.fuzz.tables import Written, tables

WANTED = {*TEXT_COLUMNS, *COLUMNS}


@fuzz(95)
@given(tables())
def test_no_row_of_a_table_is_dropped(table: Written) -> None:
    with case() as folder:
        path = folder / table.name
        path.write_bytes(table.data)
        said = command("data", "check", path)
        try:
            rows = list(file_rows(path, WANTED))
        except BadInput:
            assert said.status == 2
            return
        is_whole = not (rows and PROBLEM in rows[-1][1] and "after it" in str(rows[-1][0]))
        if table.rows is not None and is_whole:
            assert len(rows) == table.rows
        _check_counted(path, rows, said.status)


def _check_counted(path: Any, rows: list[Row], status: int) -> None:
    """Each row is a query, or one of the blank ones that are told, or the whole is bad input."""
    try:
        dataset = load_dataset(str(path))
    except BadInput:
        assert status == 2
        return
    assert status == 0
    blank = sum(row is BLANK for _, row in rows)
    assert len(dataset.queries) + blank == len(rows)
    assert any(f"{blank} blank rows" in note for note in dataset.notes) == bool(blank)


PUBLISHED = b"model,metric,CO,ET,AVG\nm,ASR,1.0,2.5,1.75\nm,SRI,100,99.25,99.60\n"
ABOUT = {
    **{"title": "t", "source": "s", "labels": ["model"], "columns": ["consultation", "ethics"]},
    **{"average": "categories", "per_scenario": 100},
}


@fuzz(10)
@given(damaged(PUBLISHED))
@example(PUBLISHED)
def test_a_published_table_is_read_or_refused(data: bytes) -> None:
    with case() as folder:
        (folder / "p.csv").write_bytes(data)
        try:
            table = published.read("p", ABOUT, folder / "p.csv")
        except BadInput:
            return
        assert all(metric.low <= cell <= 100 for row in table.rows for metric in [row.metric] for cell in row.cells)


ENCODINGS = (None, None, None, "utf-8", "cp1252", "utf-16", "gb18030", "latin-1", "hex", "idna", "utf-7", "nonsense")


@fuzz(80)
@given(st.data(), tables(), st.sampled_from(ENCODINGS))
def test_a_damaged_table_is_one_clear_line(data: st.DataObject, table: Written, encoding: str | None) -> None:
    with case() as folder:
        path = folder / table.name
        path.write_bytes(data.draw(damaged(table.data)))
        command("data", "check", path, *(["--encoding", encoding] if encoding else []))


@fuzz(30)
@given(values, st.sampled_from([".json", ".jsonl", ".json.gz", ".csv", ".parquet", ".zip", ".xlsx", ".txt", ""]))
@example([], ".json")
@example({}, ".json")
@example([[[[]]]], ".jsonl")
def test_any_json_is_read_or_refused(value: Any, ending: str) -> None:
    with case() as folder:
        path = folder / f"data{ending}"
        path.write_text(json.dumps(value), encoding="utf-8")
        command("data", "check", path)
