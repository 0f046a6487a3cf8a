"""Every statistic against another implementation, a hand-computed case, or a simulation with known truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from scipy.stats import bootstrap

from safebench.jury.calibration.bootstrap import Statistic, estimate
from safebench.jury.calibration.votes import (
    CELLS,
    Votes,
    alpha,
    confusion,
    difference,
    effective_size,
    error_correlation,
    measures,
    share,
)


def votes(*values: int) -> Votes:
    return np.array(values, dtype=np.int8)


def value(statistic: Statistic) -> float | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(statistic.value(statistic.terms.sum(axis=0)))
    return found if np.isfinite(found) else None


def draw(seed: int, rows: int, raters: int, missing: float = 0.2) -> tuple[Votes, Votes]:
    """A truth, and votes that are right in three of four cases where they are not missing."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.4).astype(np.int8)
    said = np.where(rng.random((rows, raters)) < 0.75, truth[:, None], 1 - truth[:, None])
    return truth, np.where(rng.random((rows, raters)) < missing, -1, said).astype(np.int8)


def test_the_measures_of_a_case_computed_by_hand() -> None:
    truth = votes(1, 1, 1, 1, 1, 0, 0, 0, 0, 0)
    said = votes(1, 1, 1, 0, -1, 0, 0, 0, 1, -1)
    assert dict(zip(CELLS, confusion(truth, said).sum(axis=0), strict=True)) == {
        "true_positive": 3, "false_negative": 1, "missed_positive": 1,
        "false_positive": 1, "true_negative": 3, "missed_negative": 1,
    }  # fmt: skip
    found = {name: value(statistic) for name, statistic in measures(truth, said).items()}
    assert found == pytest.approx(
        {"right": 0.6, "accuracy": 0.75, "precision": 0.75, "recall": 0.75, "specificity": 0.75, "f1": 0.75,
         "kappa": 0.5, "missing": 0.2}
    )  # fmt: skip


def test_kappa_of_a_published_example() -> None:
    """50 proposals, 20 accepted by both readers, 15 by none, 5 and 10 by one: κ = 0.4 (Wikipedia, Cohen's kappa)."""
    first = votes(*[1] * 25, *[0] * 25)
    second = votes(*[1] * 20, *[0] * 5, *[1] * 10, *[0] * 15)
    assert value(measures(first, second)["kappa"]) == pytest.approx(0.4)


def test_what_is_undefined_has_no_value() -> None:
    never = measures(votes(1, 1, 0), votes(0, 0, 0))
    assert value(never["precision"]) is None
    assert value(never["recall"]) == 0
    assert value(measures(votes(1, 1), votes(-1, -1))["accuracy"]) is None
    assert value(measures(votes(1, 1), votes(-1, -1))["right"]) == 0
    assert value(alpha(np.ones((5, 2), dtype=np.int8))) is None
    assert value(error_correlation(votes(1, 0), np.array([[1, 1], [0, 0]], dtype=np.int8))) is None
    assert value(effective_size(votes(1, 0), np.array([[1], [1]], dtype=np.int8))) is None


@pytest.mark.parametrize("seed", range(8))
def test_alpha_is_that_of_another_implementation(seed: int) -> None:
    _, said = draw(seed, 40, 2 + seed % 4)
    data = np.where(said < 0, np.nan, said).T
    theirs = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
    assert value(alpha(said)) == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(5))
def test_the_error_correlation_is_that_of_errors_less_their_mean_in_each_class(seed: int) -> None:
    truth, said = draw(seed, 60, 4)
    found = []
    for a, b in combinations(range(4), 2):
        both = (said[:, a] >= 0) & (said[:, b] >= 0)
        left = []
        for juror in (a, b):
            errors = (said[both, juror] != truth[both]).astype(float)
            for kind in (0, 1):
                errors[truth[both] == kind] -= errors[truth[both] == kind].mean()
            left.append(errors)
        found.append(np.corrcoef(*left)[0, 1])
    mean = float(np.mean(found))
    assert value(error_correlation(truth, said)) == pytest.approx(mean)
    assert value(effective_size(truth, said)) == pytest.approx(4 / (1 + 3 * mean))


def test_jurors_who_err_together_are_worth_one_and_independent_ones_their_number() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(20_000) < 0.5).astype(np.int8)
    wrong = rng.random(20_000) < 0.3
    same = np.repeat(np.where(wrong, 1 - truth, truth)[:, None], 5, axis=1).astype(np.int8)
    assert value(effective_size(truth, same)) == pytest.approx(1)
    # much worse at one class than at the other: errors that come with the class are not shared errors
    rate = np.where(truth == 1, 0.5, 0.05)
    alone = np.where(rng.random((20_000, 5)) < rate[:, None], 1 - truth[:, None], truth[:, None]).astype(np.int8)
    assert value(error_correlation(truth, alone)) == pytest.approx(0, abs=0.01)
    assert value(effective_size(truth, alone)) == pytest.approx(5, rel=0.05)


