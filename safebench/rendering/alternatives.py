"""What a recipe with `first_of` stands for: the first of its recipes that can work here.

That is decided once, when a run or a conversion is planned, and frozen in its file with the versions of the converters
and the digests of the files that they use, weights among them. Where the run or conversion goes on, it stands for the
same, or nothing goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter
from safebench.rendering.recipes import Recipe, Recipes, with_steps

CHOSEN = "chosen"  # key of the file of a run or conversion


@dataclass(frozen=True, slots=True)
class ChosenRecipe:
    """`recipe` is what the recipe `name` stands for; `better`: those before it by name, and why each cannot work."""

    name: str
    recipe: Recipe
    better: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """As it is frozen."""
        return {"recipe": self.recipe.name, "made_by": self.recipe.made_by(), "files": self.recipe.digests()}


ChosenRecipes = Mapping[tuple[str, str], ChosenRecipe]  # by medium and name


def settle(known: Recipes, before: Mapping[str, Any]) -> tuple[Recipes, ChosenRecipes]:
    """The recipes, in which each one with `first_of` names the one that it stands for, and those choices.

    `before`: what was frozen, by `MEDIUM.NAME`; that is taken again. Raises BadInput for a recipe that there is not,
    and where what was frozen cannot be made here in the same way.
    """
    choices = {key: _choose(recipe, known, before) for key, recipe in known.items() if recipe.first_of}
    return known | {key: known[key].standing_for(choice.recipe) for key, choice in choices.items()}, choices


def stands_for(recipe: Recipe, known: Recipes) -> Recipe:
    """What is rendered by a recipe that is another name for one; itself where it is none."""
    if recipe.first_of:
        return _choose(recipe, known, {}).recipe
    if len(recipe.among) != 1:
        return recipe
    other = known.get((recipe.medium, recipe.among[0]))
    return stands_for(other, known) if other and other.first_of else with_steps(recipe, recipe.among[0], known)


def used(choices: ChosenRecipes, recipes: Recipes) -> dict[str, ChosenRecipe]:
    """By `MEDIUM.NAME` the choices behind these recipes and those that they name."""
    named = {(medium, name) for (medium, _), recipe in recipes.items() for name in (*recipe.among, recipe.another)}
    return {f"{key[0]}.{key[1]}": choices[key] for key in choices if key in named | recipes.keys()}


def chosen_lines(chosen: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What each name stands for, from what was frozen."""
    for key, was in chosen.items():
        medium, _, name = key.partition(".")
        yield f"{medium}:{name} is {medium}:{was['recipe']}, by {_by(was)}"


def better_lines(choices: Iterable[ChosenRecipe]) -> Iterator[str]:
    """What would be better than what was chosen, and why it is not taken."""
    for choice in choices:
        for name, why in choice.better.items():
            yield f"{choice.recipe.medium}:{choice.name} would be better by {name}: {why}"


def missing(recipe: Recipe) -> str | None:
    """Why nothing can be made by a recipe here; None where nothing is missing. Raises BadInput for wrong steps."""
    for step in recipe.steps:
        lacking = registry.missing(Converter, step.use, recipe.where, **step.options)
        if lacking is not None:
            return lacking
    return None


def _choose(recipe: Recipe, known: Recipes, before: Mapping[str, Any]) -> ChosenRecipe:
    """The first that can work; where none can, the last one, whose packages are then asked for."""
    key = f"{recipe.medium}.{recipe.name}"
    if key in before:
        return _same(recipe, known, before[key])
    better: dict[str, str] = {}
    *others, last = recipe.first_of
    for name in others:
        one = with_steps(recipe, name, known)
        lacking = missing(one)
        if lacking is None:
            return ChosenRecipe(recipe.name, one, better)
        better[name] = lacking
    return ChosenRecipe(recipe.name, with_steps(recipe, last, known), better)


def _same(recipe: Recipe, known: Recipes, was: Mapping[str, Any]) -> ChosenRecipe:
    """What was chosen before, made as it was then. Raises BadInput where that cannot be."""
    one = with_steps(recipe, str(was["recipe"]), known)
    choice = ChosenRecipe(recipe.name, one)
    now = missing(one) or (None if choice.describe() == was else f"here it would be by {_by(choice.describe())}")
    if now is None:
        return choice
    raise BadInput(
        f"{recipe.condition} is {one.condition}, by {_by(was)}, in what is to go on. That cannot be made here: {now}. "
        "Install what it was made with, or begin anew with another --out"
    )


def _by(described: Mapping[str, Any]) -> str:
    files = [f"{name} {digest[:12]}" for name, digest in described["files"].items()]
    return ", ".join([*described["made_by"], *files])
