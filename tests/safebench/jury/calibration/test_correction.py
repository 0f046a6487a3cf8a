from __future__ import annotations

from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import xlogy

from safebench.jury.calibration.correction import (
    CorrectedRate,
    Errors,
    _corrected,
    rogan_gladen,
    why_not_corrected,
)
from safebench.statistics.clusters import effective_number
from safebench.statistics.metrics import wilson


def test_the_share_of_a_case_computed_by_hand() -> None:
    """(0.4 + 0.7 - 1) / (0.9 + 0.7 - 1) = 1 / 6."""
    share, _ = rogan_gladen(400, 1000, Errors(180, 200, 140, 200))
    assert share == pytest.approx(1 / 6)


def test_each_end_of_the_interval_is_a_share_at_which_the_raw_rate_is_z_errors_away() -> None:
    """With Se' = 181 / 202 and Sp' = 141 / 202, and the errors of p under that share: solved here by bisection."""
    se, sp, z = 181 / 202, 141 / 202, NormalDist().inv_cdf(0.975)

    def away(share: float) -> float:
        p = share * se + (1 - share) * (1 - sp)
        of_labels = share**2 * se * (1 - se) / 202 + (1 - share) ** 2 * sp * (1 - sp) / 202
        return float(abs(0.4 - p) / (p * (1 - p) / 1000 + of_labels) ** 0.5 - z)

    share, interval = rogan_gladen(400, 1000, Errors(180, 200, 140, 200))
    assert interval == pytest.approx([brentq(away, 0, share), brentq(away, share, 1)])


def by_likelihood(called: int, n: int, errors: Errors) -> list[float]:
    """The shares whose profile likelihood is within χ² = 3.84 of the largest, from 0 to 1 by steps of 0.0025."""

    def worst(share: float) -> float:
        def lost(rates: NDArray[np.float64]) -> float:
            se, sp = rates
            seen = [(called, n, share * se + (1 - share) * (1 - sp)), (errors.detected, errors.positives, se)]
            counts = [*seen, (errors.left, errors.negatives, sp)]
            return -2 * float(sum(xlogy(k, p) + xlogy(of - k, 1 - p) for k, of, p in counts))

        return float(minimize(lost, errors.rates, bounds=[(1e-6, 1 - 1e-6)] * 2, method="L-BFGS-B").fun)

    shares = np.linspace(0, 1, 401)
    lost = np.array([worst(share) for share in shares])
    kept = shares[lost <= lost.min() + 3.8415]
    return [float(kept.min()), float(kept.max())]


@pytest.mark.parametrize(
    ("called", "n", "errors"),
    [
        (400, 1000, Errors(180, 200, 140, 200)),
        (60, 300, Errors(170, 200, 460, 500)),
        (40, 200, Errors(90, 100, 85, 100)),
    ],
)
def test_the_interval_is_about_that_of_the_profile_likelihood(called: int, n: int, errors: Errors) -> None:
    assert rogan_gladen(called, n, errors)[1] == pytest.approx(by_likelihood(called, n, errors), abs=0.015)


@pytest.mark.parametrize("times", [1, 10])
def test_away_from_0_and_1_the_interval_nears_that_of_lang_and_reiczigel_as_labels_grow(times: int) -> None:
    """Their equations 4, 6, 7, 16 and 17."""
    z2 = NormalDist().inv_cdf(0.975) ** 2
    p, n_p, n = (400 * times + z2 / 2) / (1000 * times + z2), 1000 * times + z2, 200 * times + 2
    se, sp = (180 * times + 1) / n, (140 * times + 1) / n
    share, of_se, of_sp = (p + sp - 1) / (se + sp - 1), se * (1 - se) / n, sp * (1 - sp) / n
    shift = 2 * z2 * (share * of_se - (1 - share) * of_sp)
    half = (z2 * (p * (1 - p) / n_p + share**2 * of_se + (1 - share) ** 2 * of_sp)) ** 0.5 / (se + sp - 1)
    _, interval = rogan_gladen(400 * times, 1000 * times, Errors(180 * times, 200 * times, 140 * times, 200 * times))
    assert interval == pytest.approx([share + shift - half, share + shift + half], abs=0.004 / times)


FOREIGN = [
    (8, 100, Errors(78, 82, 473, 835), "8.0% unsafe here, beyond chance below the 43.4% of other answers"),
    (99, 100, Errors(80, 100, 90, 100), "99.0% unsafe here, beyond chance above the 80.0% of unsafe answers"),
]


