"""A shard is a run over a part of the clusters: a query, its twin and whoever has the same text stay together.

Every shard plans the whole: what is dealt, sampled and numbered is as in the run that nobody cut, so that the shards
put together are that run, calls and all. The cut depends on the queries and their order alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from safebench.errors import BadInput
from safebench.statistics.clusters import connected
from safebench.types import Query

KEY = "shard"  # of a run file


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

        Raises BadInput where there are fewer clusters than shards.
        """
        clusters = clusters_of(whole)
        if (most := max(clusters, default=-1) + 1) < self.count:
            raise BadInput(f"--shard {self}: the data have {most} clusters (queries with twins): M {most} or less")
        mine = self.number - 1
        return frozenset(q.id for q, cluster in zip(whole, clusters, strict=True) if cluster % self.count == mine)

    def share(self, limit: int | None) -> int | None:
        """Its part of a number of calls. Raises BadInput where that is none."""
        if limit is None:
            return None
        mine = limit // self.count + (self.number <= limit % self.count)
        if not mine:
            raise BadInput(f"--max-calls {limit} is for all shards, and leaves none for {self}: raise it")
        return mine


def clusters_of(queries: Sequence[Query]) -> list[int]:
    """For each query the number of its cluster, counted in the order of their first queries."""
    places = {query.id: n for n, query in enumerate(queries)}
    same = {query.text: n for n, query in reversed(list(enumerate(queries)))}
    links = [(n, same[query.text]) for n, query in enumerate(queries)]
    links += [(n, places[query.twin]) for n, query in enumerate(queries) if query.twin in places]
    return connected(len(queries), links)
