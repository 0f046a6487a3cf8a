"""What all that is shown in the terminal shares."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from pydantic_core import to_jsonable_python
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

# Controls but the line feed and the tab, and signs that turn the direction of writing: they would act on the terminal.
_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    """The text with what would act on a terminal written by its number: what files and models say is not trusted."""
    return _ACTING.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


class _PlainConsole(Console):
    def render_str(self, text: str, **how: Any) -> Text:
        """All texts come this way, those in the cells of tables, too."""
        return super().render_str(shown(text), **how)


class OutputConsole(_PlainConsole):
    """Where results go: shown to people; or, for a script, one JSON document at the end and nothing before it.

    The document is what a command says its `result` is, else the tables and lines that people would be shown.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False)
        self.begin()

    def begin(self, *, as_json: bool = False) -> None:
        """Before a command; forgets the one before."""
        self.is_json = as_json
        self._result: object = None
        self._tables: list[dict[str, Any]] = []
        self._lines: list[str] = []

    def print(self, *objects: Any, **how: Any) -> None:
        if not self.is_json:
            super().print(*objects, **how)
            return
        for one in objects:
            if isinstance(one, Table):
                self._tables.append(_cells(one))
            else:
                self._lines += _text(one).splitlines()

    def copy(self, text: str) -> None:
        """As it is, to be kept in a file."""
        if self.is_json:
            self.result({"text": text})
        else:
            self.file.write(text)

    def result(self, result: object) -> None:
        """What the document is, where one is wanted; of types that pydantic can write as JSON."""
        self._result = result

    def also(self, **more: object) -> None:
        """More of the document, once it is told."""
        assert isinstance(self._result, dict)
        self._result = {**self._result, **more}

    def finish(self, status: int, problems: Sequence[str]) -> None:
        """Write the document; `problems`, what went wrong, are in it wherever the exit status is not 0."""
        if not self.is_json:
            return
        shown = {"tables": self._tables, "lines": self._lines}
        document = shown if self._result is None else self._result
        if status:
            told = document if isinstance(document, dict) else shown
            document = {**told, "errors": [*problems] or [f"exit status {status}"]}
        plain = to_jsonable_python(document, inf_nan_mode="null", serialize_unknown=True)
        self.file.write(json.dumps(plain, ensure_ascii=not _holds_any_character(self.file), indent=2) + "\n")


def _holds_any_character(stream: IO[str]) -> bool:
    """Where it does not, what stands for a character would be a terminal's (`allow_any_character`), and no JSON."""
    return codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name == "utf-8"


def _cells(table: Table) -> dict[str, Any]:
    """Its texts, as they stand in rows below the heads."""
    columns = [[_text(cell) for cell in column.cells] for column in table.columns]
    heads = [" ".join(_text(column.header).split()) for column in table.columns]
    title = {"title": _text(table.title)} if table.title else {}
    return {**title, "columns": heads, "rows": [list(row) for row in zip(*columns, strict=True)]}


def _text(shown: Any) -> str:
    inner = shown.renderable if isinstance(shown, Padding) else shown
    return inner.plain if isinstance(inner, Text) else str(inner)


class ErrorConsole(_PlainConsole):
    """Remembers the lines of a command, for the document that tells of it."""

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, stderr=True)
        self.begin()

    def begin(self) -> None:
        """Before a command; forgets those of the one before."""
        self.lines: list[str] = []

    def print(self, *objects: Any, **how: Any) -> None:
        self.lines += [line for one in objects for line in str(one).splitlines()]
        super().print(*objects, **how)


def plain_console(**options: Any) -> Console:
    """Shows every text as it is: what stands in brackets or between colons is no markup and no picture."""
    return _PlainConsole(markup=False, emoji=False, **options)


def allow_any_character() -> None:
    """What the terminal's encoding cannot hold is shown by its number; nothing ends with an error because of it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def plain_table(*columns: Column | str, title: str | None = None) -> Table:
    """Narrow, for figures."""
    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)


def figures(*heads: str, **how: Any) -> list[Column]:
    """Columns of figures; none is folded."""
    return [Column(head, justify="right", no_wrap=True, **how) for head in heads]


def number_table(name: str, *heads: str) -> Table:
    """A row of figures for each name; none is folded."""
    return plain_table(Column(name, no_wrap=True), *figures(*heads))


def show_lines(console: Console, lines: Iterable[str], **how: Any) -> None:
    for line in lines:
        console.print(line, **how)


def listing(*heads: str) -> Table:
    """Of words: they want more room between columns, and none is cut; a name stands whole, to be copied."""
    first, *rest = heads
    return Table(Column(first, no_wrap=True), *(Column(head, overflow="fold") for head in rest), box=box.SIMPLE_HEAD)
