"""How varied a set of queries is worded: distinct-n, and the pairs that are nearest to each other."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import combinations

from safebench.models.words import words
from safebench.types import Query

LARGEST_COMPARED = 2000  # queries; beyond it comparing all pairs takes too long for a table


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams of words / all n-grams of words (Li et al., NAACL 2016); 0 when there are none."""
    grams = [gram for text in texts for gram in zip(*(words(text)[i:] for i in range(n)), strict=False)]
    return len(set(grams)) / len(grams) if grams else 0.0


def nearest_pairs(queries: Sequence[Query], count: int) -> list[tuple[float, Query, Query]]:
    """The pairs with the highest Jaccard index of their sets of words, twins left out."""
    return heapq.nlargest(count, _pairs(queries), key=lambda pair: pair[0])


def _pairs(queries: Sequence[Query]) -> Iterator[tuple[float, Query, Query]]:
    sets = [(query, frozenset(words(query.text))) for query in queries]
    for (a, in_a), (b, in_b) in combinations(sets, 2):
        if b.id != a.twin and (in_a or in_b):
            yield len(in_a & in_b) / len(in_a | in_b), a, b
