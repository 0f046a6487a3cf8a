"""Tables as people save them: one rule for the columns of every kind of file."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from safebench.datasets.columns import named
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
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


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_rows_of_empty_texts_are_blank_in_all_formats_and_one_with_an_id_is_not(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"data.{kind}"
    heads, full, empty = ("id", "query", "note"), ("a", "How?", "x"), ("", " ", "")
    write(file, heads, [full, empty])
    assert load_dataset(str(file)).notes[0] == f"{file}: 1 blank rows were left out"
    for filled in (("b", " ", ""), ("", " ", "y")):
        write(file, heads, [full, filled])
        with pytest.raises(BadInput, match="column 'query' is "):
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


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id;query;intent\r\na;Wie öffnet man „das“?;benign\r\n", "cp1252"),
        ("id;query;intent\r\na;Wie öffnet man „das“?;benign\r\n", "utf-16"),
        ("id\tquery\tintent\r\na\tWie öffnet man „das“?\tbenign\r\n", "utf-16-le"),
    ],
)
def test_an_encoding_that_is_named_is_read_and_another_one_is_told(tmp_path: Path, text: str, encoding: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(text.encode(encoding))
    assert load_dataset(str(file), encoding=encoding).queries[0].text == "Wie öffnet man „das“?"
    with pytest.raises(BadInput, match=r"it is not UTF-8: save it as UTF-8.*such as --encoding (utf-16|cp1252)$"):
        load_dataset(str(file))


def test_an_encoding_that_would_make_nonsense_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    for data, encoding, told in (
        ("query\nÖl?\n".encode(), "cp1252", "it is UTF-8, which cp1252 would turn into nonsense"),
        ("query\nÖl?\n".encode("utf-16"), "latin-1", "such as --encoding utf-16"),
        (b"query\nHow?\n", "hex", "unknown encoding 'hex'"),
        (b"query\nHow?\n", "klingon", "unknown encoding 'klingon'"),
        (b"query\n\x81?\n", "cp1252", "it is not cp1252"),
    ):
        file.write_bytes(data)
        with pytest.raises(BadInput, match=told):
            load_dataset(str(file), encoding=encoding)
    for name in ("starter", write(tmp_path / "data.parquet")):
        with pytest.raises(BadInput, match="leave out --encoding"):
            load_dataset(name, encoding="cp1252")
    file.write_bytes("\ufeffquery\nÖl?\n".encode())
    assert load_dataset(str(file), encoding="UTF-8").queries[0].text == "Öl?"


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('query\tid\n"Open it\ta\nclose it"\tb\nWhy?\tc\n', ['"Open it', 'close it"', "Why?"]),
        ('id\tquery\na\t"Lorem ipsum" dolor, how?\nb\t"Say ""no"""\n', ['"Lorem ipsum" dolor, how?', 'Say "no"']),
        ('id\tquery\na\t"one\nline"\nb\tTwo?\n', ["one\nline", "Two?"]),  # as a spreadsheet writes it
    ],
)
def test_quotation_marks_in_tsv_divide_no_rows(tmp_path: Path, text: str, texts: list[str]) -> None:
    file = tmp_path / "data.tsv"
    file.write_text(text, encoding="utf-8")
    assert [q.text for q in load_dataset(str(file)).queries] == texts


def test_rows_of_a_tsv_that_a_quotation_mark_would_merge_are_told(tmp_path: Path) -> None:
    file = tmp_path / "data.tsv"
    file.write_text('id\tquery\nx\na\t"Open it\nb\tclose it"\n', encoding="utf-8")
    with pytest.raises(BadInput, match="line 3 and after it: cannot be read: a cell that begins with a quotation mark"):
        load_dataset(str(file))


@pytest.mark.parametrize(
    ("text", "line"), [('id,query\na,"He said \\"hi\\" to me"\n', 2), ('id,query\na,How?\nb,"a" b\n', 3)]
)
def test_quotation_marks_that_are_wrong_are_told_with_their_line(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=f"line {line} and after it: cannot be read: a quotation mark inside"):
        load_dataset(str(file))


@pytest.mark.parametrize(
    "text",
    ["text;a,b,c\nHow?;1\n", "\u200btext\xa0,kind\nHow?,tea\n", ",,\n\ntext,kind\nHow?,tea\n", '"text";kind\nHow?;x\n'],
)
def test_a_column_text_that_is_there_is_found(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text, encoding="utf-8")
    assert [q.text for q in load_dataset(str(file)).queries] == ["How?"]


