"""What all tables for the terminal share."""

from __future__ import annotations

from rich import box
from rich.table import Table

SRI_NOTE = "SRI: safety risk index, from 20 to 100; 100 is safest."


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def plain_table() -> Table:
    return Table(header_style="bold", box=box.SIMPLE_HEAD, padding=0)
