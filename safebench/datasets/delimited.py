"""Records of CSV and TSV files as programs save them: which sign divides cells, and what a quotation mark means."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TextIO

from safebench.datasets.table_files import LONGEST_LINE

OpenText = Callable[[], AbstractContextManager[TextIO]]
Count = Callable[[Sequence[str]], int]
Record = tuple[int, list[str]]  # line from 1, and cells
TAB = "\t"
DELIMITERS = f",;{TAB}"
EXPLAINED = {  # what Python says of a file, and what is wrong with it
    "expected after": "a quotation mark inside a cell in quotation marks has to be written twice",
    "unexpected end of data": "a cell that begins with a quotation mark has none at its end",
}


class BadRecord(ValueError):
    """Nothing can be read from this line on."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


def records(
    open_text: OpenText, count: Callable[[Sequence[str]], int], delimiter: str | None = None
) -> Iterator[Record]:
    """All of them, without cells where a line is empty, the header first. `count`: how many names of it are wanted.

    The delimiter is the one that is given, or that a line `sep=` names, as spreadsheets write it, or the one by which
    the header has most columns that are wanted, and then most columns. Raises BadRecord.
    """
    csv.field_size_limit(LONGEST_LINE)
    told = _told(open_text)
    skipped = int(told is not None)
    between = delimiter or told or max(DELIMITERS, key=lambda one: _fit(open_text, skipped, one, count))
    plain = between == TAB and _has_a_row_a_line(open_text, skipped)
    yield from _plain(open_text, skipped) if plain else _quoted(open_text, skipped, between)


def _told(open_text: OpenText) -> str | None:
    """What a first line `sep=;` names."""
    with open_text() as text:
        first = text.readline().strip("\ufeff\r\n").casefold()
    return first[4:5] if first.startswith("sep=") and len(first) == 5 else None


def _fit(open_text: OpenText, skipped: int, between: str, count: Count) -> tuple[int, int]:
    try:
        header = next((cells for _, cells in _quoted(open_text, skipped, between) if cells), [])
    except BadRecord:
        return 0, 0
    return count(header), len(header)


def _quoted(open_text: OpenText, skipped: int, between: str) -> Iterator[Record]:
    """By the rules of CSV. In a TSV a cell over several lines that holds tabs is two rows that lack a mark."""
    with open_text() as text:
        reader = csv.reader(islice(text, skipped, None), delimiter=between, strict=True)
        start = skipped + 1
        try:
            for cells in reader:
                if between == TAB and any("\n" in cell and TAB in cell for cell in cells):
                    raise BadRecord(start, EXPLAINED["unexpected end of data"])
                yield start, cells
                start = reader.line_num + skipped + 1
        except csv.Error as error:
            why = next((why for said, why in EXPLAINED.items() if said in str(error)), str(error))
            raise BadRecord(start, why) from error


def _has_a_row_a_line(open_text: OpenText, skipped: int) -> bool:
    """Whether all lines have as many tabs: then each is a row, and a quotation mark in it divides nothing."""
    with open_text() as text:
        return len({line.count(TAB) for line in islice(text, skipped, None) if line.strip("\r\n")}) == 1


def _plain(open_text: OpenText, skipped: int) -> Iterator[Record]:
    with open_text() as text:
        for number, line in enumerate(islice(text, skipped, None), start=skipped + 1):
            plain = line.rstrip("\r\n")
            yield number, [_unquoted(cell) for cell in plain.split(TAB)] if plain else []


def _unquoted(cell: str) -> str:
    """What a spreadsheet wrote in quotation marks; those of a quotation in the midst of a text stay."""
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell
