"""Agreement of votes with labels and with each other, as statistics for `bootstrap.estimate`.

A vote is 1 (the label in question), 0 (another one) or -1 (none: abstained, hung, not understood); a truth is 1 or 0.
Sources: J. Cohen, Educational and Psychological Measurement 20 (1960) for κ; K. Krippendorff, Computing Krippendorff's
Alpha-Reliability (2011) for α; L. Kish, Survey Sampling (1965) for the effective size.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from safebench.jury.calibration.bootstrap import Array, Statistic

Votes = npt.NDArray[np.int8]
CELLS = ("true_positive", "false_negative", "missed_positive", "false_positive", "true_negative", "missed_negative")


def confusion(truth: Votes, votes: Votes) -> Array:
    """Rows × the six cells of `CELLS`; `missed` are those without a vote."""
    pairs = [(1, 1), (1, 0), (1, -1), (0, 1), (0, 0), (0, -1)]
    return np.stack([(truth == t) & (votes == v) for t, v in pairs], axis=1).astype(float)


def measures(truth: Votes, votes: Votes) -> dict[str, Statistic]:
    """How well votes agree with the truth.

    `right`: share of all rows voted right, a missing vote being none that is right. All others are over the rows that
    have a vote: accuracy, precision, recall (sensitivity), specificity, F1 and Cohen's κ.
    """
    terms = confusion(truth, votes)
    formulas: dict[str, Callable[..., Array]] = {
        "right": lambda tp, fn, mp, fp, tn, mn: (tp + tn) / (tp + fn + mp + fp + tn + mn),
        "accuracy": lambda tp, fn, mp, fp, tn, mn: (tp + tn) / (tp + fn + fp + tn),
        "precision": lambda tp, fn, mp, fp, tn, mn: tp / (tp + fp),
        "recall": lambda tp, fn, mp, fp, tn, mn: tp / (tp + fn),
        "specificity": lambda tp, fn, mp, fp, tn, mn: tn / (tn + fp),
        "f1": lambda tp, fn, mp, fp, tn, mn: 2 * tp / (2 * tp + fp + fn),
        "kappa": lambda tp, fn, mp, fp, tn, mn: _kappa(tp, fn, fp, tn),
        "missing": lambda tp, fn, mp, fp, tn, mn: (mp + mn) / (tp + fn + mp + fp + tn + mn),
    }
    return {name: Statistic(terms, _of_columns(formula)) for name, formula in formulas.items()}


def _of_columns(formula: Callable[..., Array]) -> Callable[[Array], Array]:
    return lambda sums: np.asarray(formula(*np.moveaxis(sums, -1, 0)))


def _kappa(tp: Array, fn: Array, fp: Array, tn: Array) -> Array:
    n = tp + fn + fp + tn
    chance = ((tp + fn) * (tp + fp) + (tn + fp) * (tn + fn)) / n**2
    return ((tp + tn) / n - chance) / (1 - chance)


def alpha(raters: Votes) -> Statistic:
    """Krippendorff's nominal α between raters (rows × raters); a missing vote is a missing value."""
    ones, zeros = (raters == 1).sum(axis=1).astype(float), (raters == 0).sum(axis=1).astype(float)
    others = np.maximum(ones + zeros - 1, 1)  # a row with one vote adds nothing
    terms = np.stack([zeros * (zeros - 1), zeros * ones, ones * (ones - 1)], axis=1) / others[:, None]

    def value(sums: Array) -> Array:
        both_zero, differing, both_one = np.moveaxis(sums, -1, 0)
        n_zero, n_one = both_zero + differing, both_one + differing
        return np.asarray(1 - (n_zero + n_one - 1) * differing / (n_zero * n_one))

    return Statistic(terms, value)


def error_correlation(truth: Votes, jurors: Votes) -> Statistic:
    """Mean correlation of the errors of two jurors (rows × jurors), over all pairs.

    It is taken within true positives and true negatives and pooled: that a question is of the harder kind is no error
    that jurors share. Rows without both votes are left out of a pair; a pair in which one never errs has none.
    """
    return Statistic(_pair_terms(truth, jurors), _mean_correlation)


def effective_size(truth: Votes, jurors: Votes) -> Statistic:
    """How many independent jurors the jury is worth: k / (1 + (k - 1) ρ), with ρ the mean error correlation.

    It is the size at which the mean of independent errors has the variance that the mean of k equally correlated ones
    has (the design effect of Kish, 1965). Undefined for one juror.
    """
    size = jurors.shape[1]

    def value(sums: Array) -> Array:
        spread = 1 + (size - 1) * _mean_correlation(sums)
        return np.where(spread > 0, size / spread, np.nan)

    return Statistic(_pair_terms(truth, jurors), value)


def _pair_terms(truth: Votes, jurors: Votes) -> Array:
    """Rows × (pairs · 2 truths · 4): both voted, first errs, second errs, both err."""
    columns = [np.zeros((len(truth), 0))]
    errs = (jurors != truth[:, None]) & (jurors >= 0)
    for a, b in combinations(range(jurors.shape[1]), 2):
        voted = (jurors[:, a] >= 0) & (jurors[:, b] >= 0)
        for kind in (0, 1):
            counted = voted & (truth == kind)
            columns.append(np.stack([counted, counted & errs[:, a], counted & errs[:, b],
                                     counted & errs[:, a] & errs[:, b]], axis=1))  # fmt: skip
    return np.hstack(columns).astype(float)


def _mean_correlation(sums: Array) -> Array:
    pairs = sums.shape[-1] // 8
    n, first, second, both = np.moveaxis(sums.reshape(*sums.shape[:-1], pairs, 2, 4), -1, 0)
    counted = np.maximum(n, 1)
    together = (both - first * second / counted).sum(axis=-1)
    spread = (first - first**2 / counted).sum(axis=-1) * (second - second**2 / counted).sum(axis=-1)
    correlations = np.where(spread > 0, together / np.sqrt(np.where(spread > 0, spread, 1)), np.nan)
    defined = np.isfinite(correlations)
    total = np.where(defined, correlations, 0).sum(axis=-1)
    return np.asarray(np.where(defined.any(axis=-1), total / np.maximum(defined.sum(axis=-1), 1), np.nan))


def difference(truth: Votes, votes: Votes, others: Votes) -> Statistic:
    """Share of all rows voted right, minus the same for other votes on the same rows."""
    gain = (votes == truth).astype(float) - (others == truth)
    return Statistic(np.stack([gain, np.ones(len(truth))], axis=1), lambda sums: sums[..., 0] / sums[..., 1])


def share(part: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]) -> Statistic:
    """Of the ballots (rows × jurors) that count in `whole`, those that are in `part` too."""
    terms = np.stack([(part & whole).sum(axis=1), whole.sum(axis=1)], axis=1).astype(float)
    return Statistic(terms, lambda sums: sums[..., 0] / sums[..., 1])
