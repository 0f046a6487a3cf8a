"""What a page tells beyond `summary.json`, from a run's store: how far jurors agreed, and what the run cost."""

from __future__ import annotations

import json
from typing import Any

from safebench.models.prices import token_count
from safebench.statistics.agreement import krippendorff_alpha
from safebench.store.exchanges import all_exchanges, span
from safebench.store.items import rendered
from safebench.store.store import Store
from safebench.store.verdicts import votes
from safebench.types import Label


def agreement(store: Store, conditions: list[str]) -> list[dict[str, Any]]:
    """For each condition: `items` with ballots, share unanimous in the first and last round, and Krippendorff's α."""
    shares = []
    for condition in conditions:
        rounds = list(votes(store, condition))
        if rounds:
            first, last = [one[0] for one in rounds], [one[-1] for one in rounds]
            shares.append(
                {"condition": condition, "items": len(rounds), **_agreed(first, "first"), **_agreed(last, "last")}
            )
    return shares


def _agreed(votes: list[list[Label]], when: str) -> dict[str, Any]:
    several = [one for one in votes if len(one) > 1]
    unanimous = sum(len(set(one)) == 1 for one in several) / len(several) if several else None
    return {f"unanimous_{when}": unanimous, f"alpha_{when}": krippendorff_alpha(votes)}


def cost(store: Store) -> dict[str, Any]:
    """Calls, failures, tokens as reported, and seconds, of target, probe and jury; and seconds of rendering."""
    calls: dict[str, dict[str, Any]] = {}
    for row in all_exchanges(store):
        answered = json.loads(row["response"])
        one = calls.setdefault(row["role"], dict.fromkeys(_COUNTED, 0) | {"seconds": 0.0})
        one["calls"] += 1
        one["attempts"] += max(1, len(answered["attempts"]))
        one["failed"] += row["status"] in ("failed", "forgotten")
        one["seconds"] += sum(attempt["seconds"] for attempt in answered["attempts"])
        tokens = [token_count(answered["usage"], name) for name in ("prompt_tokens", "completion_tokens")]
        one["counted"] += None not in tokens
        one["tokens_in"] += tokens[0] or 0
        one["tokens_out"] += tokens[1] or 0
    made = rendered(store)
    return {"calls": calls, "span": span(store), "renderings": made.renderings, "rendering_seconds": made.seconds}


_COUNTED = ("calls", "attempts", "failed", "counted", "tokens_in", "tokens_out")
