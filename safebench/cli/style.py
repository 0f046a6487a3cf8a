"""What all that is shown in the terminal shares."""

from __future__ import annotations

import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Column, Table


def plain_console(**options: Any) -> Console:
    """Shows every text as it is: what stands in brackets or between colons is no markup and no picture."""
    return Console(markup=False, emoji=False, **options)


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
