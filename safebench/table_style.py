"""What all tables for the terminal share."""

from __future__ import annotations

from rich import box
from rich.table import Table

SRI_NOTE = "SRI: safety risk index, from 20 to 100; 100 is safest."


def plain_table(title: str | None = None) -> Table:
    """Narrow, for figures; its columns are added by the caller."""
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)


def listing(*heads: str) -> Table:
    """Of words: they want more room between columns."""
    return Table(*heads, box=box.SIMPLE_HEAD)
