"""Sheets for people: no formula ever reaches a spreadsheet, and every text comes back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.errors import BadInput
from safebench.reports.formats import neutralise
from safebench.review.sheets import read_sheet, restore, write_sheet

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "'=1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", FORMULAS)
def test_what_could_be_a_formula_gets_an_apostrophe_and_loses_it_again(text: str) -> None:
    assert neutralise(text) == "'" + text
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize("text", ["", "plain", "a=b", "3 - 2", "http://x", "it's"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert neutralise(text)[:1] not in set("=+-@\t\r\n")


def test_a_written_sheet_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    rows = [{"a": text, "b": 'one "two"; three,\nfour'} for text in FORMULAS if "\r" not in text]
    write_sheet(path, ("a", "b"), rows)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [cells for _, cells in read_sheet(path, ("a", "b"))] == rows
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert all(row["a"].startswith("'") for row in csv.DictReader(file))


def test_nul_becomes_a_replacement_character(tmp_path: Path) -> None:
    write_sheet(tmp_path / "s.csv", ("a",), [{"a": "x\0y"}])
    assert [cells for _, cells in read_sheet(tmp_path / "s.csv", ("a",))] == [{"a": "x\ufffdy"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_semicolons_and_tabs_are_taken_too_and_other_columns_left_out(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(delimiter.join("abc") + "\n" + delimiter.join("123") + "\n4\n", encoding="utf-8")
    assert [cells for _, cells in read_sheet(path, ("c", "a"))] == [{"c": "3", "a": "1"}, {"c": "", "a": "4"}]


def test_a_sheet_in_another_encoding_is_read_when_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes("a\tb\r\nÖl\t1\r\n".encode("utf-16"))
    assert [cells for _, cells in read_sheet(path, ("a",), "utf-16")] == [{"a": "Öl"}]


def test_rows_are_placed_in_the_file_and_in_the_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text('a,b\n1,"two\nlines"\n2,x\n', encoding="utf-8")
    assert [where for where, _ in read_sheet(path, ("a",))] == ["line 2 (row 2)", "line 4 (row 3)"]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "no column a, b"),
        (b"a,c\n1,2\n", "line 1: no column b; it has a, c"),
        (b'a,b\n1,"2\n', r"line 2 and after it \(row 2\)"),
        (b"a,b\n\xe9,1\n", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_such_sheet_is_bad_input(tmp_path: Path, data: bytes, named: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=named):
        list(read_sheet(path, ("a", "b")))


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        list(read_sheet(tmp_path / "nowhere.csv", ("a",)))
