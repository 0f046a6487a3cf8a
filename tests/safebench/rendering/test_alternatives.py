"""Recipes with `first_of`, on machines that have this engine or that: an engine that is not there says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.text_to_image.chat import Chat
from converters.text_to_image.typographic import Typographic
from safebench.errors import BadInput
from safebench.plugins import Converter
from safebench.rendering.alternatives import ChosenRecipes, better_lines, chosen_lines, settle, stands_for, used
from safebench.rendering.assignment import assign
from safebench.rendering.recipes import Recipes, load_recipes
from safebench.types import Query

TABLES: dict[str, Any] = {
    "image": {
        "fine": {"steps": [{"use": "chat"}]},
        "plain": {"steps": [{"use": "typographic"}]},
        "best": {"first_of": ["fine", "plain"], "carrier": "query"},
        "dealt": {"among": ["best", "figstep"]},
    }
}
LACKS = "'chat' needs bubbles, which is not installed: pip install bubbles"
BEST = ("image", "best")

Lose = Callable[[type[Converter]], None]


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Lose:
    """As on a machine without what the converter needs."""

    def lose(plugin: type[Converter]) -> None:
        monkeypatch.setattr(plugin, "missing", lambda options: LACKS)

    return lose


def known(tables: dict[str, Any] = TABLES) -> Recipes:
    return load_recipes(inline=tables)


def settled(before: dict[str, Any] | None = None) -> tuple[Recipes, ChosenRecipes]:
    return settle(known(), before or {})


def frozen(choices: ChosenRecipes, recipes: Recipes) -> dict[str, Any]:
    return {key: choice.describe() for key, choice in used(choices, recipes).items()}


def test_the_first_that_can_work_is_taken(lose: Lose) -> None:
    recipes, choices = settled()
    assert (choices[BEST].recipe.name, choices[BEST].better) == ("fine", {})
    assert recipes[BEST].among == ("fine",)
    lose(Chat)
    recipes, choices = settled()
    assert (choices[BEST].recipe.name, choices[BEST].better) == ("plain", {"fine": LACKS})
    assert recipes[BEST].among == ("plain",)
    assert stands_for(known()[BEST], known()).name == "plain"


def test_where_none_can_work_the_last_one_is_to_be_installed(lose: Lose) -> None:
    lose(Chat)
    lose(Typographic)
    assert settled()[1][BEST].recipe.name == "plain"


def test_what_it_stands_for_is_put_to_the_target_as_it_says_also_where_it_is_dealt() -> None:
    recipes, _ = settled()
    queries = [Query("a", "One?"), Query("b", "Two?")]
    for name in ("best", "dealt"):
        first = assign(recipes["image", name], recipes, queries, 0).recipes[0]
        assert (first.name, first.carrier) == ("fine", "query")


def test_what_was_chosen_is_frozen_with_versions_and_digests_and_taken_again(lose: Lose) -> None:
    lose(Chat)
    recipes, choices = settled()
    told = frozen(choices, {("image", "dealt"): recipes["image", "dealt"]})
    made_by = [f"typographic {Typographic.version}"]
    assert told == {"image.best": {"recipe": "plain", "made_by": made_by, "files": {}}}
    assert frozen(choices, {("image", "chat"): recipes["image", "chat"]}) == {}


def test_a_choice_stands_though_a_better_one_was_installed_since() -> None:
    made_by = [f"typographic {Typographic.version}"]
    before = {"image.best": {"recipe": "plain", "made_by": made_by, "files": {}}}
    assert settled(before)[1][BEST].recipe.name == "plain"


def test_it_is_said_what_was_chosen_and_what_would_be_better(lose: Lose) -> None:
    lose(Chat)
    recipes, choices = settled()
    chosen = frozen(choices, {BEST: recipes[BEST]})
    assert [*chosen_lines(chosen)] == [f"image:best is image:plain, by typographic {Typographic.version}"]
    assert [*better_lines(choices[key] for key in [BEST])] == [f"image:best would be better by fine: {LACKS}"]


def test_what_was_chosen_and_is_missing_now_is_refused_with_what_to_do(lose: Lose) -> None:
    recipes, choices = settled()
    before = frozen(choices, {BEST: recipes[BEST]})
    lose(Chat)
    with pytest.raises(BadInput) as refused:
        settled(before)
    (line,) = refused.value.problems
    assert line.startswith("image:best is image:fine, by chat ")
    assert LACKS in line
    assert line.endswith("Install what it was made with, or begin anew with another --out")


def test_what_would_be_made_by_another_version_now_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes, choices = settled()
    before = frozen(choices, {BEST: recipes[BEST]})
    monkeypatch.setattr(Chat, "version", "99")
    with pytest.raises(BadInput, match=r"here it would be by chat 99"):
        settled(before)


def test_what_would_be_made_with_other_weights_now_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "voice.onnx"
    weights.write_bytes(b"one")
    monkeypatch.setattr(Chat.Options, "files", lambda options: [weights])
    recipes, choices = settled()
    before = frozen(choices, {BEST: recipes[BEST]})
    key = recipes["image", "fine"].fingerprint()
    assert [*before["image.best"]["files"]] == ["voice.onnx"]
    settled(before)
    weights.write_bytes(b"two")
    with pytest.raises(BadInput, match=r"voice\.onnx"):
        settled(before)
    assert known()["image", "fine"].fingerprint() != key  # so no clip of the other weights is ever taken for one


def test_an_alternative_that_there_is_not_is_named_with_the_nearest() -> None:
    tables = {"image": {"best": {"first_of": ["typografic", "chat"]}}}
    with pytest.raises(BadInput, match=r"unknown image recipe 'typografic' in run file: recipe|image\.best"):
        settle(known(tables), {})


@pytest.mark.parametrize("key", ["gate = { cer = 0.1 }", "tries = 2", 'among = ["chat"]', 'steps = [{ use = "chat" }]'])
def test_what_the_alternatives_say_themselves_is_no_key_beside_first_of(key: str, tmp_path: Path) -> None:
    file = tmp_path / "recipes.toml"
    file.write_text(f'[image.best]\nfirst_of = ["chat"]\n{key}\n', encoding="utf-8")
    with pytest.raises(BadInput, match="first_of"):
        load_recipes(file)


def test_a_name_for_a_name_stands_for_what_is_chosen() -> None:
    medium, name = BEST
    recipes = known({medium: {**TABLES[medium], "again": {"among": [name]}}})
    assert stands_for(recipes[medium, "again"], recipes).name == "fine"
