"""Tables as people save them: one rule for the columns of every kind of file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.tables import named
from safebench.errors import BadInput

HEADS = ("ID", " Query", "INTENT ", "Twin", "Scenario")
ROWS = (("q1", "How do I bake bread?", "benign", "q2", "hate_speech"), ("q2", "How tall?", "harmful", "", ""))


def write(path: Path, heads: Sequence[str] = HEADS, rows: Sequence[Sequence[Any]] = ROWS, between: str = ",") -> str:
    kind = path.suffix
    tables = [dict(zip(heads, row, strict=True)) for row in rows]
    if kind == ".parquet":
        parquet.write_table(pa.Table.from_pylist(tables), path)
    elif kind in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in tables), encoding="utf-8")
    elif kind == ".json":
        path.write_text(json.dumps(tables), encoding="utf-8")
    else:
        lines = [between.join(map(str, row)) for row in (heads, *rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def read(dataset: Dataset) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(q.id, q.text, q.intent.value, q.twin, q.scenario) for q in dataset.queries]


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "ndjson", "parquet"])
def test_columns_are_found_whatever_their_case_and_the_blanks_around_them(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / f"data.{kind}", between="\t" if kind == "tsv" else ",")
    dataset = load_dataset(file)
    assert read(dataset) == [
        ("q1", "How do I bake bread?", "benign", "q2", "hate_speech"),
        ("q2", "How tall?", "harmful", "q1", None),
    ]
    assert dataset.notes == ()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_text_column_is_named_in_any_case_and_a_column_text_is_one(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / f"data.{kind}", ("Id", "Text", "Wording"), [("a", "How?", "What?")])
    assert load_dataset(file).queries[0].text == "How?"
    assert load_dataset(file, "wording").queries[0].text == "What?"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_two_columns_that_are_the_same_are_bad_input_and_an_exact_name_goes_first(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path / f"data.{kind}", ("ID", "Id", "query"), [("a", "b", "How?")])
    with pytest.raises(BadInput, match="columns 'ID' and 'Id' are both 'id'"):
        load_dataset(file)
    file = write(tmp_path / f"exact.{kind}", ("ID", "id", "query", "intent"), [("a", "b", "How?", "benign")])
    dataset = load_dataset(file)
    assert dataset.queries[0].id == "b"
    assert dataset.notes == (f"{file}: column 'ID' looks like 'id' and is not used: rename it to id, if it is meant",)


def test_a_column_that_is_there_twice_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="columns 'query' and 'query' are both 'query'"):
        load_dataset(write(tmp_path / "data.csv", ("query", "query"), [("A?", "B?")]))
    assert named(["x", "x", "query"], ["query"]) == {"query": "query"}  # of others nothing is read


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("head", "ours"),
    [("Label", "intent"), ("Intnet", "intent"), ("category", "scenario"), ("Index", "id"), ("pair_id", "twin")],
)
def test_a_column_that_looks_like_ours_and_is_not_used_is_said(tmp_path: Path, kind: str, head: str, ours: str) -> None:
    file = write(tmp_path / f"data.{kind}", ("query", head), [("How?", "benign")])
    notes = load_dataset(file).notes
    assert notes[0] == f"{file}: 1 queries without intent were taken as harmful"
    assert f"column {head!r} looks like {ours!r} and is not used" in notes[1]


def test_another_column_that_may_hold_the_text_is_said(tmp_path: Path) -> None:
    file = write(tmp_path / "data.csv", ("prompt", "Goal", "intent"), [("How?", "What?", "benign")])
    (note,) = load_dataset(file).notes
    assert "column 'Goal' looks like 'query' and is not used: --text-column Goal takes it" in note


@pytest.mark.parametrize(
    "text",
    [
        ",query,kind\n0,How?,tea\n1,What?,oak\n",  # with the index of a data frame
        "query,kind,\nHow?,tea,\nWhat?,oak,\n",
        "query,kind\nHow?,tea,\nWhat?,oak,,\n",
        "query;kind\nHow?;tea\nWhat?;oak\n",
        "query\tkind\nHow?\ttea\nWhat?\toak\n",
        "sep=;\nquery;kind\nHow?;tea\nWhat?;oak\n",
        "\ufeffQuery,kind\r\nHow?,tea\r\n,\r\n\r\nWhat?,oak\r\n , \r\n",
    ],
)
def test_sheets_as_programs_save_them(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text, encoding="utf-8")
    assert [(q.id, q.text) for q in load_dataset(str(file)).queries] == [("row-1", "How?"), ("row-2", "What?")]


def test_blank_rows_are_counted_and_lines_stay_right(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("id,query,intent\na,How?,benign\n,,\n , ,\n", encoding="utf-8")
    assert load_dataset(str(file)).notes == (f"{file}: 2 blank rows were left out",)
    file.write_text("sep=,\nid,query\n,\na,\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 4: column 'query' is empty"):
        load_dataset(str(file))


def test_json_lines_in_a_json_file_are_read(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"query": "How?"}\n{"query": "What?"}\n', encoding="utf-8")
    assert [q.text for q in load_dataset(str(file)).queries] == ["How?", "What?"]
    file.write_text('{"query": "How?"', encoding="utf-8")
    with pytest.raises(BadInput, match="no JSON"):
        load_dataset(str(file))


@pytest.mark.parametrize("data", ["query\nHow?\n".encode("utf-16"), "query\ncafé?\n".encode("cp1252")])
def test_another_encoding_is_told_in_one_line(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(data)
    with pytest.raises(BadInput, match="it is not UTF-8: save it as UTF-8"):
        load_dataset(str(file))
