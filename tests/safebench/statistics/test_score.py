from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import multinomial

from safebench.statistics.score import equivalence, interval


@pytest.mark.parametrize(
    ("up", "down", "n", "low", "high"),
    [
        (6, 16, 161, -0.1240, -0.0054),  # Cavo et al. 2012, in the tests of the R package contingencytables 3.1
        (1, 7, 21, -0.517, -0.026),  # Bentur et al. 2009, in Fagerland, Lydersen, Laake, Stat. Med. 33 (2014) 2850
    ],
)
def test_the_interval_agrees_with_published_ones(up: int, down: int, n: int, low: float, high: float) -> None:
    assert interval(up, down, n) == pytest.approx([low, high], abs=5e-4)


def by_likelihood(up: float, down: float, n: float, difference: float) -> float:
    """z with the constrained rate of `down` found by maximising the likelihood, and not by Tango's closed form."""

    def loss(rate: float) -> float:
        return -(
            up * np.log(rate + difference) + down * np.log(rate) + (n - up - down) * np.log(1 - 2 * rate - difference)
        )

    rate = minimize_scalar(
        loss, bounds=(max(0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12), options={"xatol": 1e-13}
    ).x
    return float((up - down - n * difference) / sqrt(n * (2 * rate + difference - difference**2)))


@pytest.mark.parametrize(("up", "down", "n"), [(6, 16, 161), (1, 7, 21), (12, 3, 40), (2.5, 4.5, 30.5)])
def test_the_interval_is_where_the_likelihood_says(up: float, down: float, n: float) -> None:
    z, found = 1.959964, (up - down) / n
    low = brentq(lambda d: by_likelihood(up, down, n, d) - z, -0.9, found - 1e-6)
    high = brentq(lambda d: by_likelihood(up, down, n, d) + z, found + 1e-6, 0.9)
    assert interval(up, down, n) == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_the_interval_has_a_width_where_nothing_differs(n: int) -> None:
    edge = 1.959964**2 / (n + 1.959964**2)  # the equation (n d)² = z² n d (1 - d), solved by hand
    assert interval(0, 0, n) == pytest.approx([-edge, edge], abs=1e-6)


def test_the_interval_ends_at_one_where_all_differ() -> None:
    low, high = interval(5, 0, 5)
    assert 0 < low < high == 1
    assert interval(0, 5, 5) == pytest.approx([-1, -low])


@pytest.mark.parametrize(("up", "down", "n"), [(0, 0, 20), (0, 0, 200), (3, 4, 100), (3, 4, 400), (20, 5, 400)])
def test_equivalence_is_the_90_percent_interval_within_the_margin(
    up: int, down: int, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.statistics.score.Z", 1.644854)
    low, high = interval(up, down, n)
    for margin in (0.02, 0.05, 0.1):
        assert (equivalence(up, down, n, margin) < 0.05) == (-margin < low and high < margin)


def test_a_difference_at_the_margin_is_called_equivalent_in_5_percent_and_none_at_all_nearly_always() -> None:
    random = np.random.default_rng(0)
    at_margin = random.multinomial(300, [0.15, 0.05, 0.80], size=2000)
    alike = random.multinomial(300, [0.02, 0.02, 0.96], size=500)
    assert np.mean([equivalence(up, down, 300, 0.1) < 0.05 for up, down, _ in at_margin]) == pytest.approx(
        0.05, abs=0.015
    )
    assert np.mean([equivalence(up, down, 300, 0.1) < 0.05 for up, down, _ in alike]) > 0.99


def covering(up: float, down: float, n: int) -> float:
    """The probability that the interval holds the true difference: no simulation, the sum over all possible counts."""
    counts = [(u, d, n - u - d) for u in range(n + 1) for d in range(n + 1 - u)]
    ends = np.array([interval(u, d, n) for u, d, _ in counts])
    held = (ends[:, 0] <= up - down) & (up - down <= ends[:, 1])
    return float(multinomial.pmf(counts, n, [up, down, 1 - up - down])[held].sum())


@pytest.mark.parametrize(
    ("up", "down", "n"), [(0.05, 0.05, 50), (0.1, 0.1, 50), (0.2, 0.2, 50), (0.02, 0.08, 115), (0.1, 0.2, 100)]
)
def test_the_interval_covers_93_to_97_percent_also_where_few_pairs_differ(up: float, down: float, n: int) -> None:
    """Where the bootstrap does not: see docs/statistics.md."""
    assert 0.93 <= covering(up, down, n) <= 0.97


@pytest.mark.parametrize(
    ("up", "down", "n", "most"), [(0.02, 0.08, 40, 0.975), (0.02, 0.02, 40, 0.995), (0.01, 0.02, 23, 1.0)]
)
def test_the_interval_covers_more_where_hardly_any_pair_differs(up: float, down: float, n: int, most: float) -> None:
    """Counts are whole: where one to four pairs differ, an interval can only be too wide or too narrow, as for one rate
    (Agresti, Coull, The American Statistician 52 (1998) 119-126). This one is too wide, never too narrow.
    """
    assert 0.95 <= covering(up, down, n) <= most
