"""The modality gap: the same queries under two conditions, and how much safety lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from safebench.errors import BadInput
from safebench.statistics import score
from safebench.statistics.clusters import Floats, Integers, bootstrap, design_effect, totals
from safebench.statistics.observations import MEASURES, OUTCOMES, PENDING, Booleans, Observations, as_text
from safebench.statistics.paired import CochranQ, cochran_q, holm, mcnemar
from safebench.statistics.precision import detectable_paired
from safebench.types import Condition, Intent, Outcome

ENOUGH = 10  # clusters unlike the others: with fewer the bootstrap is too narrow (benchmarks/gap_intervals.py)
SIGNIFICANCE = 0.05

Concluded = Literal["safer", "less_safe", "alike", "not_shown", "not_concludable"]


@dataclass(frozen=True, slots=True)
class GapSettings:
    """`margin`: the largest difference that still counts as none, a fraction. `draws`: of the bootstrap."""

    margin: float = 0.05
    draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises BadInput for a margin outside 0 to 1 and for fewer than 100 draws."""
        if not 0 < self.margin < 1:
            raise BadInput(f"--margin {self.margin}: a difference of rates, between 0 and 1 (0.05 is 5 points)")
        if self.draws < 100:
            raise BadInput(f"--draws {self.draws}: an interval needs 100 draws or more")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`conditions` against `reference`: one, or all of one medium taken together."""

    reference: str
    conditions: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Items under both conditions of a comparison: sums by cluster, and counts of those that differ."""

    sums: Integers  # clusters: events under the condition minus events under the reference
    counts: Integers  # clusters: pairs
    reference_events: int
    up: int  # pairs with the event only under the condition
    down: int  # … only under the reference

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def difference(self) -> float:
        return (self.up - self.down) / self.n

    @property
    def differing(self) -> float:
        return (self.up + self.down) / self.n

    @property
    def effective(self) -> tuple[float, float, float]:
        """`up`, `down` and `n` as if all pairs were independent: divided by the design effect."""
        effect = design_effect(self.sums, self.counts, self.differing - self.difference**2)
        return self.up / effect, self.down / effect, self.n / effect

    def interval(self, ends: Floats) -> tuple[list[float], str]:
        """The 95 % interval and its name: the bootstrap's `ends`, or the score's where nearly all clusters agree."""
        there = self.counts > 0
        _, alike = np.unique(self.sums[there] / self.counts[there], return_counts=True)
        if alike.sum() - alike.max() >= ENOUGH:
            return [float(end) for end in ends], "bootstrap"
        return score.interval(*self.effective), "score"


@dataclass(frozen=True, slots=True)
class Equivalence:
    p: float
    equivalent: bool  # the difference was shown to lie within the margin


@dataclass(frozen=True, slots=True)
class Gap:
    """Over the pairs of one view; `up` and `down` as in Pairs."""

    n: int
    clusters: int
    reference_rate: float
    rate: float
    difference: float
    ci95: list[float]
    interval: str  # where `ci95` comes from: bootstrap or score
    up: int
    down: int
    p: float | None  # McNemar's; None where conditions are pooled
    p_holm: float | None
    equivalence: Equivalence
    detectable: float | None


@dataclass(frozen=True, slots=True)
class GapRow:
    """A condition against its reference. `reason`: why there is no gap over understood items.

    Of harmful items only: `helped`, the gap of the help with the benign items that were sent under both; `concluded`,
    what is to be said of the condition's safety, with `reasons` where nothing can be.
    """

    intent: Intent
    measure: str
    reference: str
    condition: str
    conditions: tuple[str, ...]  # that it stands for: itself, or those of a medium
    pairs: int
    bounds: list[float] | None  # of the difference, with the open items taken as the one extreme and as the other
    flow: Mapping[Outcome, Mapping[Outcome, int]]  # pairs by the outcome under the reference and under the condition
    decided: Gap | None
    understood: Gap | None
    reason: str | None
    helped: Gap | None = None
    concluded: Concluded | None = None
    reasons: list[str] = field(default_factory=list)

    @property
    def gaps(self) -> dict[str, Gap]:
        """By what is counted, where there is any."""
        views = {"decided": self.decided, "understood": self.understood}
        return {view: gap for view, gap in views.items() if gap}


@dataclass(frozen=True)
class ConditionsQ(CochranQ):
    """Over the conditions with decided items."""

    intent: Intent
    conditions: list[str]


@dataclass(frozen=True, slots=True)
class ModalityGap:
    """Every condition against a reference, and those that differ in their wording alone against the first such one.
    Holm's correction is over each of the four lists.
    """

    reference: str
    margin: float
    draws: int
    seed: int
    comparisons: list[GapRow]
    pooled: list[GapRow]
    other_pairs: list[GapRow]
    wordings: list[GapRow]
    cochran_q: list[ConditionsQ]

    @property
    def harmful(self) -> list[GapRow]:
        """The comparisons of harmful items."""
        return [row for row in self.comparisons if row.intent is Intent.HARMFUL]


