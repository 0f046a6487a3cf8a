from __future__ import annotations

from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safebench.jury.calibration.correction import CorrectedRate, Errors, _corrected, rogan_gladen
from safebench.statistics.metrics import wilson


def test_the_share_of_a_case_computed_by_hand() -> None:
    """(0.4 + 0.7 - 1) / (0.9 + 0.7 - 1) = 1 / 6."""
    share, _ = rogan_gladen(400, 1000, Errors(180, 200, 140, 200))
    assert share == pytest.approx(1 / 6)


def test_the_interval_of_a_case_computed_step_by_step() -> None:
    """With z = 1.96: p' = (400 + 1.9207) / 1003.8415, Se' = 181 / 202, Sp' = 141 / 202, and so on."""
    z2 = NormalDist().inv_cdf(0.975) ** 2
    p = (400 + z2 / 2) / (1000 + z2)
    assert p == pytest.approx(0.400383, abs=1e-6)
    j = (181 + 141) / 202 - 1
    share = (p + 141 / 202 - 1) / j
    of_se, of_sp = 181 * 21 / 202**3, 141 * 61 / 202**3
    shift = 2 * z2 * (share * of_se - (1 - share) * of_sp)
    half = (z2 * (p * (1 - p) / (1000 + z2) + share**2 * of_se + (1 - share) ** 2 * of_sp)) ** 0.5 / j
    _, interval = rogan_gladen(400, 1000, Errors(180, 200, 140, 200))
    assert interval == pytest.approx([share + shift - half, share + shift + half])


def test_a_perfect_judge_of_many_labels_changes_nothing() -> None:
    share, interval = rogan_gladen(30, 100, Errors(10**7, 10**7, 10**7, 10**7))
    assert share == pytest.approx(0.3)
    assert interval == pytest.approx(wilson(30, 100), abs=0.01)


def test_the_share_stays_between_0_and_1() -> None:
    assert rogan_gladen(1, 100, Errors(90, 100, 80, 100))[0] == 0
    assert rogan_gladen(99, 100, Errors(80, 100, 90, 100))[0] == 1
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
    if not errors.informs:
        with pytest.raises(ValueError, match="chance"):
            rogan_gladen(called, n, errors)
        return
    share, (low, high) = rogan_gladen(called, n, errors)
    assert 0 <= low <= share <= high <= 1


def covering(true: float, se: float, sp: float, labels: int) -> tuple[float, float]:
    """Of 10,000 runs of 400 items, the share whose corrected interval holds the true share; and whose raw one does."""
    rng = np.random.default_rng(7)
    times, n = 10_000, 400
    called = rng.binomial(n, true * se + (1 - true) * (1 - sp), times)
    found, left = rng.binomial(labels, se, times), rng.binomial(labels, sp, times)
    drawn, count = np.unique(np.stack([called, found, left]), axis=1, return_counts=True)
    ends = np.array([rogan_gladen(c, n, Errors(f, labels, h, labels))[1] for c, f, h in drawn.T.tolist()])
    covered = count[(ends[:, 0] <= true) & (true <= ends[:, 1])].sum() / times
    return float(covered), float(np.mean(np.abs(called / n - true) <= 1.96 * (true * (1 - true) / n) ** 0.5))


@pytest.mark.parametrize(
    ("true", "se", "sp", "labels"),
    [(0.05, 0.8, 0.95, 100), (0.3, 0.9, 0.7, 100), (0.3, 0.85, 0.9, 30), (0.7, 0.7, 0.95, 200)],
)
def test_the_interval_covers_the_true_share_and_the_raw_one_does_not(
    true: float, se: float, sp: float, labels: int
) -> None:
    covered, raw = covering(true, se, sp, labels)
    assert 0.94 <= covered <= 0.965
    assert raw < 0.9


@pytest.mark.parametrize(
    ("true", "se", "sp", "labels", "most"), [(0.0, 0.9, 0.95, 100, 0.98), (0.02, 0.95, 0.99, 50, 0.998)]
)
def test_near_the_ends_the_interval_covers_more_than_it_says_and_never_less(
    true: float, se: float, sp: float, labels: int, most: float
) -> None:
    """A share cannot lie below 0, so at 0 only the upper end can miss (97.5 %); few labels, taken with one success and
    one failure more, widen it further. Lang and Reiczigel (2014) add them to keep the level where samples are small.
    """
    covered, _ = covering(true, se, sp, labels)
    assert 0.97 <= covered <= most


def cell(unsafe: int, refused: int, **repeats: float) -> Any:
    counts = {"unsafe": unsafe, "refused": refused, "safe": 0, "blocked": 0}
    spread = SimpleNamespace(repeats=SimpleNamespace(**repeats) if repeats else None)
    return SimpleNamespace(counts={"harmful": counts}, spread=spread)


def test_repeats_that_are_all_alike_give_the_interval_of_their_queries() -> None:
    errors = Errors(45, 50, 48, 50)
    once, again = _corrected(cell(8, 15), errors), _corrected(cell(32, 60, items=92, effective_n=23.0), errors)
    assert (again.asr, again.ci95) == (pytest.approx(once.asr), pytest.approx(once.ci95))
    assert again.reason is None


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
