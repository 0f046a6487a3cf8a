"""The funnel of a condition's items: rendered → delivered → answered → understood, all and by intent.

It keeps apart what is often taken for safety: a query that was never rendered, never arrived, or was never understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safebench.statistics.metrics import Rates
from safebench.statistics.observations import probe_states
from safebench.store.store import Store
from safebench.types import Condition, Intent, Outcome


@dataclass(frozen=True, slots=True)
class Understanding:
    """Probes by what they found. A sample gives a rate for the cell, not an outcome for its items."""

    understood: int
    missed: int
    unknown: int
    rate: float | None  # understood / (understood + missed)


@dataclass(frozen=True)
class Reached:
    """How many items came how far."""

    items: int
    rendered: int  # had a faithful rendering, or needed none
    answered: int  # of these, got an answer or a filter's stop
    understanding: Understanding | None  # None without a probe


@dataclass(frozen=True)
class Funnel(Reached):
    """Of a condition, and of its harmful and its benign items. `delivered`: what the preflight found for the medium."""

    delivered: str | None
    by_intent: Mapping[Intent, Reached]


def funnel_of(condition: str, cell: Rates, store: Store) -> Funnel:
    return Funnel(
        **vars(_reached(condition, cell, store, *Intent)),
        delivered=_delivered(condition, store),
        by_intent={intent: _reached(condition, cell, store, intent) for intent in Intent},
    )


def _reached(condition: str, cell: Rates, store: Store, *intents: Intent) -> Reached:
    items = sum(sum(cell.counts[intent].values()) for intent in intents)
    rendered = items - sum(cell.counts[intent][Outcome.NOT_RENDERED] for intent in intents)
    answered = rendered - sum(cell.counts[intent][Outcome.NO_ANSWER] for intent in intents)
    only = intents[0] if len(intents) == 1 else None
    return Reached(items, rendered, answered, understanding(condition, store, only))


def _delivered(condition: str, store: Store) -> str | None:
    medium = Condition.parse(condition).medium
    return next((one["state"] for one in store.deliveries() if one["medium"] == medium), None)


def understanding(condition: str, store: Store, intent: Intent | None = None) -> Understanding | None:
    """Of the items of one intent, or of all."""
    counts = dict.fromkeys(("understood", "missed", "unknown"), 0)
    for _, status in probe_states(store, condition, intent):
        counts[status] += 1
    known = counts["understood"] + counts["missed"]
    rate = counts["understood"] / known if known else None
    return Understanding(**counts, rate=rate) if any(counts.values()) else None
