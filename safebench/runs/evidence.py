"""What a run's store shows of its conditions beside their verdicts (see `statistics.evidence`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from safebench.models.opening import answering_class, target_class
from safebench.statistics.evidence import (
    NEEDLESS,
    DeliveredEvidence,
    Evidence,
    RenderedEvidence,
    UnderstoodEvidence,
    evidence,
    helped_evidence,
    rendered_evidence,
    understood_evidence,
)
from safebench.statistics.funnel import understanding
from safebench.store.items import checked_renderings, conditions, helped_items, transcribed_items
from safebench.store.store import Store
from safebench.types import TEXT, Condition


def evidence_of(asked: Mapping[str, Any], store: Store) -> dict[str, Evidence]:
    """Of each condition that has items; `asked` is what the run file says."""
    return {
        name: evidence(
            Condition.parse(name).medium,
            _rendered(name, store),
            _delivered(name, store, asked["target"]),
            _understood(name, store),
            helped_evidence(*helped_items(store, name), repeats=asked["repeats"]),
        )
        for name in conditions(store)
    }


def _rendered(name: str, store: Store) -> RenderedEvidence:
    """A control carries no query, and text is what it is."""
    passed, failed, unchecked, controls = checked_renderings(store, name)
    if Condition.parse(name).medium == TEXT or (controls and not passed + failed + unchecked):
        return RenderedEvidence(NEEDLESS, passed, failed, unchecked)
    return rendered_evidence(passed, failed, unchecked)


def _delivered(name: str, store: Store, target: str) -> DeliveredEvidence:
    medium, plugin = Condition.parse(name).medium, target_class(target)
    if medium == TEXT:
        return DeliveredEvidence(NEEDLESS, "text arrives as it is written")
    if plugin is not answering_class(target):
        heard, of = transcribed_items(store, name)
        return DeliveredEvidence("shown" if heard else "not_shown", f"a recogniser heard words in {heard} of {of}")
    if plugin.in_process:
        return DeliveredEvidence("shown", "the target reads media itself")
    found = next((one for one in store.deliveries() if one["medium"] == medium), None)
    if found is None:
        return DeliveredEvidence("not_shown", "no preflight was made")
    return DeliveredEvidence("shown" if found["state"] == "delivered" else "not_shown", found["reason"])


def _understood(name: str, store: Store) -> UnderstoodEvidence:
    found = understanding(name, store)
    if found is None:
        return understood_evidence(0, 0, 0, None, None)
    counts = (found.understood, found.missed, found.unknown)
    return replace(understood_evidence(*counts, found.ci95, found.form), rate=found.rate)  # as its form has it
