"""Files that somebody made for the queries of a data set, found in a folder by the query's id."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safebench.datasets.columns import named
from safebench.datasets.table_files import UTF8
from safebench.datasets.tables import BLANK, file_rows, texts_beside, unusable
from safebench.errors import BadInput, ConversionError
from safebench.plugins import PluginOptions

INDEX = "index.csv"


class FolderOptions(PluginOptions):
    """Options of what takes such files."""

    folder: Path  # holds ID.ending for each query; index.csv (id,file) for ids that are no file names
    separator: str | None = None  # in ids, where a folder begins: with "-", the file of 3-17 is 3/17.ending

    def files(self) -> list[Path]:
        return [self.folder]


class GivenFiles:
    """A folder with a file for each query: ID.ending, or what index.csv (id,file) names for ids that are no file names.

    `what` says in errors what a file holds. Raises BadInput where there is no such folder, or an index that is none.
    """

    def __init__(self, options: FolderOptions, endings: Sequence[str], what: str) -> None:
        folder = options.folder
        if not folder.is_dir():
            raise BadInput(f"folder {str(folder)!r} of {what}s does not exist")
        self._folder = folder.resolve()
        self._endings, self._what, self._separator = endings, what, options.separator
        self._index = read_index(self._folder / INDEX)
        self._texts: dict[Path, list[str]] = {}  # by folder

    def read(self, query: str) -> tuple[bytes, str]:
        """What the file of a query's id holds, and its name. Raises ConversionError when it cannot be read."""
        file = self._file(query)
        try:
            return file.read_bytes(), str(file.relative_to(self._folder))
        except OSError as error:
            raise ConversionError(f"the {self._what} {file.name!r} cannot be read: {error.strerror}") from error

    def text_beside(self, query: str, tables: Sequence[str]) -> str | None:
        """What a table in the folder of a query's file has for it, in the record that its name counts.

        `tables`: names, as `texts_beside` takes them. None where there is none. Raises ConversionError as `read` does.
        """
        file = self._file(query)
        if file.parent not in self._texts:
            self._texts[file.parent] = texts_beside(file.parent, tables)
        texts = self._texts[file.parent]
        row = int(file.stem) if file.stem.isdecimal() else 0
        return texts[row - 1] or None if 0 < row <= len(texts) else None

    def _file(self, query: str) -> Path:
        """Raises ConversionError when there is none, or more than one."""
        named = self._index.get(composed(query))
        candidates = [named] if named is not None else [self._name(query) + ending for ending in self._endings]
        places = [self._inside(candidate) for candidate in candidates]
        present = [path for path in places if path.is_file()] or list(self._spelt_otherwise(places))
        if not present:
            looked_for = ", ".join(candidates)
            raise ConversionError(f"there is no {self._what} in {self._folder.name}: looked for {looked_for}")
        if len(present) > 1:
            names = ", ".join(path.name for path in present)
            raise ConversionError(f"more than one {self._what}: {names}; keep one, or name it in {INDEX}")
        return present[0]

    def _spelt_otherwise(self, places: Sequence[Path]) -> Iterator[Path]:
        """Files whose names differ in the case of their ending, or in how a letter with an accent is put together.

        The names of their folders may differ in the latter as well.
        """
        wanted = {(folder, _spelling(path)) for path in places for folder in self._folders(path)}
        for folder in dict.fromkeys(folder for folder, _ in wanted):
            for file in sorted(folder.iterdir()):
                if (folder, _spelling(file)) in wanted and file.is_file():
                    yield self._inside(str(file.relative_to(self._folder)))

    def _folders(self, place: Path) -> list[Path]:
        """That of a file, or those whose names are put together in another way."""
        folders = [self._folder]
        for part in place.parent.relative_to(self._folder).parts:
            within = [folder / part for folder in folders if (folder / part).is_dir()]
            folders = within or [
                one
                for folder in folders
                for one in sorted(folder.iterdir())
                if one.is_dir() and composed(one.name) == composed(part)
            ]
        return folders

    def _name(self, query: str) -> str:
        parts = query.split(self._separator) if self._separator else [query]
        if not all(map(is_plain_name, parts)):
            raise ConversionError(f"the id is no plain file name: name its {self._what} in {INDEX}, columns id,file")
        return "/".join(parts)

    def _inside(self, name: str) -> Path:
        """Nobody vouches for ids and the index: no path may lead out of the folder, not even by a link."""
        try:
            path = (self._folder / name).resolve()
        except (OSError, ValueError) as error:
            raise ConversionError(f"{name[:80]!r} is no file name") from error
        if not path.is_relative_to(self._folder):
            raise ConversionError(f"{name[:80]!r} leads out of the folder of {self._what}s")
        return path


def is_plain_name(name: str) -> bool:
    odd = any(character in '/\\:*?"<>|' or not character.isprintable() for character in name)
    return bool(name) and not odd and not name.startswith(".") and len(name.encode("utf-8", "replace")) <= 200


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _spelling(path: Path) -> tuple[str, str]:
    return composed(path.stem), path.suffix.lower()


def read_index(file: Path) -> dict[str, str]:
    """File by id; empty where there is no index. Raises BadInput for one that cannot be read."""
    return read_by_id(file, "file", "index") if file.is_file() else {}


def read_by_id(file: Path, column: str, what: str) -> dict[str, str]:
    """By id what stands in a column of a table, which is read as any table is. `what` it holds, for errors.

    Raises BadInput for one that cannot be read, a row without an id or a value, and an id that is there twice.
    """
    columns = ("id", column)
    heads: list[str] = []
    rows = [(line, row) for line, row in file_rows(file, columns, heads, UTF8, what) if row is not BLANK]
    if not set(columns) <= set(named(heads, columns).values()):
        held = ",".join(heads) or "none"
        raise BadInput(f"{file} needs an id and a {column} in columns of these names, and has {held}")
    problems = [f"{file}, line {line}: {problem}" for line, row in rows if (problem := _problem(row, column))]
    index = {composed(row["id"]): row[column] for _, row in rows if not _problem(row, column)}
    if not problems and len(index) < len(rows):
        problems = [f"{file}: an id is named twice"]
    if problems:
        raise BadInput(*problems)
    return index


def _problem(row: Mapping[Any, Any], column: str) -> str | None:
    has_both = all(isinstance(row.get(key), str) and row[key] for key in ("id", column))
    return unusable(row) or (None if has_both else f"needs an id and a {column}")