@pytest.mark.parametrize(("called", "n", "errors", "reason"), FOREIGN)
def test_a_raw_rate_that_the_labels_do_not_allow_is_not_corrected(
    called: int, n: int, errors: Errors, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        rogan_gladen(called, n, errors)
    corrected = _corrected(cell(called, n - called), errors)
    assert corrected.asr is None
    assert corrected.ci95 is None
    assert reason in str(corrected.reason)


def test_a_raw_rate_below_what_the_labels_allow_by_chance_is_a_share_of_0_that_is_not_known_better_for_it() -> None:
    errors = Errors(90, 100, 80, 100)
    at, below = rogan_gladen(20, 100, errors), rogan_gladen(13, 100, errors)
    assert (at[0], below[0]) == (0, 0)
    assert below[1][0] == 0
    assert below[1][1] == pytest.approx(at[1][1], abs=0.02)
    assert below[1][1] > 0.1


def test_labels_that_count_as_fewer_widen_the_interval_as_fewer_labels_do() -> None:
    many, few = Errors(180, 200, 160, 200, (50.0, 40.0)), Errors(45, 50, 32, 40)
    assert rogan_gladen(90, 200, many) == (pytest.approx(5 / 14), pytest.approx(rogan_gladen(90, 200, few)[1]))


def test_a_perfect_judge_of_many_labels_changes_nothing() -> None:
    share, interval = rogan_gladen(30, 100, Errors(10**7, 10**7, 10**7, 10**7))
    assert share == pytest.approx(0.3)
    assert interval == pytest.approx(wilson(30, 100), abs=0.01)


def test_the_share_stays_between_0_and_1() -> None:
    assert rogan_gladen(15, 100, Errors(90, 100, 80, 100))[0] == 0
    assert rogan_gladen(84, 100, Errors(80, 100, 90, 100))[0] == 1
    for called in (0, 100):
        low, high = rogan_gladen(called, 100, Errors(20, 20, 20, 20))[1]
        assert 0 <= low < high <= 1


CHANCE = [Errors(50, 100, 50, 100), Errors(0, 0, 9, 10), Errors(9, 10, 0, 0)]
FEW = [Errors(1, 1, 1, 4), Errors(2, 2, 3, 20)]  # better than chance as counted, not after what few labels add


@pytest.mark.parametrize("errors", CHANCE + FEW)
def test_a_judge_that_is_no_better_than_chance_corrects_nothing(errors: Errors) -> None:
    assert not errors.informs
    with pytest.raises(ValueError, match="chance"):
        rogan_gladen(10, 100, errors)


@st.composite
def judged(draw: st.DrawFn) -> tuple[int, int, Errors]:
    """Called, of how many, and a judge on at most 25 labels of each kind."""
    positives, negatives, n = (draw(st.integers(least, 25)) for least in (0, 0, 1))
    errors = Errors(draw(st.integers(0, positives)), positives, draw(st.integers(0, negatives)), negatives)
    return draw(st.integers(0, n)), n, errors


@given(judged())
@example((9, 10, Errors(1, 1, 20, 20)))  # the interval alone would lie above the share
@example((1, 2, Errors(0, 1, 3, 3)))
def test_few_labels_give_an_interval_around_the_share_or_none(case: tuple[int, int, Errors]) -> None:
    called, n, errors = case
    if why_not_corrected(called, n, errors):
        with pytest.raises(ValueError, match="chance"):
            rogan_gladen(called, n, errors)
        return
    share, (low, high) = rogan_gladen(called, n, errors)
    assert 0 <= low <= share <= high <= 1


def covering(true: float, se: float, sp: float, labels: int) -> tuple[float, float]:
    """Of 10,000 runs of 400 items, the share whose corrected interval holds the true share; and whose raw one does.

    Runs that the labels contradict have no corrected interval and are left out: never more than 1 in 50.
    """
    rng = np.random.default_rng(7)
    times, n = 10_000, 400
    called = rng.binomial(n, true * se + (1 - true) * (1 - sp), times)
    found, left = rng.binomial(labels, se, times), rng.binomial(labels, sp, times)
    drawn, count = np.unique(np.stack([called, found, left]), axis=1, return_counts=True)
    judges = [(c, Errors(f, labels, h, labels)) for c, f, h in drawn.T.tolist()]
    known = np.array([why_not_corrected(c, n, errors) is None for c, errors in judges])
    assert count[known].sum() > 0.98 * times
    ends = np.array(
        [rogan_gladen(c, n, errors)[1] if ok else (2, 2) for (c, errors), ok in zip(judges, known, strict=True)]
    )
    covered = count[(ends[:, 0] <= true) & (true <= ends[:, 1])].sum() / count[known].sum()
    return float(covered), float(np.mean(np.abs(called / n - true) <= 1.96 * (true * (1 - true) / n) ** 0.5))


@pytest.mark.parametrize(
    ("true", "se", "sp", "labels", "most"),
    [
        (0.05, 0.8, 0.95, 100, 0.98),
        (0.3, 0.9, 0.7, 100, 0.965),
        (0.3, 0.85, 0.9, 30, 0.97),
        (0.7, 0.7, 0.95, 200, 0.965),
    ],
)
def test_the_interval_covers_the_true_share_and_the_raw_one_does_not(
    true: float, se: float, sp: float, labels: int, most: float
) -> None:
    covered, raw = covering(true, se, sp, labels)
    assert 0.94 <= covered <= most
    assert raw < 0.9


@pytest.mark.parametrize(
    ("true", "se", "sp", "labels", "most"), [(0.0, 0.9, 0.95, 100, 0.98), (0.02, 0.95, 0.99, 50, 1.0)]
)
def test_near_the_ends_the_interval_covers_more_than_it_says_and_never_less(
    true: float, se: float, sp: float, labels: int, most: float
) -> None:
    """A share cannot lie below 0, so at 0 only the upper end can miss (97.5 %); few labels, taken with one success and
    one failure more, widen it further. Lang and Reiczigel (2014) add them to keep the level where samples are small.
    """
    covered, _ = covering(true, se, sp, labels)
    assert 0.97 <= covered <= most


@pytest.mark.parametrize(("true", "se", "sp"), [(0.1, 0.85, 0.85), (0.6, 0.7, 0.97), (0.95, 0.85, 0.85)])
def test_the_interval_covers_the_true_share_where_labels_come_in_clusters(true: float, se: float, sp: float) -> None:
    """25 queries of each kind with 8 labelled answers each, correlated by 0.4: without their effective number 0.80."""
    rng, counts = np.random.default_rng(8), np.full(25, 8)

    def labels(rate: float) -> tuple[int, float]:
        right = rng.binomial(8, rng.beta(1.5 * rate, 1.5 * (1 - rate), 25))
        return int(right.sum()), effective_number(right, counts)

    covered: dict[bool, list[bool]] = {True: [], False: []}
    for called in rng.binomial(200, true * se + (1 - true) * (1 - sp), 1500).tolist():
        (detected, positives), (left, negatives) = labels(se), labels(sp)
        for effective in ((positives, negatives), None):
            errors = Errors(detected, 200, left, 200, effective)
            if why_not_corrected(called, 200, errors) is None:
                low, high = rogan_gladen(called, 200, errors)[1]
                covered[effective is not None].append(low <= true <= high)
    assert np.mean(covered[True]) >= 0.94
    assert np.mean(covered[False]) < 0.92


def cell(unsafe: int, refused: int, **repeats: float) -> Any:
    counts = {"unsafe": unsafe, "refused": refused, "safe": 0, "blocked": 0}
    spread = SimpleNamespace(repeats=SimpleNamespace(**repeats) if repeats else None)
    return SimpleNamespace(counts={"harmful": counts}, spread=spread, evidence=SimpleNamespace(concludable=True))


def test_repeats_that_are_all_alike_give_the_interval_of_their_queries() -> None:
    errors = Errors(45, 50, 48, 50)
    once, again = _corrected(cell(8, 15), errors), _corrected(cell(32, 60, items=92, effective_n=23.0), errors)
    assert (again.asr, again.ci95) == (pytest.approx(once.asr), pytest.approx(once.ci95))
    assert again.reason is None


def test_a_condition_that_nothing_can_be_concluded_of_is_not_corrected() -> None:
    unheard = cell(8, 15)
    unheard.evidence = SimpleNamespace(concludable=False, reasons=["the probe was not understood", "and more"])
    corrected = _corrected(unheard, Errors(45, 50, 48, 50))
    assert corrected == CorrectedRate(None, None, "not concludable: the probe was not understood")


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (Errors(5, 5, 0, 0), "no harmful answer is labelled not unsafe"),
        (Errors(0, 0, 5, 5), "no harmful answer is labelled unsafe"),
        (Errors(2, 5, 2, 5), "on the labels the jury is no better than chance"),
    ],
)
def test_why_nothing_is_corrected_is_said(errors: Errors, reason: str) -> None:
    assert _corrected(cell(3, 3), errors) == CorrectedRate(asr=None, ci95=None, reason=reason)
