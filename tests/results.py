"""What `make fuzz` and `make chaos` found last, written by them into docs/reliability.md between marks of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.measured import machine

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"


def write_result(name: str, lines: Iterable[str], table: Sequence[Sequence[object]]) -> None:
    """Raises ValueError where the page has no place of that name."""
    heads, *rows = [[str(cell) for cell in row] for row in table]
    drawn = [f"| {' | '.join(row)} |" for row in (heads, ["---", *["---:"] * (len(heads) - 1)], *rows)]
    begin, end = f"<!-- {name}: written by make {name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text(encoding="utf-8")
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"{PAGE.name} has no line {begin!r} with {end!r} after it")
    text = "\n\n".join([begin, *lines, "\n".join(drawn), end])
    PAGE.write_text(place.sub(lambda _: text, page), encoding="utf-8")


def when_and_where() -> str:
    """The date, and the machine in words."""
    facts = machine()
    return f"{time.strftime('%-d %B %Y')}, {facts['processor']}, {facts['memory']}, {facts['system']}"
