"""A shard is a run or conversion over a part of the clusters: a query, its twin and whoever has the same text stay
together.

Every shard plans the whole: what is dealt, sampled and numbered is as in the whole that nobody cut, so that the shards
put together are that whole, calls and all. The cut depends on the queries and their order alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeVar

from safebench.errors import BadInput
from safebench.statistics.clusters import connected
from safebench.types import Query

KEY = "shard"  # of the file of a run or conversion
PLACES = "places"  # of the file of a conversion: those of the shard's queries among all, counted from 0
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts, the first is `number` 1."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From N/M. Raises BadInput."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count:
            raise BadInput(f"--shard {text}: write N/M, the N-th of M parts, N from 1 to M")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def queries(self, whole: Sequence[Query]) -> frozenset[str]:
        """The ids of its queries: of the clusters, in the order of their first queries, every `count`-th.

        Raises BadInput as `shards_of` does.
        """
        numbers = shards_of(whole, self.count)
        return frozenset(q.id for q, number in zip(whole, numbers, strict=True) if number == self.number)

    def share(self, limit: int | None) -> int | None:
        """Its part of a number of calls. Raises BadInput where that is none."""
        if limit is None:
            return None
        mine = limit // self.count + (self.number <= limit % self.count)
        if not mine:
            raise BadInput(f"--max-calls {limit} is for all shards, and leaves none for {self}: raise it")
        return mine


def shards_of(queries: Sequence[Query], count: int) -> list[int]:
    """For each query the number of its shard of `count`. Raises BadInput where there are fewer clusters than that."""
    clusters = clusters_of(queries)
    if (most := max(clusters, default=-1) + 1) < count:
        raise BadInput(f"{count} shards: the data have {most} clusters (queries with twins): cut into {most} or fewer")
    return [cluster % count + 1 for cluster in clusters]


def clusters_of(queries: Sequence[Query]) -> list[int]:
    """For each query the number of its cluster, counted in the order of their first queries."""
    places = {query.id: n for n, query in enumerate(queries)}
    same = {query.text: n for n, query in reversed(list(enumerate(queries)))}
    links = [(n, same[query.text]) for n, query in enumerate(queries)]
    links += [(n, places[query.twin]) for n, query in enumerate(queries) if query.twin in places]
    return connected(len(queries), links)


class Part(Protocol):
    """The folder of a shard."""

    @property
    def folder(self) -> Path: ...

    @property
    def shard(self) -> Shard: ...


One = TypeVar("One", bound=Part)


def check_one_whole(parts: Sequence[One], differing: Callable[[One, One], str]) -> None:
    """Raises BadInput where the parts are not all of one whole, each there once; `differing`: how two of them do, if
    they do.
    """
    first, count = parts[0], parts[0].shard.count
    problems = [
        f"{part.folder} and {first.folder} are shards of different wholes: they differ in {how}"
        for part in parts[1:]
        if (how := differing(first, part))
    ]
    problems += [
        f"{part.folder} is shard {part.shard}, and {first.folder} is shard {first.shard}: cut into different numbers"
        for part in parts[1:]
        if part.shard.count != count
    ]
    if problems:
        raise BadInput(*problems[:SHOWN])
    if problems := _lacking(parts, count):
        raise BadInput(*problems)


def _lacking(parts: Sequence[Part], count: int) -> list[str]:
    by_number: dict[int, list[Path]] = {number: [] for number in range(1, count + 1)}
    for part in parts:
        by_number[part.shard.number].append(part.folder)
    lacking = [f"{number}/{count}" for number, folders in by_number.items() if not folders]
    problems = [f"missing shards: {', '.join(lacking[:SHOWN])}{', …' * (len(lacking) > SHOWN)}"] if lacking else []
    return problems + [
        f"shard {number}/{count} is there twice: {' and '.join(map(str, folders))}"
        for number, folders in by_number.items()
        if len(folders) > 1
    ]
