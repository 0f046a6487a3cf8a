"""Statistics that are functions of sums over rows, with cluster bootstrap intervals.

Rows of one cluster (answers to one query) are drawn together, so that they are not taken for independent. Because every
statistic here depends on sums alone, a draw is a row of counts and all draws are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from safebench.jury.calibration import CONFIDENCE

Array = npt.NDArray[np.float64]
BATCH = 200  # draws held in memory at once


@dataclass(frozen=True, slots=True)
class Statistic:
    """`terms` (rows × m) is what each row adds; `value` takes sums (… × m) to values (…), nan where undefined."""

    terms: Array
    value: Callable[[Array], Array]


def estimate(
    statistics: Mapping[str, Statistic], clusters: Sequence[str], draws: int, seed: int
) -> dict[str, dict[str, Any]]:
    """`value` and `ci95` of every statistic: percentile intervals over draws of whole clusters (Efron, 1979).

    All statistics share the draws, so that they belong together. None where a value is undefined; draws in which it is
    are left out of the interval. `clusters` names the cluster of each row.
    """
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    terms = np.hstack([statistic.terms for statistic in statistics.values()])
    sums = np.zeros((len(names), terms.shape[1]))
    np.add.at(sums, index, terms)
    rng = np.random.default_rng(seed)
    sizes = [min(BATCH, draws - start) for start in range(0, draws, BATCH)]
    drawn = np.vstack([rng.multinomial(len(names), np.full(len(names), 1 / len(names)), n) @ sums for n in sizes])
    return dict(zip(statistics, _estimates(statistics, sums.sum(axis=0), drawn), strict=True))


def _estimates(statistics: Mapping[str, Statistic], whole: Array, drawn: Array) -> list[dict[str, Any]]:
    described, start = [], 0
    tails = 50 * (1 - CONFIDENCE)
    for statistic in statistics.values():
        columns = slice(start, start + statistic.terms.shape[1])
        start = columns.stop
        with np.errstate(divide="ignore", invalid="ignore"):
            value, values = float(statistic.value(whole[columns])), statistic.value(drawn[:, columns])
        defined = values[np.isfinite(values)]
        ends = [float(end) for end in np.percentile(defined, [tails, 100 - tails])] if len(defined) else None
        described.append({"value": value if np.isfinite(value) else None, "ci95": ends if np.isfinite(value) else None})
    return described
