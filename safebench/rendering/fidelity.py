"""How faithful renderings are, so that a rate can be read beside the error rates of its media."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from safebench import registry
from safebench.store.items import fidelities
from safebench.store.store import Store

STATUSES = ("passed", "failed", "unchecked")
COUNTS = (*STATUSES, "tries")
UNCHECKED = "unchecked: nothing proves that they carry the query"


def summarise_fidelity(fidelities: Iterable[tuple[str, int]]) -> dict[str, Any] | None:
    """Renderings by status, all tries that they took, and of every measure the mean and how many it is over; None when
    there are none.

    From fidelities as JSON with the tries of each.
    """
    statuses: Counter[str] = Counter()
    measures: dict[str, list[float]] = defaultdict(list)
    total = 0
    for text, tries in fidelities:
        total += tries
        fidelity = json.loads(text)
        statuses[fidelity["status"]] += 1
        for name, value in fidelity["measures"].items():
            measures[name].append(value)
    if not statuses:
        return None
    means = {name: fmean(values) for name, values in measures.items()}
    counts = {status: statuses[status] for status in STATUSES}
    measured = {name: len(values) for name, values in measures.items()}
    return {**counts, "tries": total, "means": means, "measured": measured}


def fidelity_of(condition: str, store: Store) -> dict[str, Any] | None:
    """The fidelity of a condition's renderings; None for plain text."""
    return summarise_fidelity(fidelities(store, condition))


def shown_measures(cells: Iterable[dict[str, Any] | None]) -> list[str]:
    """The measures that modalities want shown, those that occur."""
    wanted = dict.fromkeys(name for medium in registry.media() for name in registry.modality(medium).shown)
    occurring = {name for cell in cells if cell for name in cell["means"]}
    return [name for name in wanted if name in occurring]


def shown_mean(cell: Mapping[str, Any], name: str) -> str:
    """A mean, and of how many renderings; a dash where the measure was never taken."""
    return f"{cell['means'][name]:.3f} of {cell['measured'][name]}" if name in cell["means"] else "–"
