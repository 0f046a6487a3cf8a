"""CSV for people, who open it in a spreadsheet: what a model said must not become a formula there.

A cell that a spreadsheet could take for a formula gets an apostrophe in front, and so does one that begins with an
apostrophe, so that taking one away again restores every text. Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from safebench.datasets.tables import named
from safebench.errors import BadInput

MARK = "'"
RISKY = frozenset("=+-@\t\r\n＝＋－＠" + MARK)  # some programs take the full-width signs, too


def neutralise(text: str) -> str:
    return MARK + text if text[:1] in RISKY or text.lstrip()[:1] in RISKY else text


def restore(text: str) -> str:
    return text.removeprefix(MARK)


def write_sheet(path: Path, heads: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """UTF-8 with the mark by which spreadsheets know it; NUL, at which some of them stop reading, becomes U+FFFD."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, heads, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for row in rows:
            writer.writerow({head: neutralise(row[head].replace("\0", "\ufffd")) for head in heads})


def read_sheet(path: Path, heads: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands ("line 9 (row 3)": in the file, and in a spreadsheet), and its restored cells.

    Commas, semicolons and tabs are taken, whichever the spreadsheet saved with; other columns are left out, and cells
    missing at the end of a row are empty. Raises BadInput for a file that is no such sheet.
    """
    csv.field_size_limit(sys.maxsize)
    text = _read(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
    names = _columns(path, reader.fieldnames or [], heads)
    start, number = reader.line_num + 1, 1
    try:
        for number, row in enumerate(reader, start=2):
            yield f"line {start} (row {number})", {head: restore(row[names[head]]) for head in heads}
            start = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{path}, line {start} (row {number + 1}): {error}") from error


def _columns(path: Path, header: Sequence[str], heads: Sequence[str]) -> dict[str, str]:
    """What the sheet calls each column, whatever its case. Raises BadInput for one that is missing or there twice."""
    try:
        names = {ours: theirs for theirs, ours in named(header, heads).items()}
    except ValueError as error:
        raise BadInput(f"{path}, line 1: {error}") from error
    missing = [head for head in heads if head not in names]
    if missing:
        raise BadInput(f"{path}, line 1: no column {', '.join(missing)}; it has {', '.join(header)}")
    return names


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8: save the sheet as CSV in UTF-8") from error
