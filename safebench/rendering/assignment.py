"""Which recipe renders which query. A recipe with `among` assigns its members evenly within each scenario.

So a voice or a layout is not confounded with a scenario. A query and its twin get the same one, and so does the same
query in every try. A query in a language for which a recipe has one of its own (`languages`) is rendered by that. A
recipe with `another` renders another query in place of each: one of another pair, and a benign
one where there are any, so that the media themselves ask for nothing.

Each job also gets the texts of a few other queries, so that a check can tell whether media are swapped.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from safebench.errors import BadInput, unknown
from safebench.models.languages import SURE
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe, Recipes
from safebench.types import Intent, Query

OTHER_TEXTS = 8  # of other queries, at most, beside the twin's


class OtherTexts:
    """Texts of other queries: the twin's, which is most alike, and a few that are drawn by seed."""

    def __init__(self, queries: Sequence[Query], seed: int) -> None:
        self._queries = queries
        self._seed = seed
        self._of_twins = {query.twin: query.text for query in queries if query.twin is not None}

    def of(self, query: Query) -> tuple[str, ...]:
        """The same for a query in every try; other ones with another seed or other data."""
        draw = random.Random(f"other texts/{self._seed}/{query.id}")
        drawn = [other.text for other in draw.sample(self._queries, min(OTHER_TEXTS, len(self._queries)))]
        texts = dict.fromkeys([self._of_twins.get(query.id, query.text), *drawn])
        return tuple(text for text in texts if text != query.text)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The recipes of a condition, and the place of each query among them."""

    recipes: tuple[Recipe, ...]
    places: Mapping[str, int] = field(default_factory=dict)  # by query id; empty when there is one recipe
    others: Mapping[str, Query] = field(default_factory=dict)  # by query id: what is rendered in its place
    other_texts: OtherTexts | None = None

    def check(self) -> None:
        """Raises BadInput for a limit, a layout or a carrier that there is not."""
        for recipe in self.recipes:
            recipe.check_keys()

    def recipe(self, query: Query) -> Recipe:
        return self.recipes[self.places[query.id] if self.places else 0]

    def job(self, query: Query) -> RenderJob:
        others = self.other_texts.of(query) if self.other_texts else ()
        return RenderJob(query, self.recipe(query), of=self.others.get(query.id), other_texts=others)


def assign(recipe: Recipe, known: Recipes, queries: Sequence[Query], seed: int) -> Assignment:
    """Raises BadInput when a member is unknown, and when there is no other query to take.

    Members are put to the target as the recipe that deals says, where it says anything of the message.
    """
    other_texts = OtherTexts(queries, seed)
    if recipe.steps:
        return Assignment((recipe,), other_texts=other_texts)
    members = tuple(_member(recipe, name, known) for name in recipe.among or (recipe.another,))
    if recipe.among:
        places = _places(queries, len(members), seed)
        recipes, places = _by_language(recipe, members, places, known, queries)
        return Assignment(tuple(map(recipe.dealt, recipes)), places, other_texts=other_texts)
    made = {"steps": members[0].steps, "tries": members[0].tries, "layout": recipe.layout or members[0].layout}
    unlike = recipe.model_copy(update=made)
    return Assignment((unlike,), others=_others(queries, seed, f"recipe {recipe.medium}.{recipe.name}"))


def _by_language(
    recipe: Recipe, members: tuple[Recipe, ...], places: Mapping[str, int], known: Recipes, queries: Sequence[Query]
) -> tuple[tuple[Recipe, ...], dict[str, int]]:
    """The recipes and places in which queries get the recipe of their language, where the data or their words say it.

    What `recipe` says goes before what the one that it names says.
    """
    recipes, moved = list(members), dict(places)
    for query in queries:
        language = query.language if query.certainty is None or query.certainty >= SURE else None
        dealing = known.get((recipe.medium, recipe.among[places[query.id]]), recipe)
        name = recipe.for_language(language) or dealing.for_language(language)
        if name is not None:
            own = _with_steps(recipe, name, known)
            recipes += [] if own in recipes else [own]
            moved[query.id] = recipes.index(own)
    return tuple(recipes), moved


def recipes_of(assignments: Iterable[Assignment]) -> list[Recipe]:
    """Every recipe once, in order."""
    return list({(r.medium, r.name): r for assignment in assignments for r in assignment.recipes}.values())


def _member(recipe: Recipe, name: str | None, known: Recipes) -> Recipe:
    """The recipe of that name; where one has a single member, that member, as the name then stands for it."""
    held = known.get((recipe.medium, str(name)))
    if held is not None and len(held.among) == 1 and held.among != (name,):
        (other,) = held.among
        return held.dealt(_with_steps(recipe, other, known))
    return _with_steps(recipe, name, known)


def _with_steps(recipe: Recipe, name: str | None, known: Recipes) -> Recipe:
    named = [other for medium, other in known if medium == recipe.medium and known[medium, other].steps]
    if name is None or name not in named:
        raise unknown(f"{recipe.medium} recipe", str(name), named, f"recipe {recipe.medium}.{recipe.name}")
    return known[recipe.medium, name]


def _others(queries: Sequence[Query], seed: int, where: str) -> dict[str, Query]:
    """For each query one of another pair, by seed. Twins may get different ones; a query may be taken twice."""
    benign = [query for query in queries if query.intent is Intent.BENIGN]
    pairs = {min(query.id, query.twin or query.id) for query in queries}
    if len(pairs) < 2:
        raise BadInput(f"{where} takes another query, of another pair, and the data has only one pair")
    pool = benign if len(benign) > 1 else queries
    return {query.id: _drawn(query, pool, seed) for query in queries}


def _drawn(query: Query, pool: Sequence[Query], seed: int) -> Query:
    place = int.from_bytes(hashlib.sha256(f"another/{seed}/{query.id}".encode()).digest())
    turns = (pool[(place + n) % len(pool)] for n in range(len(pool)))
    return next(other for other in turns if other.id not in (query.id, query.twin))


def _places(queries: Sequence[Query], count: int, seed: int) -> dict[str, int]:
    """Pairs of twins, shuffled by seed and assigned in turn; every scenario begins where the one before ended."""
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
