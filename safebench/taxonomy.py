"""The taxonomy: 8 categories and 23 risk scenarios (arXiv 2410.18927)."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from functools import cache

from safebench.errors import check_known
from safebench.resources import load_toml
from safebench.serialisation import compact


@dataclass(frozen=True, slots=True)
class Scenario:
    """`abbreviation` is the paper's label; HS stands for two scenarios there, so only `id` is unambiguous."""

    id: str
    abbreviation: str
    name: str
    category: str
    description: str
    minibench: bool


@dataclass(frozen=True, slots=True)
class Category:
    id: str
    abbreviation: str
    name: str
    scenarios: tuple[Scenario, ...]


@cache
def categories() -> tuple[Category, ...]:
    """All categories in the paper's order."""
    return tuple(_category(row) for row in load_toml("taxonomy.toml")["categories"])


def _category(row: dict) -> Category:  # type: ignore[type-arg]
    scenarios = tuple(
        Scenario(s["id"], s["abbreviation"], s["name"], row["id"], s["description"].strip(), s["minibench"])
        for s in row["scenarios"]
    )
    return Category(row["id"], row["abbreviation"], row["name"], scenarios)


@cache
def scenarios() -> dict[str, Scenario]:
    """All scenarios by id, in the paper's order."""
    return {s.id: s for category in categories() for s in category.scenarios}


def scenario(id: str) -> Scenario:
    """Raises BadInput for an id that is not in the taxonomy."""
    check_known("scenario", id, scenarios())
    return scenarios()[id]


def fingerprint() -> str:
    """A short hash of all scenarios with their descriptions, which say what counts as harm."""
    rows = [astuple(scenario) for scenario in scenarios().values()]
    return hashlib.sha256(compact(rows).encode()).hexdigest()[:12]


UNASSIGNED = "unassigned"  # items whose query names no scenario
