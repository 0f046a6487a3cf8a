"""Rates of several models against something that is known of each: a rank correlation with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np

from safebench.statistics.precision import Z

FEWEST = 4  # models, for an interval


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's ρ over `n` pairs, from -1 to 1; None where one side is all the same, or with fewer than four."""

    n: int
    rho: float | None
    ci95: tuple[float, float] | None


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> RankCorrelation:
    """Ties have the mean of their ranks. A perfect order is taken for the nearest imperfect one in the interval, which
    ends at it.

    Source: D. G. Bonett, T. A. Wright, Psychometrika 65 (2000) 23-28.
    """
    n = len(x)
    if n < FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        return RankCorrelation(n, None, None)
    rho = float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])
    most = 1 - 12 / (n * (n**2 - 1))  # of an order in which two neighbours changed places
    centre = max(-most, min(most, rho))
    half = Z * sqrt((1 + centre**2 / 2) / (n - 3))
    low, high = (tanh(atanh(centre) + side * half) for side in (-1, 1))
    return RankCorrelation(n, rho, (min(low, rho), max(high, rho)))


def _ranks(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    _, place, times = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    return (last - (times - 1) / 2)[place]
