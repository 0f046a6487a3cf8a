from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from safebench.datasets.load import load_dataset
from safebench.errors import BadInput
from safebench.rendering.alternatives import settle
from safebench.rendering.assignment import OTHER_TEXTS, assign
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.types import Intent, Query

PIECE = "max_seconds_per_piece"
STARTER = load_dataset("starter").queries
RECIPES, _ = settle(load_recipes(), {})
AGREEING = RECIPES | {
    ("audio", "agreeing"): RECIPES["audio", "us-female"].model_copy(update={"name": "agreeing", "carrier": "agree"})
}


def dealt(seed: int = 0) -> dict[str, str]:
    recipe = Recipe(name="both", medium="audio", among=("us-female", "us-male"))
    found = assign(recipe, RECIPES, STARTER, seed)
    return {query.id: found.recipe(query).name for query in STARTER}


def test_recipes_are_dealt_out_evenly_within_each_scenario() -> None:
    by_scenario: dict[str | None, Counter[str]] = {}
    names = dealt()
    for query in STARTER:
        by_scenario.setdefault(query.scenario, Counter())[names[query.id]] += 1
    assert all(
        abs(counts["us-female"] - counts["us-male"]) == 2 for counts in by_scenario.values()
    )  # five pairs of twins
    whole = Counter(names.values())
    assert abs(whole["us-female"] - whole["us-male"]) <= 2


def test_twins_get_the_same_recipe() -> None:
    names = dealt()
    assert all(names[query.id] == names[query.twin or ""] for query in STARTER)


def test_the_deal_is_the_same_in_every_try_and_another_with_another_seed() -> None:
    assert dealt(1) == dealt(1)
    assert dealt(1) != dealt(2)


def test_a_recipe_with_steps_is_the_only_one() -> None:
    found = assign(RECIPES["audio", "us-male"], RECIPES, STARTER, 0)
    assert {found.recipe(query).name for query in STARTER} == {"us-male"}


def test_an_unknown_member_is_named_with_the_nearest() -> None:
    recipe = Recipe(name="both", medium="audio", among=("us-femal", "us-male"))
    with pytest.raises(BadInput, match="us-female"):
        assign(recipe, RECIPES, STARTER, 0)


def test_a_recipe_with_one_member_is_another_name_for_it(tmp_path: Path) -> None:
    """So another voice for `female` is the one of every recipe that assigns `female`."""
    path = tmp_path / "recipes.toml"
    path.write_text('[audio.female]\namong = ["vctk-female"]\n\n[audio.loop]\namong = ["loop"]\n', encoding="utf-8")
    known, _ = settle(load_recipes(path), {})
    male = known["audio", "male"].among[0]
    names = {
        name: [member.name for member in assign(known["audio", name], known, STARTER, 0).recipes]
        for name in ("female", "male", "balanced")
    }
    assert names == {"female": ["vctk-female"], "male": [male], "balanced": ["vctk-female", male]}
    with pytest.raises(BadInput, match=r"unknown audio recipe 'loop' in recipe audio\.loop"):
        assign(known["audio", "loop"], known, STARTER, 0)


