"""The folder layout of the paper's release as a data set: queries in numbered CSV files, media in numbered folders.

Where what lies is said in data/paper-layout.toml. The media are not trusted: they come as recipes whose steps read
the files, so that every one of them meets its gate like anything else that is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safebench import taxonomy
from safebench.datasets.columns import Names, named
from safebench.datasets.delimited import BadRecord, OpenText, records
from safebench.datasets.queries import (
    COLUMNS,
    TEXT_COLUMNS,
    Dataset,
    Parsed,
    parse_rows,
    taken_for_granted,
    unused_columns,
)
from safebench.datasets.table_files import UNREADABLE, OtherEncoding, table_file
from safebench.datasets.tables import BLANK, PROBLEM, Row, record
from safebench.errors import BadInput
from safebench.resources import load_toml

LAYOUT = "paper-layout.toml"
SEPARATOR = "-"  # in ids: 3-17 is row 17 of scenario 3
HEADER = f"with one of {', '.join(TEXT_COLUMNS)}"


def has_paper_layout(folder: Path) -> bool:
    return bool(_query_files(folder))


def read_paper_layout(folder: Path, encoding: str | None = None) -> Dataset:
    """All queries in order, with the recipes for the media that are there.

    Scenarios are known where all of them are there; otherwise nobody can tell what the numbers mean, and the queries
    belong to none but what a file says. Raises BadInput for a file that cannot be read or leads out of the folder, and
    for bad rows.
    """
    files = _query_files(folder)
    scenarios = list(taxonomy.scenarios())
    known = scenarios if len(files) == len(scenarios) else [None] * len(scenarios)
    every: list[Parsed] = []
    notes: list[str] = []
    for number, file in files.items():
        names = Names({*TEXT_COLUMNS, *COLUMNS}, [], str(file))
        every.append(parse_rows(_rows(_inside(file, folder), names, number, known[number - 1], encoding), str(file)))
        notes += _unused(names, every[-1].column, known[number - 1])
    queries = tuple(query for one in every for query in one.queries)
    return Dataset(
        str(folder), queries, recipes=_recipes(folder), notes=(*taken_for_granted(str(folder), *every), *notes)
    )


def _unused(names: Names, text_column: str, scenario: str | None) -> Iterator[str]:
    """A line for each column of a file that is not used, or looks like one that would be."""
    yield from unused_columns(names.heads, names.where, text_column)
    for head, ours in named(names.heads, names.wanted).items():
        if ours == "id" or (ours == "scenario" and scenario):
            yield f"{names.where}: column {head!r} is not used: it is known by the file's name and the row"


def _query_files(folder: Path) -> dict[int, Path]:
    """Files of queries by the number of their scenario."""
    for place in load_toml(LAYOUT)["queries"]:
        numbered = {n: folder / place / f"{n}.csv" for n in range(1, len(taxonomy.scenarios()) + 1)}
        files = {number: file for number, file in numbered.items() if file.is_file()}
        if files:
            return files
    return {}


def _inside(file: Path, folder: Path) -> Path:
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{file} leads out of the folder")
    return file


def _rows(file: Path, names: Names, number: int, scenario: str | None, encoding: str | None) -> Iterator[Row]:
    """Rows by the number that their media have; an empty line has a number as well."""
    try:
        header, rows = _parted(table_file(file, (".csv",), encoding).text, names)
    except (*UNREADABLE, OtherEncoding, BadRecord) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    place = {"scenario": scenario} if scenario else {}
    for row, cells in enumerate(rows, start=1):
        held = record(header or ["query"], cells, names)
        if len(cells) > 1 and not header:
            held = {PROBLEM: f"{len(cells)} columns and no header: expected one column, or a header {HEADER}"}
        if cells:
            yield row, held if held is BLANK else {**held, **place, "id": f"{number}{SEPARATOR}{row}"}


def _parted(open_text: OpenText, names: Names) -> tuple[list[str], list[list[str]]]:
    """The header, where the first record is one, and the records below it; without one there is one column."""
    first = next((cells for _, cells in records(open_text, names.count) if cells), [])
    if not names.count(first):
        return [], [cells for _, cells in records(open_text, names.count, ",")]
    every = [cells for _, cells in records(open_text, names.count)]
    return first, every[every.index(first) + 1 :]


def _recipes(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Tables of recipes by medium and name."""
    tables: dict[str, dict[str, Any]] = {}
    for medium, of_medium in load_toml(LAYOUT)["recipes"].items():
        for name, table in of_medium.items():
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