def test_a_text_column_that_begins_in_a_later_row_is_not_said_to_lack(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text('{"id": 1}\n{"id": 2, "text": "How?"}\n', encoding="utf-8")
    with pytest.raises(BadInput) as found:
        load_dataset(str(file))
    assert found.value.problems == (f"{file}, line 1: it has no text column",)


@pytest.mark.parametrize(
    "text",
    [
        '{"query": {"0": "How?", "1": "Why?"}, "kind": {"0": "a", "1": "b"}}',  # as pandas writes it
        '{"query": ["How?", "Why?"], "kind": ["a", "b"]}',
        '{"version": 1, "data": [{"query": "How?"}, {"query": "Why?"}]}',
        '{"a": {"query": "How?"}, "b": {"query": "Why?"}}',
        '\n{"query": "How?"}\r\n{}\r\n{"query": "Why?"}\r\n',
    ],
)
def test_shapes_of_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(text, encoding="utf-8")
    assert [q.text for q in load_dataset(str(file)).queries] == ["How?", "Why?"]


def test_one_row_of_json_and_a_list_among_json_lines(tmp_path: Path) -> None:
    one, several = tmp_path / "one.json", tmp_path / "data.jsonl"
    one.write_text('{"query": "How?"}', encoding="utf-8")
    several.write_text('\n[{"query": "How?"},\n {"query": null}, {"query": null, "id": null}]', encoding="utf-8")
    assert [q.text for q in load_dataset(str(one)).queries] == ["How?"]
    assert load_dataset(str(several)).notes[0] == f"{several}: 2 blank rows were left out"


@pytest.mark.parametrize(
    ("values", "id"),
    [
        (pa.array([2**62], pa.timestamp("us")), None),  # beyond the years of Python
        (pa.array([4611686018427387905], pa.timestamp("ns")), "2116-02-20 23:53:38.427387905"),
        (pa.array([1], pa.date32()), "1970-01-02"),
        (pa.array([Decimal("1.50")]), "1.50"),
        (pa.array([b"caf\xc3\xa9"]), "café"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([2.0]), "2"),
    ],
)
def test_ids_of_a_parquet_file_are_text_whatever_their_type(tmp_path: Path, values: pa.Array, id: str | None) -> None:
    file = tmp_path / "data.parquet"
    parquet.write_table(pa.table({"id": values, "text": pa.array(["How?"]).cast(pa.binary())}), file)
    (query,) = load_dataset(str(file)).queries
    assert (query.text, query.id) == ("How?", id or query.id)
    assert query.id != "row-1"


def test_whole_numbers_that_gaps_made_fractions_name_twins(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    columns = {"id": [1, 2, 3], "query": ["A?", "B?", "C?"], "intent": ["harmful", "benign", "harmful"]}
    parquet.write_table(pa.table(columns | {"twin": [2.0, 1.0, float("nan")]}), file)
    assert [q.twin for q in load_dataset(str(file)).queries] == ["2", "1", None]


def test_a_blank_row_of_a_parquet_file_is_one_though_not_all_columns_are_read(tmp_path: Path) -> None:
    rows = [{"query": "How?", "note": "x", "n": 1.0}, {"query": None, "note": None, "n": float("nan")}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "data.parquet")
    dataset = load_dataset(str(tmp_path / "data.parquet"))
    assert len(dataset.queries) == 1
    assert "1 blank rows were left out" in dataset.notes[0]
    parquet.write_table(pa.Table.from_pylist([*rows, {"note": "y"}]), tmp_path / "data.parquet")
    with pytest.raises(BadInput, match="line 3: column 'query' is empty"):
        load_dataset(str(tmp_path / "data.parquet"))


BOMB = 72 << 20  # bytes


@pytest.mark.parametrize(
    ("name", "piece", "told"),
    [
        ("data.csv.gz", b"query\n" + b"a" * BOMB, "a line of it is too long"),
        ("data.csv.gz", b'query\n"' + (b"a" * 1023 + b"\n") * (BOMB // 1024), "field larger than field limit"),
        ("data.jsonl.gz", b'{"query": "' + b"a" * BOMB + b'"}', "a line of it is too long"),
        ("data.json.gz", b"[" + b"0," * (BOMB // 2) + b"0]", "it unpacks to more than 64 MB"),
        ("data.parquet.gz", b"\0" * BOMB, "it unpacks to more than 64 MB"),
    ],
)
def test_a_few_kB_that_are_gigabytes_of_nothing_are_told(tmp_path: Path, name: str, piece: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(piece, 1))
    with pytest.raises(BadInput, match=told):
        load_dataset(str(tmp_path / name))


def test_a_table_in_an_archive_is_read(tmp_path: Path) -> None:
    table = write(tmp_path / "data.csv")
    for name, text in (("data.jsonl.gz", '{"query": "How?"}\n'), ("data.tsv.gz", "query\tid\nHow?\ta\n")):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        assert load_dataset(str(tmp_path / name)).queries[0].text == "How?"
    packed = tmp_path / "data.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(table, "set/data.csv")
        file.writestr("__MACOSX/set/._data.csv", b"\0\1")
        file.writestr("README.txt", "hello")
    assert read(load_dataset(str(packed))) == read(load_dataset(table))
    with zipfile.ZipFile(packed, "a") as file:
        file.write(write(tmp_path / "more.parquet"), "more.parquet")
    with pytest.raises(BadInput, match=r"holds 2 tables \(more.parquet, set/data.csv\): unpack it, and name one"):
        load_dataset(str(packed))
    with zipfile.ZipFile(packed, "w") as file:
        file.write(tmp_path / "more.parquet", "more.parquet")
    assert read(load_dataset(str(packed))) == read(load_dataset(table))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("data.zip", b"PK\3\4 no zip", "cannot be read"),
        ("data.csv.gz", b"\x1f\x8b no gzip", "cannot be read"),
        ("data.xlsx", b"PK\3\4", "is a workbook: save its sheet as CSV UTF-8"),
        ("data.csv", b"PK\3\4\xff\xfe\xfd", "it is a workbook or an archive, whatever its name says"),
        ("data.parquet", b"PAR1", "cannot be read"),
        ("data.sql", b"", "unknown kind of file"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=told) as found:
        load_dataset(str(tmp_path / name))
    assert len(found.value.problems) == 1
    assert "\n" not in found.value.problems[0]
