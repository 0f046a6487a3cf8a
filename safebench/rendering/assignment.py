"""Which recipe renders which query. A recipe with `among` assigns its members evenly within each scenario.

So a voice or a layout is not confounded with a scenario. A query and its twin get the same one, and so does the same
query in every try. A query in a language for which a recipe has one of its own (`languages`) is rendered by that. A
recipe with `another` renders another query in place of each: one of another pair, and a benign
one where there are any, so that the media themselves ask for nothing.

All of that hangs on what other queries there are. So a run that grows is dealt in stages: what was there keeps what it
was dealt, and those that come are dealt among all.

Each job also gets the texts of a few other queries, so that a check can tell whether media are swapped.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from safebench.errors import BadInput
from safebench.models.languages import SURE
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe, Recipes, with_steps
from safebench.rendering.wordings import Wordings, load_wordings
from safebench.types import Intent, Query

OTHER_TEXTS = 8  # of other queries, at most, beside the twin's

Stages = Sequence[Sequence[Query]]  # each with all queries that there were by then


def newcomers(stages: Stages) -> Iterator[tuple[Sequence[Query], list[Query]]]:
    """The queries of each stage, and those of them that it brought."""
    there: set[str] = set()
    for queries in stages:
        new = [query for query in queries if query.id not in there]
        there |= {query.id for query in new}
        yield queries, new


class OtherTexts:
    """Texts of other queries: the twin's, which is most alike, and a few that are drawn by seed."""

    def __init__(self, stages: Stages, seed: int) -> None:
        self._seed = seed
        self._among: dict[str, Sequence[Query]] = {}
        self._of_twins: dict[str, str] = {}
        for queries, new in newcomers(stages):
            of_twins = {query.twin: query.text for query in queries if query.twin is not None}
            self._among |= {query.id: queries for query in new}
            self._of_twins |= {query.id: of_twins.get(query.id, query.text) for query in new}

    def of(self, query: Query) -> tuple[str, ...]:
        """The same for a query in every try; other ones with another seed or other data."""
        draw = random.Random(f"other texts/{self._seed}/{query.id}")
        queries = self._among[query.id]
        drawn = [other.text for other in draw.sample(queries, min(OTHER_TEXTS, len(queries)))]
        texts = dict.fromkeys([self._of_twins[query.id], *drawn])
        return tuple(text for text in texts if text != query.text)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The recipes of a condition, and the place of each query among them."""

    recipes: tuple[Recipe, ...]
    places: Mapping[str, int] = field(default_factory=dict)  # by query id; empty when there is one recipe
    others: Mapping[str, Query] = field(default_factory=dict)  # by query id: what is rendered in its place
    other_texts: OtherTexts | None = None

    def check(self, wordings: Wordings | None = None) -> None:
        """Raises BadInput for a limit, a layout or a carrier that there is not. `wordings`: ours if not given."""
        for recipe in self.recipes:
            recipe.check_carrier(load_wordings() if wordings is None else wordings)
            recipe.check_keys()

    def recipe(self, query: Query) -> Recipe:
        return self.recipes[self.places[query.id] if self.places else 0]

    def job(self, query: Query) -> RenderJob:
        others = self.other_texts.of(query) if self.other_texts else ()
        return RenderJob(query, self.recipe(query), of=self.others.get(query.id), other_texts=others)


def assign(recipe: Recipe, known: Recipes, queries: Sequence[Query], seed: int, *, before: Stages = ()) -> Assignment:
    """`before`: the stages in which `queries` came, where these are not all at once.

    Members are put to the target as the recipe that deals says, where it says anything of the message.
    Raises BadInput when a member is unknown, and when there is no other query to take.
    """
    stages = (*before, queries)
    other_texts = OtherTexts(stages, seed)
    if recipe.steps:
        return Assignment((recipe,), other_texts=other_texts)
    members = tuple(_member(recipe, name, known) for name in recipe.among or (recipe.another,))
    if recipe.among:
        places = _places(stages, len(members), seed)
        recipes, places = _by_language(recipe, members, places, known, queries)
        return Assignment(tuple(map(recipe.dealt, recipes)), places, other_texts=other_texts)
    made = {"steps": members[0].steps, "tries": members[0].tries, "layout": recipe.layout or members[0].layout}
    unlike = recipe.model_copy(update=made)
    others = {one.id: other for stage in newcomers(stages) for one, other in _others(*stage, seed, recipe.where)}
    return Assignment((unlike,), others=others)


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
            own = with_steps(recipe, name, known)
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
        return held.dealt(with_steps(recipe, other, known))
    return with_steps(recipe, name, known)


def _others(queries: Sequence[Query], new: Iterable[Query], seed: int, where: str) -> Iterator[tuple[Query, Query]]:
    """For each new query one of another pair, by seed. Twins may get different ones; a query may be taken twice."""
    benign = [query for query in queries if query.intent is Intent.BENIGN]
    pairs = {min(query.id, query.twin or query.id) for query in queries}
    if len(pairs) < 2:
        raise BadInput(f"{where} takes another query, of another pair, and the data has only one pair")
    pool = benign if len(benign) > 1 else queries
    for query in new:
        yield query, _drawn(query, pool, seed)


def _drawn(query: Query, pool: Sequence[Query], seed: int) -> Query:
    place = int.from_bytes(hashlib.sha256(f"another/{seed}/{query.id}".encode()).digest())
    turns = (pool[(place + n) % len(pool)] for n in range(len(pool)))
    return next(other for other in turns if other.id not in (query.id, query.twin))


def _places(stages: Stages, count: int, seed: int) -> dict[str, int]:
    """Stage by stage, pairs of twins are shuffled by seed and assigned in turn; every scenario begins where the one
    before ended. A twin that comes late gets what its partner has.
    """
    places: dict[str, int] = {}
    turn = 0
    for _, new in newcomers(stages):
        late = {query.id: places[query.twin] for query in new if query.twin in places}
        for pair in _pairs((query for query in new if query.id not in late), seed):
            places |= dict.fromkeys(pair, turn % count)
            turn += 1
        places |= late
    return places


def _pairs(queries: Iterable[Query], seed: int) -> Iterator[list[str]]:
    """Ids of twins, scenario by scenario, shuffled in each."""
    pairs: dict[str | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for query in queries:
        pairs[query.scenario][min(query.id, query.twin or query.id)].append(query.id)
    for scenario in pairs.values():
        for first in sorted(scenario, key=lambda id: hashlib.sha256(f"{seed}/{id}".encode()).digest()):
            yield scenario[first]