def test_a_recipe_has_steps_or_members_and_not_both(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text('[audio.bad]\nsteps = [{ use = "espeak" }]\namong = ["male"]\n', encoding="utf-8")
    with pytest.raises(BadInput, match="among"):
        load_recipes(path)


UNRELATED = Recipe(name="unrelated", medium="image", another="typographic", control=True, carrier="query")


def test_another_query_is_benign_of_another_pair_and_drawn_by_seed() -> None:
    found = [assign(UNRELATED, RECIPES, STARTER, seed) for seed in (1, 1, 2)]
    drawn = [[one.job(query).of for query in STARTER] for one in found]
    assert drawn[0] == drawn[1] != drawn[2]
    for query, other in zip(STARTER, drawn[0], strict=True):
        assert other is not None
        assert other.intent is Intent.BENIGN
        assert other.id not in (query.id, query.twin)
    assert len({other.id for other in drawn[0] if other}) > 60  # of 115: drawn at random, not one for all


def test_the_recipe_of_another_query_keeps_its_own_name_and_takes_the_steps() -> None:
    job = assign(UNRELATED, RECIPES, STARTER, 0).job(STARTER[0])
    assert (job.query, job.recipe.name, job.recipe.control) == (STARTER[0], "unrelated", True)
    assert job.recipe.steps == RECIPES["image", "typographic"].steps


def test_without_benign_queries_a_harmful_one_of_another_pair_is_taken() -> None:
    queries = [Query("a", "One?"), Query("b", "Two?")]
    found = assign(UNRELATED, RECIPES, queries, 0)
    assert [found.job(query).of for query in queries] == queries[::-1]
    with pytest.raises(BadInput, match="only one pair"):
        assign(UNRELATED, RECIPES, queries[:1], 0)


@pytest.mark.parametrize("name", ["female", "balanced", "small-talk"])
def test_each_job_has_texts_of_a_few_other_queries_the_same_in_every_try(name: str) -> None:
    def texts(seed: int, count: int = len(STARTER)) -> dict[str, tuple[str, ...]]:
        found = assign(RECIPES["audio", name], RECIPES, STARTER[:count], seed)
        return {query.id: found.job(query).other_texts for query in STARTER[:count]}

    found, known = texts(0), {query.text for query in STARTER}
    assert all(len(others) >= OTHER_TEXTS - 1 and set(others) <= known for others in found.values())
    assert all(query.text not in found[query.id] for query in STARTER)
    assert all(found[query.id][0] == next(q.text for q in STARTER if q.id == query.twin) for query in STARTER)
    assert len(set(found.values())) == len(STARTER)
    assert texts(0) == found != texts(1)
    assert texts(0, count=100) != {query.id: found[query.id] for query in STARTER[:100]}
    assert {len(others) for others in texts(0, count=3).values()} == {2}


def test_the_rendering_is_another_one_where_it_is_told_from_other_queries() -> None:
    one, other = (assign(RECIPES["audio", "female"], RECIPES, STARTER, seed).job(STARTER[0]) for seed in (0, 1))
    assert one.key == assign(RECIPES["audio", "female"], RECIPES, STARTER, 0).job(STARTER[0]).key
    assert one.key != replace(one, other_texts=other.other_texts).key


def test_what_a_recipe_that_deals_says_of_the_message_is_said_of_its_members() -> None:
    layout = {PIECE: 9.0}
    recipe = Recipe(name="both", medium="audio", among=("agreeing", "us-male"), carrier="query", layout=layout)
    members = assign(recipe, AGREEING, STARTER, 0).recipes
    assert [(member.name, member.carrier, member.layout) for member in members] == [
        ("agreeing", "query", layout),
        ("us-male", "query", layout),
    ]
    own = [AGREEING["audio", member.name].fingerprint() for member in members]
    assert [member.fingerprint() for member in members] == own  # the clips are the same, and are made once


def test_a_recipe_that_deals_and_says_nothing_leaves_its_members_their_carriers() -> None:
    recipe = Recipe(name="both", medium="audio", among=("agreeing", "us-male"))
    assert [member.carrier for member in assign(recipe, AGREEING, STARTER, 0).recipes] == ["agree", None]


def test_another_name_for_a_recipe_keeps_its_carrier_when_it_is_dealt() -> None:
    named = Recipe(name="named", medium="audio", among=("us-male",), carrier="agree")
    both = Recipe(name="both", medium="audio", among=("named", "us-female"))
    members = assign(both, {**RECIPES, ("audio", "named"): named}, STARTER, 0).recipes
    assert [(member.name, member.carrier) for member in members] == [("us-male", "agree"), ("us-female", None)]


def test_the_layout_of_what_is_made_of_another_query_is_that_of_its_recipe() -> None:
    long = Recipe(name="long", medium="audio", steps=RECIPES["audio", "us-male"].steps, layout={PIECE: 9.0})
    another = Recipe(name="other", medium="audio", another="long", control=True, carrier="query")
    (unlike,) = assign(another, {**RECIPES, ("audio", "long"): long}, STARTER, 0).recipes
    assert unlike.layout == {PIECE: 9.0}


def test_a_control_is_not_dealt_with_a_carrier_that_leaves_the_query_out() -> None:
    mixed = Recipe(name="mixed", medium="audio", among=("us-female", "silence"), carrier="agree")
    with pytest.raises(BadInput, match=r"audio\.silence is a control: with carrier = 'agree' nothing"):
        assign(mixed, RECIPES, STARTER, 0).check()


@pytest.mark.parametrize("reworded", ["written", "both"])
@pytest.mark.parametrize("way", ["among", "first_of"])
def test_what_is_made_of_the_query_to_be_written_is_not_lost_where_it_is_dealt(reworded: str, way: str) -> None:
    made = [{"use": "template", "text": "Attack: {query}"}, {"use": "typographic"}]
    tables = {"attacked": {"steps": made, "reworded": reworded}, "mix": {way: ["attacked"], "carrier": "query"}}
    known, _ = settle(load_recipes(inline={"image": tables}), {})
    with pytest.raises(BadInput, match=rf"image\.attacked has reworded = '{reworded}': with carrier = 'query'"):
        assign(known["image", "mix"], known, STARTER, 0).check()


ABROAD = RECIPES | {
    ("audio", "here"): Recipe(name="here", medium="audio", among=("us-female",), languages={"de": "us-male"}),
    ("audio", "both"): Recipe(name="both", medium="audio", among=("here", "scottish-female")),
}


@pytest.mark.parametrize(
    ("language", "certainty", "name"),
    [
        ("de", None, "us-male"),
        ("de-AT", None, "us-male"),
        ("de", 0.9, "us-male"),
        ("de", 0.3, "us-female"),
        ("en", None, "us-female"),
        ("it", None, "us-female"),
        (None, None, "us-female"),
    ],
)
def test_a_query_gets_the_recipe_of_its_language(language: str | None, certainty: float | None, name: str) -> None:
    query = Query("q", "Wie geht das?", language=language, certainty=certainty)
    other = Query("other", "How do birds fly?", language="en")
    found = assign(ABROAD["audio", "here"], ABROAD, [query, other], 0)
    assert (found.recipe(query).name, found.recipe(other).name) == (name, "us-female")


def test_recipes_that_are_dealt_have_those_of_their_languages_in_their_places() -> None:
    queries = [Query(f"q{n}", "Wie geht das?", language="de" if n % 2 else "en") for n in range(40)]
    found = assign(ABROAD["audio", "both"], ABROAD, queries, 0)
    german, english = Counter[str](), Counter[str]()
    for query in queries:
        (german if query.language == "de" else english)[found.recipe(query).name] += 1
    assert set(german) == {"us-male", "scottish-female"}  # which has no voice for German, and will say so
    assert set(english) == {"us-female", "scottish-female"}


def test_only_a_recipe_that_names_others_names_some_by_language() -> None:
    with pytest.raises(BadInput, match="names some by language"):
        load_recipes(inline={"audio": {"own": {"steps": [{"use": "silence"}], "languages": {"de": "us-male"}}}})


# --- in stages

BOTH = Recipe(name="both", medium="audio", among=("us-female", "us-male"))


@pytest.mark.parametrize("sizes", [(4,), (1, 2, 3), (7, 8, 60), (33, 100)])
def test_who_was_there_keeps_what_was_dealt_and_those_who_come_are_dealt_among_all(sizes: tuple[int, ...]) -> None:
    stages = [cut(size) for size in sizes]
    whole = assign(BOTH, RECIPES, STARTER, 0, before=stages)
    unlike = assign(UNRELATED, RECIPES, STARTER, 0, before=[cut(size) for size in sizes if size > 3])
    for n, stage in enumerate(stages):
        then = assign(BOTH, RECIPES, stage, 0, before=stages[:n])
        assert [whole.job(query).key for query in stage] == [then.job(query).key for query in stage]
    if sizes[0] > 3:
        then = assign(UNRELATED, RECIPES, stages[0], 0)
        assert [unlike.others[query.id] for query in stages[0]] == [then.others[query.id] for query in stages[0]]
    assert all(whole.recipe(query) == whole.recipe(replace(query, id=query.twin or "")) for query in STARTER)
    names = Counter(whole.recipe(query).name for query in STARTER)
    assert abs(names["us-female"] - names["us-male"]) <= 2 * (1 + len(sizes))


def cut(size: int) -> tuple[Query, ...]:
    """The first of the starter set; one whose twin is not among them has none."""
    ids = {query.id for query in STARTER[:size]}
    return tuple(query if query.twin in ids else replace(query, twin=None) for query in STARTER[:size])


def test_stages_that_bring_nobody_change_nothing() -> None:
    once, twice = (assign(BOTH, RECIPES, STARTER, 0, before=before) for before in ((), (STARTER, STARTER)))
    assert once.places == twice.places
    assert [once.job(query).key for query in STARTER[:5]] == [twice.job(query).key for query in STARTER[:5]]
