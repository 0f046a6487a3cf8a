"""Tables in the Markdown of the site: a bar in backticks ends no cell there, and a backslash before it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Nothing where there are no rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(heads), _line(["---"] * len(heads)), *lines, ""]) if lines else ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """On one line, without what would end a cell, or begin a tag or a link; what stands in backticks stays."""
    parts = " ".join(text.split()).split("`")
    parts[::2] = [part.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[") for part in parts[::2]]
    return "`".join(parts)


def code(text: str) -> str:
    return f"`{' '.join(text.split())}`"
