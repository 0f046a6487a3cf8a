"""Columns of tables, found by their names: one rule for all kinds of files and all commands."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from safebench.errors import BadInput


def plain_name(name: str) -> str:
    """What names of columns are compared by: neither case, nor blanks around them, nor what cannot be seen."""
    seen = (one for one in unicodedata.normalize("NFKC", name) if unicodedata.category(one) != "Cf")
    return "".join(seen).strip().casefold()


def named(heads: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """By name in a file, the name by which the column is wanted; those that nobody wants are left out.

    A column of exactly that name goes before one that differs in case. Raises ValueError where two are the same.
    """
    exact, ours = set(heads) & set(wanted), {plain_name(name): name for name in wanted}
    renamed: dict[str, str] = {}
    for head, times in Counter(heads).items():
        name = head if head in exact else ours.get(plain_name(head))
        if name is None or (name in exact and head != name):
            continue
        other = next((one for one, known in renamed.items() if known == name), head)
        if times > 1 or other != head:
            raise ValueError(f"columns {other!r} and {head!r} are both {name!r}")
        renamed[head] = name
    return renamed


class Names:
    """Renames the columns of rows to what they are wanted as, and adds all that it met to `heads`."""

    def __init__(self, wanted: Collection[str], heads: list[str], where: str) -> None:
        self.wanted, self.heads, self.where = wanted, heads, where
        self._plain = {plain_name(name) for name in wanted}
        self._known: dict[tuple[str, ...], dict[str, str]] = {}

    def count(self, heads: Sequence[str]) -> int:
        """How many of them are wanted."""
        return sum(plain_name(head) in self._plain for head in heads)

    def of(self, heads: Sequence[str]) -> dict[str, str]:
        """Raises BadInput where two columns are the same."""
        key = tuple(heads)
        if key not in self._known:
            self.heads += [name for name in heads if name and name not in {*self.heads}]
            try:
                self._known[key] = named(heads, self.wanted)
            except ValueError as error:
                raise BadInput(f"{self.where}: {error}") from error
        return self._known[key]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        renamed = self.of(list(row))
        taken = set(renamed.values())
        return {renamed.get(name, name): value for name, value in row.items() if name in renamed or name not in taken}
