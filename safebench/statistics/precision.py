"""How much a rate can tell: its Wilson interval, and the smallest difference that so many items would probably show.

Confidence 95 %, power 80 %, two-sided throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
POWER = 0.80
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
Z_POWER = NormalDist().inv_cdf(POWER)
NEARLY_ZERO = 1e-9


@dataclass(frozen=True, slots=True)
class Precision:
    """Of a rate over `n` items: half its interval at a rate of 0.5, and the least difference that would show."""

    n: int
    half_width: float | None
    detectable: float | None


def wilson(successes: float, n: float) -> list[float] | None:
    """Wilson score interval of a proportion, [low, high]; None for n = 0. Counts may be effective ones, not whole.

    Source: E. B. Wilson, JASA 22 (1927) 209-212.
    """
    if n == 0:
        return None
    rate, grown = successes / n, 1 + Z**2 / n
    centre = (rate + Z**2 / (2 * n)) / grown
    half = Z * sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2)) / grown
    return [0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half]


def precision(rate: float | None, n: int, effective: float | None = None) -> Precision:
    """How much a rate over n items can tell; None for n = 0.

    `effective`: as how many independent items they count, where that is another number.
    """
    if rate is None:
        return Precision(n, None, None)
    counted = effective or n
    return Precision(n, Z / (2 * sqrt(counted)), detectable(counted, rate))


def detectable(n: float, rate: float) -> float | None:
    """Minimum detectable difference between this rate and the rate of another, independent cell of the same size.

    The smallest change towards the far end that a two-sided test at 5 % finds with a power of 80 %; None where not even
    the largest would be found. Source: J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and
    Proportions, 3rd ed. (2003), chapter 4, sample size without continuity correction, solved for the difference.
    """
    low = min(rate, 1 - rate)

    def lacking(difference: float) -> float:
        high = low + difference
        middle = (low + high) / 2
        chance = Z * sqrt(2 * middle * (1 - middle)) + Z_POWER * sqrt(low * (1 - low) + high * (1 - high))
        return chance - difference * sqrt(n)

    return _root(lacking, 1 - low)


def detectable_paired(n: float, discordant: float) -> float | None:
    """Minimum detectable difference between two rates on the same `n` items of which the share `discordant` differs.

    At least the difference itself has to be discordant. None where not even a difference of 1 would be found.
    Source: R. J. Connor, Biometrics 43 (1987) 207-211, solved for the difference.
    """

    def lacking(difference: float) -> float:
        differing = max(discordant, difference)
        return Z * sqrt(differing) + Z_POWER * sqrt(differing - difference**2) - difference * sqrt(n)

    return _root(lacking, 1.0)


def _root(lacking: Callable[[float], float], largest: float) -> float | None:
    from scipy.optimize import brentq

    return None if lacking(largest) > 0 else float(brentq(lacking, NEARLY_ZERO, largest))
