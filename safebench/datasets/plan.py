"""What a run and a conversion plan alike: the queries, the conditions, and which recipe renders which query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench import registry
from safebench.datasets.config import RenderingConfig
from safebench.datasets.cutting import Shard
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.errors import BadInput
from safebench.models.calls import CallLimits
from safebench.models.languages import teller
from safebench.rendering.alternatives import CHOSEN, ChosenRecipe, ChosenRecipes, better_lines, settle, used
from safebench.rendering.assignment import Assignment, Stages, assign
from safebench.rendering.conditions import Carrier, carrier_of, carrier_problems, resolve_conditions
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.rendering.recognition import NONE, better_readers, choose_recognisers
from safebench.rendering.renderer import RenderSettings
from safebench.rendering.wordings import Wordings, WordingTexts, load_wordings
from safebench.types import Condition, Query

TOLD_BY = "languages_told_by"  # key of the file of a run or conversion
DEALING = "dealing"  # key of the file of a run or conversion
RECOGNISERS = "recognisers"  # key of the file of a run or conversion

Load = Callable[..., Dataset]  # as load_dataset


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Queries and the conditions under which they are asked or rendered; those of the whole, also in a shard."""

    whole: Dataset  # before the limit
    dataset: Dataset
    before: Stages  # the queries as they were at each stage that it has grown by
    known: Recipes
    wordings: Wordings
    conditions: tuple[Condition, ...]
    assignments: Mapping[Condition, Assignment]  # of the conditions that are rendered: which recipe for which query
    choices: ChosenRecipes  # what recipes with `first_of` stand for
    shard: Shard | None
    mine: frozenset[str] | None  # ids of the queries of the shard; None: all

    @property
    def queries(self) -> Sequence[Query]:
        """Those that are asked or rendered: of a shard its own."""
        whole = self.dataset.queries
        return whole if self.mine is None else tuple(query for query in whole if query.id in self.mine)

    @property
    def named(self) -> Recipes:
        """The recipes that the conditions name."""
        keys = [(c.medium, c.recipe) for c in self.assignments if c.recipe is not None]
        return {key: self.known[key] for key in keys}

    def carriers(self) -> Iterator[tuple[Condition, Recipe | None, Carrier]]:
        """What is written under each condition, with each recipe that it is rendered by."""
        for condition in self.conditions:
            rendered = self.assignments.get(condition)
            for recipe in rendered.recipes if rendered else (None,):
                yield condition, recipe, carrier_of(condition, recipe, self.wordings)

    def check_carriers(self) -> None:
        """Raises BadInput for all that is written and does not go with its condition."""
        if problems := [problem for written in self.carriers() for problem in carrier_problems(*written)]:
            raise BadInput(*dict.fromkeys(problems))

    def named_wordings(self) -> dict[str, WordingTexts]:
        """Those that conditions and recipes name."""
        sources = {carrier.source for _, _, carrier in self.carriers()}
        said = {recipe.carrier for _, recipe, _ in self.carriers() if recipe and recipe.carrier}
        return {name: self.wordings[name] for name in sorted((sources | said) & self.wordings.keys())}

    @property
    def stages(self) -> Stages:
        return (*self.before, self.dataset.queries)

    def chosen(self) -> dict[str, Any]:
        """What recipes with `first_of` stand for, as it is frozen; empty where none of them takes part."""
        described = {key: choice.describe() for key, choice in self.taken.items()}
        return {CHOSEN: described} if described else {}

    def dealing(self) -> dict[str, Any]:
        """Fingerprints of the recipes that deal to others, as they are frozen: to whom, and how these are put to the
        target, is theirs to say; empty where none takes part.
        """
        dealing = {f"{one.medium}.{one.name}": one.fingerprint() for one in self.named.values() if one.among}
        return {DEALING: dealing} if dealing else {}

    def told_by(self) -> dict[str, str]:
        """What tells the language of queries that are to be rendered, where the data do not; empty where they do."""
        untold = any(query.language is None or query.certainty is not None for query in self.dataset.queries)
        return {TOLD_BY: teller()} if untold and self.assignments else {}

    @property
    def taken(self) -> dict[str, ChosenRecipe]:
        """By `MEDIUM.NAME` the choices that take part."""
        return used(self.choices, self.named)

    @property
    def read_back(self) -> list[str]:
        """The media whose renderings are to carry their queries, and so are to be read back."""
        carrying = (
            c.medium for c, one in self.assignments.items() if not all(recipe.control for recipe in one.recipes)
        )
        return [medium for medium in dict.fromkeys(carrying) if registry.modality(medium).recognisers]

    def better(self, settings: RenderSettings) -> Iterator[str]:
        """What would be better than what is taken here, and why it is not: voices, and who reads media back."""
        yield from better_lines(self.taken.values())
        if NONE not in settings.named:
            yield from better_readers(self.read_back, settings.recognisers)


