"""The stage *load*: a data set by its name: built in, a file, or a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from safebench import taxonomy
from safebench.datasets.paper_layout import imported_recipes
from safebench.datasets.queries import (
    COLUMNS,
    TEXT_COLUMNS,
    BadRows,
    Dataset,
    parse_rows,
    taken_for_granted,
    unused_columns,
)
from safebench.datasets.shards import read_converted
from safebench.datasets.tables import file_rows
from safebench.datasets.unpacking import is_release, open_release
from safebench.errors import BadInput
from safebench.progress import NoProgress
from safebench.resources import data_path
from safebench.stopping import command_line
from safebench.taxonomy import beside
from safebench.types import Query

STARTER = "starter"
SMALL_STARTER = "starter-small"  # one harmful query and its twin of each scenario
TINY_STARTER = "starter-tiny"  # the shortest five of different categories
_BUILT_IN: Mapping[str, Callable[[Dataset], Dataset]] = {
    STARTER: lambda starter: starter,
    SMALL_STARTER: lambda starter: starter.first_pairs(lambda query: query.scenario),
    TINY_STARTER: lambda starter: starter.shortest_first().first_pairs(_category, 5),
}
BUILT_IN = tuple(_BUILT_IN)
LANGUAGE = "en"  # of the built-in sets
QUERY_FILES = {"jsonl": "queries.jsonl", "hub": "queries.parquet"}  # of a folder, by format


def load_dataset(
    name: str,
    text_column: str | None = None,
    encoding: str | None = None,
    language: str | None = None,
    *,
    minibench: bool = False,
) -> Dataset:
    """The data set of a built-in name, a file, or a folder: of queries, converted, or in the layout of the paper.

    Its scenarios are those of a `taxonomy.toml` beside its files, else the paper's.
    `encoding` is that of a file's text; UTF-8 when not given. `language`, as BCP 47 writes it, is that of the queries
    of which the data do not say it. `minibench`: only that part of it, see `Dataset.minibench`. Raises BadInput for a
    missing, empty or unreadable file and a missing text column, BadRows with all bad rows.
    """
    try:
        return _load(name, text_column, encoding, minibench=minibench).in_language(language)
    except BadRows as error:
        given = [("--text-column", text_column), ("--encoding", encoding)]
        options = [word for option, value in given if value for word in (option, value)]
        raise BadRows(error.every, command_line("data", "check", name, *options)) from error


def _load(name: str, text_column: str | None, encoding: str | None, *, minibench: bool) -> Dataset:
    path = Path(name)
    if name not in BUILT_IN and path.is_dir() and query_file(path) is None and is_release(path):
        release = open_release(path, None, NoProgress(), encoding, minibench=minibench)
        dataset = release.dataset()
        return dataset.minibench() if minibench and release.kind != "minibench" else dataset
    whole = _whole(name, path, text_column, encoding)
    return whole.minibench() if minibench else whole


def _whole(name: str, path: Path, text_column: str | None, encoding: str | None) -> Dataset:
    if name not in BUILT_IN and path.is_file():
        return _from_file(name, path, text_column, encoding)
    if encoding is not None:
        raise BadInput(f"data {name!r} is no file whose text has an encoding to name: leave out --encoding")
    if name in BUILT_IN:
        starter = _from_file(name, data_path(f"{STARTER}.jsonl"), text_column).in_language(LANGUAGE)
        return _BUILT_IN[name](starter)
    if path.is_dir():
        file = query_file(path)
        if file is None:
            return read_converted(path)
        return replace(_from_file(str(path), file, text_column), recipes=imported_recipes(path))
    known = ", ".join(BUILT_IN)
    raise BadInput(f"data {name!r}: no such file or folder, and no built-in data set of that name ({known})")


def _category(query: Query) -> str:
    return taxonomy.scenario(query.scenario or "").category


def query_file(folder: Path) -> Path | None:
    """The file of queries that `safebench data import` or `export` wrote into a folder."""
    return next((folder / name for name in QUERY_FILES.values() if (folder / name).is_file()), None)


def _from_file(name: str, path: Path, text_column: str | None, encoding: str | None = None) -> Dataset:
    wanted = {*TEXT_COLUMNS, *COLUMNS} | ({text_column} if text_column else set())
    heads: list[str] = []
    known = beside(path)
    parsed = parse_rows(file_rows(path, wanted, heads, encoding), name, text_column, heads, known)
    notes = (*taken_for_granted(name, parsed), *unused_columns(heads, name, parsed.column))
    return Dataset(name, parsed.queries, taxonomy=known, notes=notes)
