"""Clusters: queries that belong together. What happens within one is never taken for independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from safebench.statistics.precision import CONFIDENCE, Z

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
WEIGHTS_AT_ONCE = 4_000_000  # 32 MB
PRIOR = 0.25  # clusters with an event that the largest design effect weighs as much as (benchmarks/coverage.py)


def cluster_ids(twins: Mapping[str, str | None]) -> dict[str, int]:
    """The cluster of each query: a query and its twin are one, and so are chains of twins."""
    place = {query: n for n, query in enumerate(twins)}
    links = [(place[query], place[twin]) for query, twin in twins.items() if twin in place]
    return dict(zip(place, connected(len(place), links), strict=True))


def connected(size: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """For each of `size` things the number of its group of linked ones, counted in the order of their first things."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(links, dtype=int).reshape(-1, 2).T
    _, labels = connected_components(coo_array((np.ones(len(links)), ends), shape=(size, size)), directed=False)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels.tolist()]


def totals(values: Integers, clusters: Integers, count: int) -> Integers:
    """Sums of the rows (rows × columns) of each cluster: clusters × columns."""
    summed = np.zeros((count, *values.shape[1:]), dtype=np.int64)
    np.add.at(summed, clusters, values)
    return summed


def bootstrap(sums: Integers, counts: Integers, draws: int, seed: int) -> Floats:
    """95 % cluster bootstrap intervals of `sums.sum() / counts.sum()`, column by column: 2 × columns.

    `sums` and `counts` are clusters × columns. Whole clusters are drawn with replacement; the interval is that of the
    percentiles, NaN for a column without counts. It depends on the clusters of its own column alone, not on their
    order. Source: A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), sections 3.8 (clusters)
    and 5.3 (percentiles).
    """
    return np.stack([_ends(*column, draws, seed) for column in zip(sums.T, counts.T, strict=True)], axis=1)


def _ends(sums: Integers, counts: Integers, draws: int, seed: int) -> Floats:
    """Of one column. How often each of n clusters is drawn is multinomial, and so is how often one of those of a kind
    is, which have the same sum and count: a few kinds are drawn in place of many clusters.
    """
    if not counts.any():
        return np.full(2, np.nan)
    base = int(counts.max()) + 1
    kinds, times = np.unique(sums * base + counts, return_counts=True)
    random = np.random.default_rng(seed)
    step = max(1, WEIGHTS_AT_ONCE // len(kinds))
    rates = []
    for start in range(0, draws, step):
        drawn = random.multinomial(len(sums), times / len(sums), size=min(step, draws - start))
        with np.errstate(invalid="ignore"):  # a draw without any pair says nothing
            rates.append((drawn @ (kinds // base)) / (drawn @ (kinds % base)))
    tail = (1 - CONFIDENCE) / 2
    ends: Floats = np.nanquantile(np.concatenate(rates), [tail, 1 - tail])
    return ends


def design_effect(sums: Integers, counts: Integers, variance: float) -> float:
    """Variance of the mean over clusters, over its variance if all were independent; never below 1.

    `sums` and `counts` are of one column; `variance` is that of one value. Where nothing varies, every cluster is taken
    for one value. n / design effect is the effective number of values: J. N. K. Rao, A. J. Scott, Biometrics 48 (1992)
    577-585.
    """
    n = int(counts.sum())
    if variance <= 0:
        return n / np.count_nonzero(counts)
    spread = ((sums - counts * (sums.sum() / n)) ** 2).sum()
    return max(1.0, float(spread / (n * variance)))


def effective_number(sums: Integers, counts: Integers) -> float:
    """As how many independent items the clusters count for the interval of a rate, `sums.sum() / counts.sum()`.

    `sums` are events and `counts` items, by cluster. n / design effect, with three corrections for few clusters: G /
    (G - 1); for t in place of the normal quantile (E. L. Korn, B. I. Graubard, Survey Methodology 24 (1998) 193-201);
    and, because a few clusters with events cannot tell how alike their items are, the estimate is drawn towards the
    largest design effect, the less the more there are. It is never less than where all items of a cluster are alike.
    """
    sums, counts = sums[counts > 0], counts[counts > 0]
    n, clusters = int(counts.sum()), len(counts)
    largest = float((counts**2).sum() / n)
    if clusters < 2 or clusters == n:
        return n / largest
    rate = float(sums.sum() / n)
    weight = clusters * min(rate, 1 - rate)
    measured = design_effect(sums, counts, rate * (1 - rate) * (clusters - 1) / clusters)
    effect = (weight * measured + PRIOR * largest) / (weight + PRIOR)
    return max(n / effect * (Z / _t(clusters - 1)) ** 2, n / largest)


def _t(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