def limits_of(config: RenderingConfig, shard: Shard | None) -> CallLimits:
    """What the user allows; of a shard its part."""
    calls, cost = config.max_calls, config.max_cost
    return CallLimits(shard.share(calls), cost=cost and cost / shard.count) if shard else CallLimits(calls, cost=cost)


def part_line(config: RenderingConfig, data: DataPlan) -> str:
    """What of the whole is this shard's."""
    limits = limits_of(config, data.shard)
    parts = [f"{len(data.queries)} of {len(data.dataset.queries)} queries"]
    parts += [f"{limits.calls} of --max-calls {config.max_calls}"] if limits.calls else []
    parts += [f"{limits.cost:.4g} of --max-cost {config.max_cost:g} USD"] if limits.cost else []
    return f"shard {data.shard} has {', '.join(parts)}"


def plan_data(
    config: RenderingConfig, before: Mapping[str, Any], stages: Stages = (), load: Load = load_dataset
) -> DataPlan:
    """`before`: what the file of the folder tells of versions and choices, where this is to go on; else empty.

    `stages`: the queries that there are already, as they came; `load`: what reads the data.

    Raises BadInput for data, recipes and conditions that there are not, and for recipes that nothing can be made by.

    Whether the recipes of the assignments can work is checked by whoever renders by them.
    """
    how = (config.text_column, config.encoding, config.language)
    whole = load(config.data, *how, minibench=config.minibench).only(config.intent)
    dataset = whole.limited(config.limit)
    recipes = load_recipes(Path(config.recipes) if config.recipes else None, config.recipe, dataset.recipes)
    known, choices = settle(recipes, before.get(CHOSEN, {}))
    wordings = load_wordings(config.wording)
    conditions = resolve_conditions(config.conditions, known, wordings)
    if any(condition.recipe is not None for condition in conditions):
        dataset = dataset.told()
    if stages:
        dataset = _grown(config, dataset, stages[-1])
    assignments = {
        condition: assign(known[condition.medium, condition.recipe], known, dataset.queries, config.seed, before=stages)
        for condition in conditions
        if condition.recipe is not None
    }
    for assignment in assignments.values():
        assignment.check(wordings)
    shard = Shard.read(config.shard) if config.shard else None
    mine = shard.queries(dataset.queries) if shard else None
    return DataPlan(whole, dataset, stages, known, wordings, conditions, assignments, choices, shard, mine)


def _grown(config: RenderingConfig, dataset: Dataset, before: Sequence[Query]) -> Dataset:
    """The queries that the folder has, and those that come. Raises BadInput where they are not a part of the data."""
    if config.limit is not None and config.limit < len(before):
        raise BadInput(
            f"{config.out} has {len(before)} queries already, and what is there only grows: --limit {len(before)} or"
            " more, or choose another --out"
        )
    try:
        return dataset.grown_from(before)
    except BadInput as error:
        raise BadInput(f"{config.out} holds other queries: {error}. Choose another --out") from error


def plan_settings(config: RenderingConfig, data: DataPlan, before: Mapping[str, Any]) -> RenderSettings:
    """Raises BadInput for a recogniser that there is not, or two of one medium."""
    media = dict.fromkeys(c.medium for c in data.assignments)
    readers = choose_recognisers(config.recognisers, media, _read_before(before))
    return RenderSettings(config.seed, config.check_share, readers, config.recognisers)


def _read_before(before: Mapping[str, Any]) -> dict[str, Any]:
    """Who read each medium that was rendered: one that comes is read by the best."""
    rendered = dict.fromkeys(re.split("[.:]", recipe)[0] for recipe in before.get("recipes", {}))
    return {**{medium: {} for medium in rendered}, **before.get(RECOGNISERS, {})}
