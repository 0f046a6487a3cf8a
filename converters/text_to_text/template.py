"""Puts the query into a text of the user's, or replaces it by one: the same for all, or its own, as of an attack."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import model_validator

from converters.given_files import composed, read_by_id
from converters.naming import naming
from safebench.errors import BadInput, ConversionError
from safebench.plugins import PLACE, Converter, PluginOptions, Work
from safebench.types import TEXT, Media, is_visible

MEANT = ("prompt", "question", "text", "input", "goal", "behavior", "behaviour", "request", "instruction")  # elsewhere
_PLACES = re.compile(r"\{+\s*[\w-]+\s*\}+")


class Template(Converter):
    name = "template"
    summary = "a text of yours, or one for each query from a table, with the query where it says {query}"
    takes = TEXT
    gives = TEXT

    class Options(PluginOptions):
        text: str | None = None
        file: str | None = None  # path of a UTF-8 file that holds the text
        table: str | None = None  # path of a table with a text for each query: columns id, and the one below
        column: str = "text"

        def files(self) -> list[Path]:
            return [Path(file) for file in (self.file, self.table) if file]

        @model_validator(mode="after")
        def _one_source(self) -> Template.Options:
            if [self.text, self.file, self.table].count(None) != 2:
                raise ValueError("give either text or file or table")
            return self

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._by_id = _read_table(Path(self.options.table), self.options.column) if self.options.table else None
        if self._by_id is None:
            text = self.options.text if self.options.file is None else _read(Path(self.options.file))
            self._text = _checked(text, "template")

    def convert(self, work: Work) -> Media:
        """A query without a text in the table is not asked: as it is, it would pass for one that was changed."""
        with naming(work):
            text = self._text if self._by_id is None else self._by_id.get(composed(work.query.id))
            if text is None:
                raise ConversionError(f"{Path(self.options.table).name} has no text for it")
            return Media.of(TEXT, "text/plain", text.replace(PLACE, work.text).encode("utf-8"))


def _checked(text: str, where: str) -> str:
    if not is_visible(text):
        raise BadInput(f"{where}: the text is empty")
    if misspelt := [place for place in map(re.Match.group, _PLACES.finditer(text)) if _is_misspelt(place)]:
        raise BadInput(f"{where}: {misspelt[0]} would be sent as it stands: write {PLACE} where the query is to be")
    return text


def _is_misspelt(place: str) -> bool:
    """Whether something in braces is meant for the query and is not how it is written."""
    name = place.strip("{} \t\r\n").casefold()
    return place != PLACE and (name in MEANT or "query" in name or bool(get_close_matches(name, ["query"], cutoff=0.7)))


def _read_table(path: Path, column: str) -> dict[str, str]:
    if not path.is_file():
        raise BadInput(f"template table {path} does not exist")
    texts = read_by_id(path, column, "texts")
    return {id: _checked(text, f"template table {path}, id {id!r}") for id, text in texts.items()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"template file {path}: {error}") from error
