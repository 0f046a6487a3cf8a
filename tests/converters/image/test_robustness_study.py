"""The shipped study: one effect is swept, all else stays, and the error rates span the whole range."""

from __future__ import annotations

import pytest

from safebench.files import read_toml
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.conditions import resolve_conditions
from safebench.rendering.recipes import load_recipes
from safebench.resources import data_path
from safebench.runs.config import make_config
from safebench.types import Query

TEXT = "Which plants in a garden are dangerous for cats and dogs, and what helps?"


@pytest.fixture(scope="module")
def swept():
    config = make_config("study", **read_toml(data_path("studies/image-robustness.toml")), target="t", out="o")
    recipes = load_recipes(inline=config.recipe)
    conditions = resolve_conditions(list(config.conditions), recipes)
    return [(condition, recipes["image", condition.recipe]) for condition in conditions if condition.recipe]


def test_every_control_shows_the_written_query_and_is_not_checked(swept):
    controls = {str(condition) for condition, recipe in swept if recipe.control and recipe.carrier == "query"}
    assert controls == {"image+text:black", "image+text:white", "image+text:noise"}


def test_stronger_blur_is_harder_to_read_from_perfect_to_not_at_all(swept):
    query = Query("q1", TEXT)
    recipes = {c.recipe: recipe for c, recipe in swept if not recipe.control}
    assert list(recipes) == ["typographic", "blur-4", "blur-6", "blur-8"]
    for recipe in recipes.values():
        recipe.check()
    read = [render(RenderJob(query, recipe, recogniser="rapidocr")) for recipe in recipes.values()]
    rates = [rendering.fidelity.measures["cer"] for rendering in read]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (0.0, 1.0)
    # what is hard to read is shown and not dropped; what cannot be read at all is no rendering, whatever the gate says
    assert [rendering.faithful for rendering in read] == [True, True, True, False]
