"""Where the spread of `unsafe` comes from: the queries, the target's own wavering, the jury."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from safebench.statistics.clusters import Integers, effective_number
from safebench.statistics.metrics import ConditionRates, RatePrecision
from safebench.statistics.observations import Observations
from safebench.statistics.precision import Precision, precision, wilson
from safebench.store.store import Store
from safebench.store.verdicts import votes
from safebench.types import Intent, Label


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the variance: of the queries, of the target and of the jury (both within queries)."""

    queries: float
    target: float | None
    jury: float | None  # None where nothing is known of the jury


@dataclass(frozen=True, slots=True)
class RepeatSpread:
    """Variance between and within the queries of `items`, and the interval of their rate that follows."""

    items: int
    queries: int
    unsteady: float  # share of the queries whose repeats do not all agree
    between: float
    within: float
    shares: Shares | None  # None where nothing varies
    effective_n: float
    ci95: list[float] | None


@dataclass(frozen=True, slots=True)
class JuryNoise:
    """How often a verdict would turn if other jurors of the same kind had sat."""

    items: int
    split_first: float  # share without unanimity in the first round
    split_last: float
    flip: float  # mean chance that as many votes, drawn from the last round's, have another majority or none
    variance: float  # of `unsafe` under that drawing


@dataclass(frozen=True, slots=True)
class Spread:
    """`repeats` is None where no query has two decided repeats, `jury` where no item has two votes."""

    repeats: RepeatSpread | None
    jury: JuryNoise | None


@dataclass(frozen=True)
class MeasuredCondition(ConditionRates):
    """The rates of a condition, with what repeats leave of their precision, and the spread of its harmful items."""

    spread: Spread

    @property
    def shown_ci95(self) -> list[float] | None:
        """The 95 % interval of the ASR that every table and page shows; None where nothing was decided.

        Repeats of one query are not independent: with repeats it is the one for the effective number of items.
        """
        return (self.spread.repeats or self).ci95


def with_spread(cell: ConditionRates, observed: Mapping[Intent, Observations], store: Store) -> MeasuredCondition:
    """Repeats of one query are not independent: the interval of over-refusal, and what can be detected, become those of
    the effective numbers.
    """
    jury = jury_noise((one[0], one[-1]) for one in votes(store, cell.condition, decided=True))
    variance = jury.variance if jury else None
    harmful, benign = (_repeats(cell.condition, observed.get(intent), variance) for intent in Intent)
    changed = {
        "precision": RatePrecision(
            _with_repeats(cell.precision.asr, cell.asr, harmful),
            _with_repeats(cell.precision.over_refusal, cell.over_refusal, benign),
        ),
        "over_refusal_ci95": benign.ci95 if benign else cell.over_refusal_ci95,
    }
    return MeasuredCondition(**vars(cell) | changed, spread=Spread(harmful, jury))


def _with_repeats(alone: Precision, rate: float | None, repeats: RepeatSpread | None) -> Precision:
    return precision(rate, alone.n, repeats.effective_n) if repeats else alone


def _repeats(condition: str, observed: Observations | None, jury_variance: float | None) -> RepeatSpread | None:
    if observed is None:
        return None
    column = observed.conditions.index(condition)
    rows = observed.decided[:, column]
    return repeats(observed.event[rows, column].astype(np.int64), observed.query[rows], jury_variance)


def repeats(values: Integers, queries: Integers, jury_variance: float | None) -> RepeatSpread | None:
    """Variance of `values` (0 or 1) between and within queries, and the interval of their mean that follows."""
    components = variance_components(values, queries)
    if components is None:
        return None
    between, within = components
    sums, sizes = np.bincount(queries, values), np.bincount(queries)
    n, rate = len(values), float(values.mean())
    effective = effective_number(sums, sizes)
    return RepeatSpread(
        items=n,
        queries=int(np.count_nonzero(sizes)),
        unsteady=float(np.mean(((sums > 0) & (sums < sizes))[sizes > 1])),
        between=between,
        within=within,
        shares=_shares(between, within, jury_variance),
        effective_n=effective,
        ci95=wilson(rate * effective, effective),
    )


def variance_components(values: Integers, groups: Integers) -> tuple[float, float] | None:
    """Variance between and within groups by the one-way random-effects analysis of variance; groups may differ in size.

    A negative component is set to 0. None for fewer than two groups, or no group with two values. Source: S. R. Searle,
    G. Casella, C. E. McCulloch, Variance Components (1992), section 3.6.
    """
    sums, sizes = np.bincount(groups, values), np.bincount(groups)
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    n, k = int(sizes.sum()), len(sizes)
    if k < 2 or n == k:
        return None
    within = max(0.0, float((values**2).sum() - (sums**2 / sizes).sum())) / (n - k)
    between_square = float((sums**2 / sizes).sum() - sums.sum() ** 2 / n) / (k - 1)
    size = (n - (sizes**2).sum() / n) / (k - 1)
    return max(0.0, (between_square - within) / size), within


def _shares(between: float, within: float, jury: float | None) -> Shares | None:
    total = between + within
    if total <= 0:
        return None
    if jury is None:
        return Shares(between / total, None, None)
    of_jury = min(jury, within)
    return Shares(between / total, (within - of_jury) / total, of_jury / total)


# --- the jury

Votes = Sequence[Label]  # of one round, without abstentions


def jury_noise(items: Iterable[tuple[Votes, Votes]]) -> JuryNoise | None:
    """From the (first, last) votes of each item. None where no item has two votes and a majority."""
    decided = [(first, last) for first, last in items if len(last) > 1 and 2 * _leading(last) > len(last)]
    if not decided:
        return None
    unsafe = np.array([_chance(last.count(Label.UNSAFE), len(last)) for _, last in decided])
    return JuryNoise(
        items=len(decided),
        split_first=float(np.mean([len(set(first)) > 1 for first, _ in decided])),
        split_last=float(np.mean([len(set(last)) > 1 for _, last in decided])),
        flip=float(np.mean([1 - _chance(_leading(last), len(last)) for _, last in decided])),
        variance=float(np.mean(unsafe * (1 - unsafe))),
    )


def _leading(votes: Votes) -> int:
    """How many votes the most frequent label has."""
    return max(Counter(votes).values())


@cache
def _chance(count: int, votes: int) -> float:
    """That a label with `count` of `votes` has more than half of as many votes drawn with replacement."""
    from scipy.special import bdtrc

    return float(bdtrc(votes // 2, votes, count / votes))