def test_the_effective_size_is_that_of_the_variance_of_the_mean() -> None:
    """Where a juror takes a common error with probability g, two errors correlate by g²."""
    rng = np.random.default_rng(2)
    n, k, g, e = 50_000, 5, 0.6, 0.3
    truth = np.ones(n, dtype=np.int8)
    common, own = rng.random((n, 1)) < e, rng.random((n, k)) < e
    wrong = np.where(rng.random((n, k)) < g, common, own)
    jurors = np.where(wrong, 0, 1).astype(np.int8)
    assert value(error_correlation(truth, jurors)) == pytest.approx(g**2, abs=0.02)
    independent = e * (1 - e) / np.var(wrong.mean(axis=1))
    assert value(effective_size(truth, jurors)) == pytest.approx(independent, rel=0.02)


def test_difference_and_share_by_hand() -> None:
    truth, better, worse = votes(1, 1, 0, 0), votes(1, 1, 0, 1), votes(1, -1, 1, 1)
    assert value(difference(truth, better, worse)) == pytest.approx(3 / 4 - 1 / 4)
    part = np.array([[True, False], [True, True]])
    whole = np.array([[True, True], [False, True]])
    assert value(share(part, whole)) == pytest.approx(2 / 3)


# --- intervals


def test_the_interval_is_that_of_another_implementation() -> None:
    truth, said = draw(3, 150, 1, missing=0)
    ours = estimate({"a": measures(truth, said[:, 0])["accuracy"]}, [str(n) for n in range(150)], 9999, 0)["a"]["ci95"]
    right = (truth == said[:, 0]).astype(float)
    theirs = bootstrap((right,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0))
    assert ours == pytest.approx([theirs.confidence_interval.low, theirs.confidence_interval.high], abs=0.01)


def test_rows_of_one_cluster_are_drawn_together() -> None:
    truth, said = draw(4, 100, 1, missing=0)
    accuracy = {"a": measures(truth, said[:, 0])["accuracy"]}
    copies = {"a": measures(np.repeat(truth, 4), np.repeat(said[:, 0], 4))["accuracy"]}
    alone = estimate(accuracy, [str(n) for n in range(100)], 4000, 0)["a"]["ci95"]
    together = estimate(copies, [str(n // 4) for n in range(400)], 4000, 0)["a"]["ci95"]
    apart = estimate(copies, [str(n) for n in range(400)], 4000, 0)["a"]["ci95"]
    assert np.diff(together) == pytest.approx(np.diff(alone), rel=0.05)
    assert np.diff(apart) < 0.6 * np.diff(alone)


def test_an_estimate_without_a_value_has_no_interval() -> None:
    undefined = {"it": alpha(np.ones((5, 2), dtype=np.int8))}
    assert estimate(undefined, list("abcde"), 10, 0) == {"it": {"value": None, "ci95": None}}


def test_the_same_seed_gives_the_same_interval() -> None:
    _, said = draw(5, 50, 3)
    statistic = {"a": alpha(said)}
    clusters = [str(n) for n in range(50)]
    assert estimate(statistic, clusters, 300, 1) == estimate(statistic, clusters, 300, 1)
    assert estimate(statistic, clusters, 300, 1) != estimate(statistic, clusters, 300, 2)


COVERED: dict[str, tuple[Callable[[Votes, Votes], Statistic], float]] = {
    # two jurors with recall 0.8 and specificity 0.9 on 40 % positives, independent given the truth
    "accuracy": (lambda truth, said: measures(truth, said[:, 0])["accuracy"], 0.4 * 0.8 + 0.6 * 0.9),
    "recall": (lambda truth, said: measures(truth, said[:, 0])["recall"], 0.8),
    "precision": (lambda truth, said: measures(truth, said[:, 0])["precision"], 0.32 / 0.38),
    "kappa": (lambda truth, said: measures(truth, said[:, 0])["kappa"], (0.86 - 0.524) / (1 - 0.524)),
    "alpha": (lambda truth, said: alpha(said), 1 - 0.236 / (2 * 0.38 * 0.62)),
    "error correlation": (error_correlation, 0.0),
}


def test_intervals_cover_what_theory_says() -> None:
    """800 data sets, with the draws shared by all measures, as in a calibration."""
    rng = np.random.default_rng(11)
    rows, times, covered = 250, 800, Counter[str]()
    clusters = [str(n) for n in range(rows)]
    for time in range(times):
        truth = (rng.random(rows) < 0.4).astype(np.int8)
        right = rng.random((rows, 2)) < np.where(truth == 1, 0.8, 0.9)[:, None]
        said = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
        found = estimate({name: make(truth, said) for name, (make, _) in COVERED.items()}, clusters, 300, time)
        for name, (_, true) in COVERED.items():
            low, high = found[name]["ci95"]
            covered[name] += low <= true <= high
    assert {name: 0.93 <= covered[name] / times <= 0.97 for name in COVERED} == dict.fromkeys(COVERED, True)