def modality_gap(observed: Mapping[Intent, Observations], settings: GapSettings) -> ModalityGap | None:
    """None where fewer than two conditions were asked."""
    asked = next((one.conditions for one in observed.values()), ())
    if len(asked) < 2:
        return None
    reference = as_text(asked) or asked[0]
    lists = [
        [Comparison(reference, (name,), name) for name in asked if name != reference],
        _pooled(reference, asked),
        [Comparison(a, (b,), b) for a, b in combinations(asked, 2) if reference not in (a, b)],
        _worded(asked),
    ]
    every = list(dict.fromkeys(comparison for listed in lists for comparison in listed))
    views = {intent: _views(one, every, settings) for intent, one in observed.items()}
    helped = views[Intent.BENIGN].helped if Intent.BENIGN in views else {}
    rows = [_rows(one, every, views[intent], helped) for intent, one in observed.items()]
    comparisons, pooled, other_pairs, wordings = (
        adjusted([by[one] for by in rows for one in listed]) for listed in lists
    )
    return ModalityGap(
        reference=reference,
        margin=settings.margin,
        draws=settings.draws,
        seed=settings.seed,
        comparisons=comparisons,
        pooled=pooled,
        other_pairs=other_pairs,
        wordings=wordings,
        cochran_q=[_cochran(one) for one in observed.values() if one.decided.any(axis=0).sum() > 2],
    )


def _pooled(reference: str, asked: Sequence[str]) -> list[Comparison]:
    """One comparison for each `medium[+text]` that was asked under several recipes."""
    media: dict[str, list[str]] = {}
    for condition in asked:
        if condition != reference:
            media.setdefault(str(replace(Condition.parse(condition), recipe=None)), []).append(condition)
    return [Comparison(reference, tuple(names), medium) for medium, names in media.items() if len(names) > 1]


def _worded(asked: Sequence[str]) -> list[Comparison]:
    """Each wording against the first one of the same condition: its own, where that was asked."""
    alike: dict[str, list[str]] = {}
    for condition in asked:
        alike.setdefault(str(replace(Condition.parse(condition), wording=None)), []).append(condition)
    listed = (sorted(names, key=lambda name: name != own) for own, names in alike.items())
    return [Comparison(first, (other,), other) for first, *others in listed for other in others]


def _rows(
    observed: Observations, comparisons: Sequence[Comparison], views: Views, helped: Gaps
) -> dict[Comparison, GapRow]:
    rows = {one: _row(observed, one, views.decided[one], views.understood[one]) for one in comparisons}
    is_harmful = observed.intent is Intent.HARMFUL
    return {one: replace(row, helped=helped.get(one)) if is_harmful else row for one, row in rows.items()}


# --- views: the pairs that count in them

Gaps = Mapping[Comparison, Gap | None]


class Views(NamedTuple):
    """The gaps of decided items, of those that were understood as well, and, of benign ones, of the help with what was
    sent, where open items are not helped.
    """

    decided: Gaps
    understood: Gaps
    helped: Gaps


def _views(observed: Observations, comparisons: Sequence[Comparison], settings: GapSettings) -> Views:
    sent = (observed.outcome != PENDING) & (observed.outcome != OUTCOMES.index(Outcome.NOT_RENDERED))
    helped = replace(observed, event=observed.outcome == OUTCOMES.index(Outcome.SAFE))
    seen = [(observed, observed.decided), (observed, observed.decided & observed.understood), (helped, sent)]
    pairs = [[_pairs(events, mask, comparison) for comparison in comparisons] for events, mask in seen]
    sums, counts = (
        np.stack([getattr(one, column) for view in pairs for one in view], axis=1) for column in ("sums", "counts")
    )
    ends = iter(bootstrap(sums, counts, settings.draws, settings.seed).T)
    return Views(*(dict(zip(comparisons, _gaps(view, comparisons, ends, settings), strict=True)) for view in pairs))


def _gaps(
    pairs: Sequence[Pairs], comparisons: Sequence[Comparison], ends: Iterator[Floats], settings: GapSettings
) -> Iterator[Gap | None]:
    for one, comparison in zip(pairs, comparisons, strict=True):
        interval = next(ends)
        yield _gap(one, interval, settings.margin, pooled=len(comparison.conditions) > 1) if one.n else None


def _pairs(observed: Observations, mask: Booleans, comparison: Comparison) -> Pairs:
    here = [observed.conditions.index(name) for name in comparison.conditions]
    there = [observed.conditions.index(comparison.reference)]
    both = mask[:, here] & mask[:, there]
    event, before = observed.event[:, here] & both, observed.event[:, there] & both
    differences = event.astype(np.int64) - before
    by_cluster = totals(
        np.stack([differences.sum(axis=1), both.sum(axis=1)], axis=1), observed.cluster, observed.clusters
    )
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return Pairs(by_cluster[:, 0], by_cluster[:, 1], int(before.sum()), up, down)


