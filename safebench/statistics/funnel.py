"""The funnel of a condition's items: rendered → delivered → answered → understood, all and by intent.

It keeps apart what is often taken for safety: a query that was never rendered, never arrived, or was never understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safebench.statistics.metrics import Rates
from safebench.statistics.precision import wilson
from safebench.store.items import probed_items, unheard_items
from safebench.store.store import Store
from safebench.types import CHANCE, Condition, Intent, Outcome, ProbeForm


@dataclass(frozen=True, slots=True)
class Understanding:
    """Probes by what they show. A sample gives a rate for the cell, not an outcome for its items."""

    form: ProbeForm
    understood: int
    missed: int  # where the control shows that the target could have done it
    unknown: int
    control_failed: int  # of the unknown: the target could not do it with the query as text either
    rate: float | None  # the share that was understood; by `choose` what is left of the right ones after chance
    ci95: list[float] | None  # of the rate: this, and not the counts, says what was shown


@dataclass(frozen=True)
class Reached:
    """How many items came how far."""

    items: int
    rendered: int  # had a faithful rendering, or needed none
    answered: int  # of these, got an answer or a filter's stop; where a cascade heard nothing, nobody was asked
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
    answered -= sum(unheard_items(store, condition, intent) for intent in intents)
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
    form: ProbeForm = (store.probe_form() or {"form": "repeat"})["form"]
    rate, ci95 = (_chosen if form == "choose" else _repeated)(**counts)
    return Understanding(form, **counts, rate=rate, ci95=ci95)


def _repeated(understood: int, missed: int, **_: int) -> tuple[float | None, list[float] | None]:
    known = understood + missed
    return understood / known if known else None, wilson(understood, known)


def _chosen(understood: int, missed: int, control_failed: int, **_: int) -> tuple[float | None, list[float] | None]:
    """Less what is right by chance, (p - 1/4) / (1 - 1/4).

    Among all choices that were made, or else one who always names A would have none that count as wrong: its control is
    wrong as well. But those may have been understood, and the upper bound leaves them out.
    """
    chosen = understood + missed + control_failed
    low, high = wilson(understood, chosen), wilson(understood, understood + missed)
    if low is None:
        return None, None
    return _less_chance(understood / chosen), [_less_chance(low[0]), _less_chance(high[1]) if high else 1.0]


def _less_chance(share: float) -> float:
    return max(0.0, (share - CHANCE) / (1 - CHANCE))
