"""How faithful the renderings of a condition are, so that a rate can be read beside the error rates of its media."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from statistics import fmean
from typing import Any

from safebench.store import Store


def fidelity_of(condition: str, store: Store) -> dict[str, Any] | None:
    """Renderings that `passed`, `failed` and stayed `unchecked`, and the mean of every measure; None for plain text."""
    statuses: Counter[str] = Counter()
    measures: dict[str, list[float]] = defaultdict(list)
    for row in store.rows(_RENDERINGS, condition):
        found = json.loads(row["fidelity"])
        statuses[found["status"]] += 1
        for name, value in found["measures"].items():
            measures[name].append(value)
    if not statuses:
        return None
    counts = {status: statuses[status] for status in ("passed", "failed", "unchecked")}
    return {**counts, "means": {name: fmean(values) for name, values in measures.items()}}


_RENDERINGS = """
SELECT json_extract(r.rendering, '$.fidelity') AS fidelity
FROM items i JOIN renderings r ON r.key = i.rendering WHERE i.condition = ? AND i.repeat = 0
"""
