from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from safebench.datasets import load_dataset
from safebench.dealing import deal
from safebench.errors import BadInput
from safebench.recipes import Recipe, load_recipes

STARTER = load_dataset("starter").queries
RECIPES = load_recipes()


def dealt(seed: int = 0) -> dict[str, str]:
    recipe = Recipe(name="both", medium="audio", among=("female", "male"))
    found = deal(recipe, RECIPES, STARTER, seed)
    return {query.id: found.recipe(query).name for query in STARTER}


def test_recipes_are_dealt_out_evenly_within_each_scenario() -> None:
    by_scenario: dict[str | None, Counter[str]] = {}
    names = dealt()
    for query in STARTER:
        by_scenario.setdefault(query.scenario, Counter())[names[query.id]] += 1
    assert all(abs(counts["female"] - counts["male"]) == 2 for counts in by_scenario.values())  # five pairs of twins
    whole = Counter(names.values())
    assert abs(whole["female"] - whole["male"]) <= 2


def test_twins_get_the_same_recipe() -> None:
    names = dealt()
    assert all(names[query.id] == names[query.twin or ""] for query in STARTER)


def test_the_deal_is_the_same_in_every_try_and_another_with_another_seed() -> None:
    assert dealt(1) == dealt(1)
    assert dealt(1) != dealt(2)


def test_a_recipe_with_steps_is_the_only_one() -> None:
    found = deal(RECIPES["audio", "male"], RECIPES, STARTER, 0)
    assert {found.recipe(query).name for query in STARTER} == {"male"}


def test_an_unknown_member_is_named_with_the_nearest() -> None:
    recipe = Recipe(name="both", medium="audio", among=("femal", "male"))
    with pytest.raises(BadInput, match="female"):
        deal(recipe, RECIPES, STARTER, 0)


def test_a_recipe_has_steps_or_members_and_not_both(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text('[audio.bad]\nsteps = [{ use = "espeak" }]\namong = ["male"]\n', encoding="utf-8")
    with pytest.raises(BadInput, match="among"):
        load_recipes(path)
