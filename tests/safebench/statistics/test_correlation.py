"""A rank correlation with its interval: against another library, and what it must never claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from safebench.statistics.correlation import rank_correlation


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_another_library_also_with_ties(seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 6, size=(2, 12)).tolist()
    found = rank_correlation(*drawn)
    assert found.n == 12
    assert found.rho == pytest.approx(spearmanr(*drawn).statistic)


def test_the_interval_is_that_of_a_printed_formula() -> None:
    """By hand: rho 0.9 of five, z = 1.472, standard error sqrt((1 + 0.81 / 2) / 2) = 0.838."""
    found = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])
    assert found.rho == pytest.approx(0.9)
    assert found.ci95 is not None
    assert found.ci95 == pytest.approx((np.tanh(1.4722 - 1.96 * 0.83815), np.tanh(1.4722 + 1.96 * 0.83815)), abs=1e-3)


def test_four_models_in_perfect_order_show_nothing() -> None:
    found = rank_correlation([1, 2, 3, 4], [4, 3, 2, 1])
    assert found.rho == pytest.approx(-1)
    assert found.ci95 is not None
    assert found.ci95[0] == pytest.approx(-1)
    assert found.ci95[1] > 0


@pytest.mark.parametrize(("x", "y"), [([1, 2, 3], [1, 2, 3]), ([1] * 5, [1, 2, 3, 4, 5]), ([1, 2, 3, 4], [0.5] * 4)])
def test_too_few_models_and_models_that_are_all_alike_have_none(x: list[float], y: list[float]) -> None:
    found = rank_correlation(x, y)
    assert (found.n, found.rho, found.ci95) == (len(x), None, None)


def test_the_interval_holds_no_correlation_where_there_is_none() -> None:
    """Of 2,000 draws of ten unrelated pairs, in about 95 %."""
    drawn = np.random.default_rng(1).random((2000, 2, 10)).tolist()
    intervals = [rank_correlation(*pair).ci95 for pair in drawn]
    held = np.mean([low <= 0 <= high for low, high in filter(None, intervals)])
    assert 0.93 <= held <= 0.98
