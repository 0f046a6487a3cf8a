"""What a run and a conversion plan alike: the queries, the conditions, and which recipe renders which query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safebench.datasets.config import RenderingConfig
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.rendering.assignment import Assignment, assign
from safebench.rendering.conditions import resolve_conditions
from safebench.rendering.recipes import Recipes, load_recipes
from safebench.rendering.recognition import choose_recognisers
from safebench.rendering.renderer import RenderSettings
from safebench.types import Condition


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Queries and the conditions under which they are asked or rendered."""

    whole: Dataset  # before the limit
    dataset: Dataset
    known: Recipes
    conditions: tuple[Condition, ...]
    assignments: Mapping[Condition, Assignment]  # of the conditions that are rendered: which recipe for which query


def plan_data(config: RenderingConfig) -> DataPlan:
    """Raises BadInput for data, recipes and conditions that there are not, and for recipes that nothing can be made by.

    Whether the recipes of the assignments can work is checked by whoever renders by them.
    """
    whole = load_dataset(config.data, config.text_column)
    dataset = whole.limited(config.limit)
    known = load_recipes(Path(config.recipes) if config.recipes else None, config.recipe, dataset.recipes)
    conditions = resolve_conditions(config.conditions, known)
    assignments = {
        condition: assign(known[condition.medium, condition.recipe], known, dataset.queries, config.seed)
        for condition in conditions
        if condition.recipe is not None
    }
    for assignment in assignments.values():
        assignment.check()
    return DataPlan(whole, dataset, known, conditions, assignments)


def plan_settings(config: RenderingConfig) -> RenderSettings:
    """Raises BadInput for a recogniser that there is not, or two of one medium."""
    return RenderSettings(config.seed, config.check_share, choose_recognisers(config.recognisers))
