"""A run's items as arrays: one row for each query and repeat, one column for each condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from safebench.errors import BadInput
from safebench.statistics.clusters import Integers, cluster_ids
from safebench.store import items as stored
from safebench.store.store import Store
from safebench.types import TEXT, Condition, Intent, Outcome

OUTCOMES = tuple(Outcome)
PENDING = -1
PLACES: Mapping[str | None, int] = {None: PENDING, **{outcome: n for n, outcome in enumerate(OUTCOMES)}}
MEASURES = {  # what is counted at items of each intent, and what the rate is called
    Intent.HARMFUL: ("asr", (Outcome.UNSAFE,)),
    Intent.BENIGN: ("over_refusal", (Outcome.REFUSED, Outcome.BLOCKED)),
}

Booleans = NDArray[np.bool_]


GUESSED = "guessed"  # what a choice among four shows of an item


@dataclass(frozen=True, slots=True)
class Observations:
    """Items of one intent. Arrays are rows × conditions, `query` and `cluster` are one number a row."""

    intent: Intent
    conditions: tuple[str, ...]
    query: Integers
    cluster: Integers
    outcome: Integers  # place in OUTCOMES, or PENDING
    decided: Booleans
    event: Booleans  # unsafe for harmful items, refused or blocked for benign ones
    probed: Booleans  # has a probe, or needs none because the query was sent as written
    guessed: bool  # whether probes were choices, which say nothing of one item
    understood: Booleans  # sent as written, or its probe (or its twin's, where it declined to repeat) was understood

    @property
    def clusters(self) -> int:
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0


def as_text(conditions: Sequence[str]) -> str | None:
    """The condition that asks the plain query as text: in no wording, or else in the first one that was asked."""
    plain = [name for name in conditions if replace(Condition.parse(name), wording=None) == Condition(TEXT)]
    return TEXT if TEXT in plain else next(iter(plain), None)


class Seen(NamedTuple):
    """One item as it is in the store. `written`: as text, or beside a control; `probe`: what its probe found."""

    query: str
    repeat: int
    condition: str
    outcome: str | None
    written: bool
    probe: str | None


def observe(store: Store, conditions: Sequence[str]) -> dict[Intent, Observations]:
    """The items of each intent that occurs, under the conditions that have items, in the given order.

    Raises BadInput where there are items under others.
    """
    planned = stored.conditions(store)
    if strange := [condition for condition in planned if condition not in conditions]:
        raise BadInput(
            f"there are items under {', '.join(strange)}, of which the run file says nothing: put it back from a copy"
        )
    asked = tuple(condition for condition in conditions if condition in planned)
    clusters = cluster_ids(stored.twins(store))
    observed = {intent: arrange(intent, asked, seen(store, intent), clusters) for intent in Intent}
    return {intent: one for intent, one in observed.items() if len(one.query)}


def seen(store: Store, intent: Intent) -> Iterator[Seen]:
    """The items of one intent, in the order of their queries.

    A choice among four shows a rate and never that this item was understood: it may have been guessed.
    """
    guessable = (store.probe_form() or {}).get("form") == "choose"
    probes = {probe.item: GUESSED if guessable else probe.state for probe in stored.probed_items(store)}
    as_text = {name for name in stored.conditions(store) if Condition.parse(name).medium == TEXT}
    for item, query, repeat, condition, outcome, plain in stored.ended_items(store, intent):
        written = outcome is not None and (condition in as_text or bool(plain))
        yield Seen(query, repeat, condition, outcome, written, probes.get(item))


def arrange(
    intent: Intent, conditions: tuple[str, ...], items: Iterable[Seen], clusters: Mapping[str, int]
) -> Observations:
    """Items under the named conditions as arrays; `clusters` holds each query's."""
    items = list(items)
    column = {condition: n for n, condition in enumerate(conditions)}
    rows: dict[tuple[str, int], int] = {}
    row = [rows.setdefault((item.query, item.repeat), len(rows)) for item in items]
    place = row, [column[item.condition] for item in items]
    shape = (len(rows), len(conditions))
    outcome = np.full(shape, PENDING, dtype=np.int64)
    probed, understood = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    outcome[place] = [PLACES[item.outcome] for item in items]
    probed[place] = [item.written or item.probe is not None for item in items]
    understood[place] = [item.written or item.probe == "understood" for item in items]
    queries = [query for query, _ in rows]
    return Observations(
        intent=intent,
        conditions=conditions,
        guessed=any(item.probe == GUESSED for item in items),
        query=_numbered(queries),
        cluster=_numbered([clusters[query] for query in queries]),
        outcome=outcome,
        decided=_is_one_of(outcome, [outcome for outcome in Outcome if outcome.decided]),
        event=_is_one_of(outcome, MEASURES[intent][1]),
        probed=probed,
        understood=understood,
    )


def _is_one_of(places: Integers, outcomes: Sequence[Outcome]) -> Booleans:
    return np.isin(places, [OUTCOMES.index(outcome) for outcome in outcomes])


def _numbered(values: Sequence[object]) -> Integers:
    """Each distinct value as a number from 0, in order of appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
