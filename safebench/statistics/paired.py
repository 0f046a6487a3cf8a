"""Tests of the same items under two or more conditions, and a correction for many tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln  # `scipy.stats` takes twice as long to load

from safebench.statistics.clusters import Integers


@dataclass(frozen=True)
class CochranQ:
    """Over `n` rows. `statistic` and `p` (χ² with `df` degrees of freedom) are None where no row varies."""

    n: int
    statistic: float | None
    df: int
    p: float | None


def mcnemar(differences: Integers) -> float:
    """Exact two-sided p of McNemar's test, from each cluster's sum of differences (-1, 0 or 1 a pair).

    Under the hypothesis of no difference each cluster's sum is as likely as its opposite. With one pair a cluster this
    is McNemar's exact test, binomial on the discordant pairs (Q. McNemar, Psychometrika 12 (1947) 153-157); with more
    it is the exact sign-flip permutation test of the clusters (R. A. Fisher, The Design of Experiments (1935), section
    21).
    """
    sizes, repeated = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    chances: NDArray[np.float64] = np.ones(1)  # of each total, from the lowest to the highest
    for size, count in zip(sizes, repeated, strict=True):
        spaced = np.zeros(2 * size * count + 1)
        spaced[:: 2 * size] = _coin(int(count))
        chances = np.convolve(chances, spaced)
    total = np.arange(len(chances)) - len(chances) // 2
    return min(1.0, float(chances[np.abs(total) >= abs(differences.sum())].sum()))


def _coin(tosses: int) -> NDArray[np.float64]:
    """The chances of 0, 1, … heads."""
    heads = np.arange(tosses + 1)
    ways = gammaln(tosses + 1) - gammaln(heads + 1) - gammaln(tosses - heads + 1)
    return np.exp(ways - tosses * np.log(2))  # type: ignore[no-any-return]


def cochran_q(events: Integers) -> CochranQ:
    """Cochran's Q of independent rows × conditions (0 or 1): whether all conditions have the same rate.

    Source: W. G. Cochran, Biometrika 37 (1950) 256-266.
    """
    n, conditions = events.shape
    by_condition, by_row = events.sum(axis=0), events.sum(axis=1)
    varying = conditions * by_row.sum() - (by_row**2).sum()
    if not varying:
        return CochranQ(n, None, conditions - 1, None)
    q = (conditions - 1) * (conditions * (by_condition**2).sum() - by_condition.sum() ** 2) / varying
    return CochranQ(n, float(q), conditions - 1, float(chdtrc(conditions - 1, q)))


def holm(p: Sequence[float]) -> list[float]:
    """Each p adjusted for their number by S. Holm's step-down method, Scandinavian J. of Statistics 6 (1979) 65-70."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
