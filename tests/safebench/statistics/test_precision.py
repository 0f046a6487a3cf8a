from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import proportion_confint, samplesize_proportions_2indep_onetail

from safebench.statistics.precision import Precision, detectable, detectable_paired, precision, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (7, 23), (190, 500)])
def test_wilson_interval_agrees_with_two_libraries(successes: int, n: int) -> None:
    interval = binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx([interval.low, interval.high], abs=1e-12)
    assert wilson(successes, n) == pytest.approx(proportion_confint(successes, n, method="wilson"), abs=1e-12)


def test_wilson_interval_takes_effective_counts() -> None:
    assert wilson(4.2, 13.6) == pytest.approx(proportion_confint(4.2, 13.6, method="wilson"), abs=1e-12)


@pytest.mark.parametrize("n", [50, 115, 500])
def test_wilson_interval_covers_95_percent(n: int) -> None:
    """Exactly, by summing the binomial probabilities of the results whose interval holds the true rate."""
    intervals = np.array([wilson(k, n) for k in range(n + 1)])
    covered = [
        binom.pmf(np.flatnonzero((intervals[:, 0] <= rate) & (rate <= intervals[:, 1])), n, rate).sum()
        for rate in np.linspace(0.1, 0.9, 81)
    ]
    assert 0.945 <= np.mean(covered) <= 0.955
    assert 0.92 <= min(covered) <= max(covered) <= 0.975  # it swings from rate to rate, because counts are whole


def test_fifty_items_have_a_half_width_of_13_9_points() -> None:
    told = precision(0.5, 50)
    assert told.half_width == pytest.approx(0.139, abs=5e-4)
    assert told.half_width == pytest.approx(1.959964 * math.sqrt(0.25 / 50), abs=1e-6)


def test_nothing_is_told_of_no_items() -> None:
    assert precision(None, 0) == Precision(n=0, half_width=None, detectable=None)
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("n", "rate"), [(20, 0.0), (50, 0.1), (50, 0.5), (500, 0.5), (2000, 0.03)])
def test_the_detectable_difference_needs_just_this_many_items(n: int, rate: float) -> None:
    difference = detectable(n, rate)
    assert difference is not None
    needed = samplesize_proportions_2indep_onetail(difference, rate, 0.8, alpha=0.05, alternative="two-sided")
    assert needed == pytest.approx(n, rel=1e-6)


def test_the_detectable_difference_is_the_same_for_a_rate_and_its_complement() -> None:
    assert detectable(60, 0.2) == pytest.approx(detectable(60, 0.8))


@pytest.mark.parametrize(("n", "rate"), [(1, 0.0), (1, 1.0), (10, 0.5)])
def test_a_cell_can_be_too_small_for_any_difference(n: int, rate: float) -> None:
    assert detectable(n, rate) is None
    assert detectable_paired(1, 0.0) is None


def test_the_detectable_paired_difference_agrees_with_a_published_sample_size() -> None:
    """Connor 1987, as computed by powerandsamplesize.com: p10 = 0.05, p01 = 0.45, power 0.8, two-sided: 23 pairs."""
    found, too_few = detectable_paired(23, 0.5), detectable_paired(22, 0.5)
    assert found is not None
    assert too_few is not None
    assert found <= 0.4 < too_few


@pytest.mark.parametrize(("n", "discordant"), [(1000, 0.3), (3000, 0.1)])
def test_mcnemars_test_finds_the_detectable_paired_difference_four_times_in_five(n: int, discordant: float) -> None:
    difference = detectable_paired(n, discordant)
    assert difference is not None
    up, down = (discordant + difference) / 2, (discordant - difference) / 2
    counts = np.random.default_rng(0).multinomial(n, [up, down, 1 - discordant], size=20_000)
    z = (counts[:, 0] - counts[:, 1]) / np.sqrt(np.maximum(counts[:, 0] + counts[:, 1], 1))
    assert np.mean(np.abs(z) > 1.959964) == pytest.approx(0.8, abs=0.015)


def test_the_whole_difference_has_to_be_discordant() -> None:
    without, some = detectable_paired(100, 0.0), detectable_paired(100, 0.05)
    assert without is not None
    assert some == pytest.approx(
        without
    )  # 5 % discordant pairs cannot carry a difference of 7 points: more would have to differ
    assert without > 0.05


def test_items_that_count_as_fewer_tell_as_much_as_fewer() -> None:
    assert precision(0.5, 200, 50.0) == replace(precision(0.5, 50), n=200)
