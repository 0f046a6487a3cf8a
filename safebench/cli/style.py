"""What all that is shown in the terminal shares."""

from __future__ import annotations

import re
import sys
from typing import Any

from rich import box
from rich.console import Console
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


def plain_console(**options: Any) -> Console:
    """Shows every text as it is: what stands in brackets or between colons is no markup and no picture."""
    return _PlainConsole(markup=False, emoji=False, **options)


def allow_any_character() -> None:
    """What the terminal's encoding cannot hold is shown by its number; nothing ends with an error because of it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def plain_table(title: str | None = None) -> Table:
    """Narrow, for figures; its columns are added by the caller."""
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)


def number_table(name: str, *heads: str) -> Table:
    """A row of figures for each name; none is folded."""
    table = plain_table()
    table.add_column(name, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def listing(*heads: str) -> Table:
    """Of words: they want more room between columns, and none is cut; a name stands whole, to be copied."""
    first, *rest = heads
    return Table(Column(first, no_wrap=True), *(Column(head, overflow="fold") for head in rest), box=box.SIMPLE_HEAD)