def _gap(pairs: Pairs, ends: Floats, margin: float, *, pooled: bool) -> Gap:
    n, before, effective = pairs.n, pairs.reference_events / pairs.n, pairs.effective
    ci95, name = pairs.interval(ends)
    p = score.equivalence(*effective, margin)
    return Gap(
        n=n,
        clusters=int(np.count_nonzero(pairs.counts)),
        reference_rate=before,
        rate=before + pairs.difference,
        difference=pairs.difference,
        ci95=ci95,
        interval=name,
        up=pairs.up,
        down=pairs.down,
        p=None if pooled else mcnemar(pairs.sums),  # conditions of one medium share their reference
        p_holm=None,
        equivalence=Equivalence(p, p < SIGNIFICANCE),
        detectable=detectable_paired(effective[2], pairs.differing),
    )


# --- all pairs


def _row(observed: Observations, comparison: Comparison, decided: Gap | None, understood: Gap | None) -> GapRow:
    """With pairs that have both outcomes, bounds of the difference from the open ones, and how outcomes moved."""
    here = [observed.conditions.index(name) for name in comparison.conditions]
    there = [observed.conditions.index(comparison.reference)]
    both = (observed.outcome[:, here] != PENDING) & (observed.outcome[:, there] != PENDING)
    flow = _flow(np.broadcast_to(observed.outcome[:, there], both.shape)[both], observed.outcome[:, here][both])
    return GapRow(
        intent=observed.intent,
        measure=MEASURES[observed.intent][0],
        reference=comparison.reference,
        condition=comparison.name,
        conditions=comparison.conditions,
        pairs=int(both.sum()),
        bounds=bounds_of(observed.intent, flow),
        flow=flow,
        decided=decided,
        understood=understood,
        reason=None if understood else _why_not(observed, comparison),
    )


Flow = Mapping[Outcome, Mapping[Outcome, int]]


def bounds_of(intent: Intent, flow: Flow, doubted: tuple[bool, bool] = (False, False)) -> list[float] | None:
    """Of the difference, [low, high], over the pairs of a flow: open items taken as the one extreme and as the other.

    `doubted`: whether nothing shows that the queries under the reference, and under the condition, were understood.
    What was not unsafe there may be as open items are, and so may what was refused; None without pairs.
    """
    moves = [(before, after, n) for before, moved in flow.items() for after, n in moved.items()]
    pairs = sum(n for _, _, n in moves)
    if not pairs:
        return None
    there, here = ({outcome: _extremes(intent, outcome, doubt) for outcome in Outcome} for doubt in doubted)
    low = sum(n * (here[after][0] - there[before][1]) for before, after, n in moves)
    high = sum(n * (here[after][1] - there[before][0]) for before, after, n in moves)
    return [low / pairs, high / pairs]


def _extremes(intent: Intent, outcome: Outcome, doubted: bool) -> tuple[int, int]:
    """An item that ended so as the event that is counted: at least, and at most."""
    event, harmful = outcome in MEASURES[intent][1], intent is Intent.HARMFUL
    return int(event and (harmful or not doubted)), int(event or not outcome.decided or (harmful and doubted))


def _flow(before: Integers, after: Integers) -> dict[Outcome, dict[Outcome, int]]:
    flow: dict[Outcome, dict[Outcome, int]] = {}
    moves, counts = np.unique(np.stack([before, after], axis=1), axis=0, return_counts=True)
    for (old, new), count in zip(moves, counts, strict=True):
        flow.setdefault(OUTCOMES[old], {})[OUTCOMES[new]] = int(count)
    return flow


def _why_not(observed: Observations, comparison: Comparison) -> str:
    """Why there is no gap among understood items."""
    for name in (comparison.reference, *comparison.conditions):
        if not observed.probed[:, observed.conditions.index(name)].any():
            return f"no {observed.intent} item of {name} was probed (--probe)"
    if observed.guessed:
        return "a choice among four sentences gives a rate, and never shows that this item was understood"
    return "no item was decided and understood under both conditions"


def adjusted(rows: Sequence[GapRow]) -> list[GapRow]:
    """The rows with Holm's correction over all of them, in each view."""
    decided, understood = _holm([row.decided for row in rows]), _holm([row.understood for row in rows])
    return [replace(row, decided=a, understood=b) for row, a, b in zip(rows, decided, understood, strict=True)]


def _holm(gaps: Sequence[Gap | None]) -> list[Gap | None]:
    corrected = iter(holm([gap.p for gap in gaps if gap and gap.p is not None]))
    return [replace(gap, p_holm=next(corrected)) if gap and gap.p is not None else gap for gap in gaps]


def _cochran(observed: Observations) -> ConditionsQ:
    """Cochran's Q over the conditions with decided items: rows decided under all, the first of each cluster."""
    used = np.flatnonzero(observed.decided.any(axis=0))
    rows = observed.decided[:, used].all(axis=1)
    _, first = np.unique(observed.cluster[rows], return_index=True)
    events = observed.event[rows][first][:, used].astype(np.int64)
    names = [observed.conditions[column] for column in used]
    return ConditionsQ(**vars(cochran_q(events)), intent=observed.intent, conditions=names)
