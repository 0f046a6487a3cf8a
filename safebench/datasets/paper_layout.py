"""The folder layout of the paper's release as a data set: queries in numbered CSV files, media in numbered folders.

Where what lies is said in data/paper-layout.toml. The media are not trusted: they come as recipes whose steps read
the files, so that every one of them meets its gate like anything else that is rendered.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safebench import taxonomy
from safebench.datasets.queries import TEXT_COLUMNS, Dataset, parse_rows
from safebench.datasets.table_files import UNREADABLE, OtherEncoding, table_file
from safebench.datasets.tables import PROBLEM, Row
from safebench.errors import BadInput
from safebench.resources import load_toml

LAYOUT = "paper-layout.toml"
SEPARATOR = "-"  # in ids: 3-17 is row 17 of scenario 3


def has_paper_layout(folder: Path) -> bool:
    return bool(_query_files(folder))


def read_paper_layout(folder: Path, encoding: str | None = None) -> Dataset:
    """All queries in order, with the recipes for the media that are there.

    Scenarios are known where all of them are there; otherwise nobody can tell what the numbers mean, and the queries
    belong to none. Raises BadInput for a file that cannot be read or leads out of the folder, and for bad rows.
    """
    files = _query_files(folder)
    scenarios = list(taxonomy.scenarios())
    known = len(files) == len(scenarios)
    parsed = [
        parse_rows(_rows(file, folder, number, scenarios[number - 1] if known else None, encoding), str(file))
        for number, file in files.items()
    ]
    queries = tuple(query for one in parsed for query in one.queries)
    note = f"{folder}: {len(queries)} queries without intent were taken as harmful"
    return Dataset(str(folder), queries, recipes=_recipes(folder), notes=(note,))


def _query_files(folder: Path) -> dict[int, Path]:
    """Files of queries by the number of their scenario."""
    for place in load_toml(LAYOUT)["queries"]:
        numbered = {n: folder / place / f"{n}.csv" for n in range(1, len(taxonomy.scenarios()) + 1)}
        files = {number: file for number, file in numbered.items() if file.is_file()}
        if files:
            return files
    return {}


def _rows(file: Path, folder: Path, number: int, scenario: str | None, encoding: str | None) -> Iterator[Row]:
    """Rows by the number that their media have; an empty line has a number as well."""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{file} leads out of the folder")
    try:
        with table_file(file, (".csv",), encoding).text() as lines:
            records = list(csv.reader(lines, strict=True))
    except (*UNREADABLE, OtherEncoding, csv.Error) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    column = _text_column(records)
    for row, record in enumerate(records[column is not None :], start=1):
        if record:
            columns = {"id": f"{number}{SEPARATOR}{row}", "scenario": scenario}
            yield row, columns | _text(record, column)


def _text_column(records: list[list[str]]) -> int | None:
    """The place of the text where the first record is a header, None where there is none."""
    header = [cell.strip().lower() for cell in records[0]] if records else []
    return next((header.index(name) for name in TEXT_COLUMNS if name in header), None)


def _text(record: list[str], column: int | None) -> dict[str, str]:
    if column is not None:
        return {"query": record[column] if column < len(record) else ""}
    if len(record) > 1:
        expected = ", ".join(TEXT_COLUMNS)
        return {
            PROBLEM: f"{len(record)} columns and no header: expected one column, or a header with one of {expected}"
        }
    return {"query": record[0]}


def _recipes(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Tables of recipes by medium and name."""
    tables: dict[str, dict[str, Any]] = {}
    for medium, named in load_toml(LAYOUT)["recipes"].items():
        for name, table in named.items():
            place = _first_with_media(folder, table["folders"])
            if place is not None:
                step = {"use": table["use"], "folder": str(place.resolve()), "separator": SEPARATOR}
                kept = {key: table[key] for key in ("description", "gate") if key in table}
                tables.setdefault(medium, {})[name] = {**kept, "steps": [step]}
    return tables


def _first_with_media(folder: Path, places: list[str]) -> Path | None:
    """The first folder that has numbered folders."""
    numbers = range(1, len(taxonomy.scenarios()) + 1)
    return next((folder / p for p in places if any((folder / p / str(n)).is_dir() for n in numbers)), None)
