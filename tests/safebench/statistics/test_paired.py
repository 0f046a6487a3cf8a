from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from safebench.statistics.paired import CochranQ, cochran_q, holm, mcnemar


def differences(up: int, down: int, same: int = 3) -> np.ndarray:
    return np.array([1] * up + [-1] * down + [0] * same)


@pytest.mark.parametrize(
    ("up", "down", "p"),
    [(12, 2, 0.0129), (16, 6, 0.052479)],  # Armitage & Berry 1994, p. 127; Cavo et al. 2012 (R: contingencytables 3.1)
)
def test_mcnemars_exact_p_agrees_with_published_ones(up: int, down: int, p: float) -> None:
    assert mcnemar(differences(up, down)) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(("up", "down"), [(0, 0), (1, 0), (0, 6), (5, 5), (9, 3), (300, 340)])
def test_mcnemars_exact_p_agrees_with_statsmodels(up: int, down: int) -> None:
    expected = statsmodels_mcnemar([[10, up], [down, 10]], exact=True).pvalue
    assert mcnemar(differences(up, down)) == pytest.approx(expected, abs=1e-9)


def test_with_repeats_it_is_the_exact_permutation_test_of_the_clusters() -> None:
    sums = np.array([3, -1, 2, 2, 0, 1, -3, 3, 2])
    expected = permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert mcnemar(sums) == pytest.approx(expected, abs=1e-12)


def test_with_repeats_it_keeps_its_level_where_the_test_of_single_pairs_does_not() -> None:
    random = np.random.default_rng(0)
    sums = 5 * random.choice([-1, 0, 0, 1], size=(400, 40))  # five identical repeats, no true difference
    assert np.mean([mcnemar(one) < 0.05 for one in sums]) <= 0.06
    assert np.mean([mcnemar(np.repeat(one // 5, 5)) < 0.05 for one in sums]) > 0.2


def test_cochrans_q_agrees_with_statsmodels() -> None:
    events = (np.random.default_rng(1).random((60, 4)) < [0.2, 0.3, 0.4, 0.5]).astype(int)
    expected = cochrans_q(events)
    told = cochran_q(events)
    assert (told.statistic, told.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (told.n, told.df) == (60, 3)


@pytest.mark.parametrize("events", [np.zeros((5, 3), int), np.ones((5, 3), int), np.zeros((0, 3), int)])
def test_cochrans_q_tells_nothing_where_no_row_varies(events: np.ndarray) -> None:
    assert cochran_q(events) == CochranQ(n=len(events), statistic=None, df=2, p=None)


def test_holms_correction_agrees_with_statsmodels() -> None:
    p = np.random.default_rng(2).random(30) ** 3
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1])


def test_holms_correction_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []
