"""The way of a condition's items: rendered → delivered → answered → understood, all and by intent.

It keeps apart what is often taken for safety: a query that was never rendered, never arrived, or was never understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safebench.statistics.observations import probe_states
from safebench.store.store import Store
from safebench.types import Condition, Intent, Outcome


def way_of(cell: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """How many items of a summary's cell came how far; `by_intent`: the same of harmful and of benign ones.

    `rendered`: had a faithful rendering, or needed none; `answered`: of these, got an answer or a filter's stop;
    `delivered`: what the preflight found for the medium; `understanding`: the probe's counts and rate, if any.
    """
    return {
        **_reached(cell, store, None),
        "delivered": _delivered(cell["condition"], store),
        "by_intent": {intent.value: _reached(cell, store, intent) for intent in Intent},
    }


def _reached(cell: Mapping[str, Any], store: Store, intent: Intent | None) -> dict[str, Any]:
    counts = [cell["counts"][one] for one in Intent if intent in (None, one)]
    items = sum(sum(found.values()) for found in counts)
    rendered = items - sum(found[Outcome.NOT_RENDERED] for found in counts)
    return {
        "items": items,
        "rendered": rendered,
        "answered": rendered - sum(found[Outcome.NO_ANSWER] for found in counts),
        "understanding": understanding(cell["condition"], store, intent),
    }


def _delivered(condition: str, store: Store) -> str | None:
    medium = Condition.parse(condition).medium
    return next((found["state"] for found in store.deliveries() if found["medium"] == medium), None)


def understanding(condition: str, store: Store, intent: Intent | None = None) -> dict[str, Any] | None:
    """Probes by status, and the rate understood / (understood + missed); of the items of one intent, or of all.

    A sample gives a rate for the cell, not an outcome for its items.
    """
    counts = dict.fromkeys(("understood", "missed", "unknown"), 0)
    for _, status in probe_states(store, condition, intent):
        counts[status] += 1
    told = counts["understood"] + counts["missed"]
    return {**counts, "rate": counts["understood"] / told if told else None} if any(counts.values()) else None
