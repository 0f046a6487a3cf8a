"""The score test for the difference of two rates on the same items: an interval, and a test of equivalence.

Source: T. Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample
design, Statistics in Medicine 17 (1998) 891-908. `up` items have the event only under the second condition, `down` only
under the first, `n` is all; effective counts (divided by a design effect) need not be whole.
"""

from __future__ import annotations

from math import copysign, inf, sqrt
from statistics import NormalDist

from scipy.optimize import brentq

from safebench.statistics.precision import NEARLY_ZERO, Z


def interval(up: float, down: float, n: float) -> list[float]:
    """The 95 % score interval of the difference (up - down) / n, [low, high]; it has a width even where none differ."""
    return [_low(up, down, n), -_low(down, up, n)]


def equivalence(up: float, down: float, n: float, margin: float) -> float:
    """The p of two one-sided tests: below 0.05 the difference lies within ±margin.

    That is, the 90 % score interval lies within it. Source for two one-sided tests: D. J. Schuirmann, J.
    Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.
    """
    normal = NormalDist()
    return max(1 - normal.cdf(_z(up, down, n, -margin)), normal.cdf(_z(up, down, n, margin)))


def _z(up: float, down: float, n: float, difference: float) -> float:
    distance, variance = up - down - n * difference, _variance(up, down, n, difference)
    return distance / sqrt(variance) if variance > 0 else copysign(inf, distance) if distance else 0.0


def _variance(up: float, down: float, n: float, difference: float) -> float:
    """Of up - down, if `difference` is the true one: with the likeliest rate of `down` under that constraint."""
    a = 2 * n
    b = -up - down + (2 * n - up + down) * difference
    c = -down * difference * (1 - difference)
    rate = (sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    return max(n * (2 * rate + difference * (1 - difference)), 0.0)


def _low(up: float, down: float, n: float) -> float:
    observed = (up - down) / n
    if observed <= NEARLY_ZERO - 1:
        return -1.0

    def beyond(difference: float) -> float:
        return up - down - n * difference - Z * sqrt(_variance(up, down, n, difference))

    return float(brentq(beyond, -1, observed - NEARLY_ZERO))
