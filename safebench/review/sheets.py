"""CSV for people, who open it in a spreadsheet: what a model said must not become a formula there.

A cell that a spreadsheet could take for a formula gets an apostrophe in front, and so does one that begins with an
apostrophe, so that taking one away again restores every text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from safebench.datasets.columns import named
from safebench.datasets.tables import PROBLEM, file_rows
from safebench.errors import BadInput
from safebench.reports.formats import MARK, neutralise


def restore(text: str) -> str:
    return text.removeprefix(MARK)


def write_sheet(path: Path, heads: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """UTF-8 with the mark by which spreadsheets know it; NUL, at which some of them stop reading, becomes U+FFFD."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, heads, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for row in rows:
            writer.writerow({head: neutralise(row[head].replace("\0", "\ufffd")) for head in heads})


def read_sheet(path: Path, heads: Sequence[str], encoding: str | None = None) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands ("line 9 (row 3)": in the file, and in a spreadsheet), and its restored cells.

    Commas, semicolons and tabs are taken, whichever the spreadsheet saved with; other columns are left out, and cells
    missing at the end of a row are empty. Raises BadInput for a file that is no such sheet.
    """
    met: list[str] = []
    rows = list(file_rows(path, heads, met, encoding, what="sheet"))
    _check_columns(path, met, heads)
    for number, (line, row) in enumerate(rows, start=2):
        where = f"line {line} (row {number})"
        if PROBLEM in row:
            raise BadInput(f"{path}, {where}: {row[PROBLEM]}")
        yield where, {head: restore(str(row.get(head) or "")) for head in heads}


def _check_columns(path: Path, header: Sequence[str], heads: Sequence[str]) -> None:
    """Raises BadInput for one that is missing."""
    ours = named(header, heads).values()
    missing = [head for head in heads if head not in ours]
    if missing:
        raise BadInput(f"{path}, line 1: no column {', '.join(missing)}; it has {', '.join(header)}")
