"""The paper's result tables (`data/published/`), read as printed: exact decimals, every row and column checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from safebench import taxonomy
from safebench.datasets.delimited import BadRecord, records
from safebench.datasets.table_files import UNREADABLE, OtherEncoding, table_file
from safebench.errors import BadInput, check_known
from safebench.resources import data_path, load_toml

FOLDER = "published"
METRIC, AVERAGE = "metric", "AVG"  # column heads


class Metric(StrEnum):
    """ASR in percent, SRI as 20 × mean rating (1-5); a figure lies between `low` and 100."""

    ASR = "ASR"
    SRI = "SRI"

    @property
    def low(self) -> int:
        return 0 if self is Metric.ASR else 20

    @property
    def unit(self) -> int:
        """What one harmful answer, or one point of one rating, adds to a cell of n answers, times n."""
        return 100 if self is Metric.ASR else 20


class Averaging(StrEnum):
    """What a printed average can be the unweighted mean of."""

    CATEGORIES = "categories"
    SCENARIOS = "scenarios"


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """One category or one scenario; `scenarios` is how many of them are in it, `answers` how many answers."""

    id: str
    head: str
    category: str
    scenarios: int
    answers: int


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """Figures as printed: `Decimal` keeps how many digits that were."""

    line: int
    labels: tuple[str, ...]
    metric: Metric
    cells: tuple[Decimal, ...]
    average: Decimal


@dataclass(frozen=True, slots=True)
class Published:
    """A published table. `averaging` is what its averages are said to be the mean of."""

    name: str
    title: str
    source: str
    labels: tuple[str, ...]  # heads of the columns that name a row
    columns: tuple[PublishedColumn, ...]
    averaging: Averaging
    rows: tuple[PublishedRow, ...]

    @property
    def cells(self) -> int:
        return len(self.rows) * len(self.columns)


def names() -> tuple[str, ...]:
    return tuple(load_toml(f"{FOLDER}/tables.toml"))


def load(name: str) -> Published:
    """The shipped table of that name. Raises BadInput for an unknown one."""
    check_known("published table", name, names())
    return read(name, load_toml(f"{FOLDER}/tables.toml")[name], data_path(f"{FOLDER}/{name}.csv"))


def read(name: str, about: Mapping[str, Any], path: Path) -> Published:
    """The table in a CSV file; `about` is its entry in `tables.toml`.

    Raises BadInput with every problem, naming file, line and column.
    """
    columns = tuple(_column(id, about["per_scenario"]) for id in about["columns"])
    labels = tuple(about["labels"])
    heads = [*labels, METRIC, *(column.head for column in columns), AVERAGE]
    problems: list[str] = []
    rows = tuple(_rows(path, heads, len(labels), problems))
    if problems:
        raise BadInput(*problems)
    return Published(name, about["title"], about["source"], labels, columns, Averaging(about["average"]), rows)


def _column(id: str, per_scenario: int) -> PublishedColumn:
    for category in taxonomy.categories():
        if category.id == id:
            n = len(category.scenarios)
            return PublishedColumn(id, category.abbreviation, id, n, n * per_scenario)
    scenario = taxonomy.scenario(id)
    return PublishedColumn(id, scenario.abbreviation, scenario.category, 1, per_scenario)


def _rows(path: Path, heads: Sequence[str], labels: int, problems: list[str]) -> Iterator[PublishedRow]:
    """Every good row; what is wrong with the others goes to `problems`."""
    lines = _lines(path)
    if lines[0][1] != list(heads):
        problems.append(f"{path}, line 1: the columns are {', '.join(lines[0][1])}; expected {', '.join(heads)}")
        return
    if len(lines) == 1:
        problems.append(f"{path}: no rows below the heads")
    first: dict[tuple[str, ...], int] = {}
    for line, fields in lines[1:]:
        where = f"{path}, line {line}"
        wrong = list(_wrong(fields, heads, labels))
        key = tuple(fields[: labels + 1])
        if first.setdefault(key, line) != line:
            wrong.append(f"{' · '.join(key)} stands in line {first[key]} already")
        problems += [f"{where}, {problem}" for problem in wrong]
        if not wrong:
            figures = [Decimal(field) for field in fields[labels + 1 :]]
            yield PublishedRow(line, key[:-1], Metric(key[-1]), tuple(figures[:-1]), figures[-1])


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        lines = [(line, fields) for line, fields in records(table_file(path, (".csv",)).text, len, ",") if fields]
    except (*UNREADABLE, OtherEncoding, BadRecord) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if not lines:
        raise BadInput(f"{path} is empty")
    return lines


def _wrong(fields: Sequence[str], heads: Sequence[str], labels: int) -> Iterator[str]:
    if len(fields) != len(heads):
        yield f"{len(fields)} fields; the head has {len(heads)}"
        return
    for head, field in zip(heads[:labels], fields, strict=False):
        if not field.strip():
            yield f"column {head}: empty"
    if fields[labels] not in list(Metric):
        yield f"column {METRIC}: {fields[labels]!r} is neither {' nor '.join(Metric)}"
        return
    low = Metric(fields[labels]).low
    for head, field in zip(heads[labels + 1 :], fields[labels + 1 :], strict=True):
        if not re.fullmatch(r"\d+(\.\d+)?", field, re.ASCII):
            yield f"column {head}: {field!r} is no plain decimal number"
        elif not low <= Decimal(field) <= 100:
            yield f"column {head}: {field} is not between {low} and 100"
