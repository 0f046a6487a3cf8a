"""Which recipe renders which query. A recipe with `among` deals its members out evenly within each scenario.

So a voice or a layout is not confounded with a scenario. A query and its twin get the same one, and so does the same
query in every try.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safebench.errors import unknown
from safebench.recipes import Recipe, Recipes
from safebench.types import Query


@dataclass(frozen=True, slots=True)
class Deal:
    """The recipes of a condition, and the place of each query among them."""

    recipes: tuple[Recipe, ...]
    places: Mapping[str, int]  # by query id; empty when there is one recipe

    def recipe(self, query: Query) -> Recipe:
        return self.recipes[self.places[query.id] if self.places else 0]


def deal(recipe: Recipe, known: Recipes, queries: Sequence[Query], seed: int) -> Deal:
    """Raises BadInput when a member is unknown."""
    if not recipe.among:
        return Deal((recipe,), {})
    named = [name for medium, name in known if medium == recipe.medium]
    for name in recipe.among:
        if name not in named or known[recipe.medium, name].among:
            raise unknown(f"{recipe.medium} recipe", name, named, f"`among` of {recipe.medium}.{recipe.name}")
    members = tuple(known[recipe.medium, name] for name in recipe.among)
    return Deal(members, _places(queries, len(members), seed))


def _places(queries: Sequence[Query], count: int, seed: int) -> dict[str, int]:
    """Pairs of twins in an order shuffled by seed, dealt in turn; every scenario begins where the one before ended."""
    pairs: dict[str | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for query in queries:
        pairs[query.scenario][min(query.id, query.twin or query.id)].append(query.id)
    places: dict[str, int] = {}
    turn = 0
    for scenario in pairs.values():
        for first in sorted(scenario, key=lambda id: hashlib.sha256(f"{seed}/{id}".encode()).digest()):
            places |= dict.fromkeys(scenario[first], turn % count)
            turn += 1
    return places
