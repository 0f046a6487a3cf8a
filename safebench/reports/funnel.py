"""The funnel of a condition's items: rendered → delivered → answered → understood, all and by intent.

It keeps apart what is often taken for safety: a query that was never rendered, never arrived, or was never understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safebench.statistics.metrics import Rates
from safebench.statistics.precision import wilson
from safebench.store.items import probed_items
from safebench.store.store import Store
from safebench.types import Condition, Intent, Outcome, ProbeForm


@dataclass(frozen=True, slots=True)
class Understanding:
    """Probes by what they show. A sample gives a rate for the cell, not an outcome for its items."""

    form: ProbeForm
    understood: int
    missed: int  # where the control shows that the target could have done it
    unknown: int
    control_failed: int  # of the unknown: the target could not do it with the query as text either
    rate: float | None  # understood / (understood + missed)
    ci95: list[float] | None  # of the rate: use this, and not the counts, to say what was shown


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
    counts = dict.fromkeys(("understood", "missed", "unknown", "control_failed"), 0)
    for probe in probed_items(store, condition, intent):
        counts[probe.state] += 1
        counts["control_failed"] += probe.control_failed
    if not any(counts.values()):
        return None
    understood, known = counts["understood"], counts["understood"] + counts["missed"]
    rate = understood / known if known else None
    return Understanding("repeat", **counts, rate=rate, ci95=wilson(understood, known))
