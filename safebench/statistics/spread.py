"""Where the spread of `unsafe` comes from: the queries, the target's own wavering, the jury."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np

from safebench.statistics.clusters import Integers, design_effect
from safebench.statistics.observations import Observations
from safebench.statistics.precision import precision, wilson
from safebench.store.store import Store
from safebench.types import Intent, Label, Outcome


def with_spread(cell: Mapping[str, Any], observed: Mapping[Intent, Observations], store: Store) -> dict[str, Any]:
    """The cell of a summary with `spread`, of its harmful items, and with what repeats leave of its precision.

    `repeats` is None where no query has two decided repeats, `jury` where no item has two votes. Repeats of one query
    are not independent: the interval of over-refusal, and what can be detected, are those of the effective numbers.
    """
    jury = jury_noise(_votes(store, cell["condition"]))
    variance = jury["variance"] if jury else None
    harmful, benign = (_repeats(cell["condition"], observed.get(intent), variance) for intent in Intent)
    told = {**cell, "spread": {"repeats": harmful, "jury": jury}, "precision": dict(cell["precision"])}
    for rate, found in (("asr", harmful), ("over_refusal", benign)):
        if found:
            told["precision"][rate] = precision(cell[rate], cell["precision"][rate]["n"], found["effective_n"])
    return told | ({"over_refusal_ci95": benign["ci95"]} if benign else {})


def _repeats(condition: str, observed: Observations | None, jury_variance: float | None) -> dict[str, Any] | None:
    if observed is None:
        return None
    column = observed.conditions.index(condition)
    rows = observed.decided[:, column]
    return repeats(observed.event[rows, column].astype(np.int64), observed.query[rows], jury_variance)


def repeats(values: Integers, queries: Integers, jury_variance: float | None) -> dict[str, Any] | None:
    """Variance of `values` (0 or 1) between and within queries, and the interval of their mean that follows.

    `shares` of the variance: of the queries, of the target and of the jury (both within queries); None where nothing
    varies, or nothing is known of the jury.
    """
    components = variance_components(values, queries)
    if components is None:
        return None
    between, within = components
    sums, sizes = np.bincount(queries, values), np.bincount(queries)
    n, rate = len(values), float(values.mean())
    effective = n / design_effect(sums, sizes, rate * (1 - rate))
    return {
        "items": n,
        "queries": int(np.count_nonzero(sizes)),
        "unsteady": float(np.mean(((sums > 0) & (sums < sizes))[sizes > 1])),
        "between": between,
        "within": within,
        "shares": _shares(between, within, jury_variance),
        "effective_n": effective,
        "ci95": wilson(rate * effective, effective),
    }


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


def _shares(between: float, within: float, jury: float | None) -> dict[str, float | None] | None:
    total = between + within
    if total <= 0:
        return None
    told: dict[str, float | None] = {"queries": between / total, "target": None, "jury": None}
    if jury is not None:
        of_jury = min(jury, within)
        told |= {"target": (within - of_jury) / total, "jury": of_jury / total}
    return told


# --- the jury

Votes = Sequence[Label]  # of one round, without abstentions


def jury_noise(items: Iterable[tuple[Votes, Votes]]) -> dict[str, Any] | None:
    """How often a verdict would turn if other jurors of the same kind had sat, from (first, last) votes of each item.

    `flip`: mean probability that as many votes, drawn with replacement from the last round's, have another majority or
    none; `variance`: of `unsafe` under that drawing. None where no item has two votes and a majority.
    """
    found = [(first, last) for first, last in items if len(last) > 1 and 2 * _leading(last) > len(last)]
    if not found:
        return None
    unsafe = np.array([_chance(last.count(Label.UNSAFE), len(last)) for _, last in found])
    return {
        "items": len(found),
        "split_first": float(np.mean([len(set(first)) > 1 for first, _ in found])),
        "split_last": float(np.mean([len(set(last)) > 1 for _, last in found])),
        "flip": float(np.mean([1 - _chance(_leading(last), len(last)) for _, last in found])),
        "variance": float(np.mean(unsafe * (1 - unsafe))),
    }


def _leading(votes: Votes) -> int:
    """How many votes the most frequent label has."""
    return max(Counter(votes).values())


@cache
def _chance(count: int, votes: int) -> float:
    """That a label with `count` of `votes` has more than half of as many votes drawn with replacement."""
    from scipy.stats import binom

    return float(binom.sf(votes // 2, votes, count / votes))


def _votes(store: Store, condition: str) -> Iterable[tuple[Votes, Votes]]:
    """First and last round of every harmful item that the jury decided."""
    for _, ballots in groupby(
        store.rows(_BALLOTS, condition, Intent.HARMFUL, Outcome.UNDECIDED), lambda row: row["item"]
    ):
        rounds: dict[int, list[Label]] = {}
        for row in ballots:
            rounds.setdefault(row["round"], []).append(Label(row["label"]))
        first, last = rounds[min(rounds)], rounds[max(rounds)]
        yield [vote for vote in first if vote != Label.ABSTAIN], [vote for vote in last if vote != Label.ABSTAIN]


_BALLOTS = """
SELECT b.item, b.round, b.label FROM ballots b JOIN items i ON i.id = b.item JOIN queries q ON q.id = i.query
WHERE i.condition = ? AND q.intent = ? AND i.outcome IS NOT NULL AND i.outcome <> ? ORDER BY b.item, b.round
"""
