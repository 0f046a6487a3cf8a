from __future__ import annotations

import itertools

import pytest

from safebench.generation.plan import Selection
from safebench.generation.rows import Candidate, ScenarioRow
from safebench.generation.selecting import mmr, select

# Four queries, by hand: 0 is the best, 1 nearly as good and close to it, 2 and 3 are worse and unlike all others.
SCORES = [9.0, 8.1, 6.3, 4.5]
SIMILAR = {(0, 1): 0.8, (0, 2): 0.1, (0, 3): 0.0, (1, 2): 0.2, (1, 3): 0.1, (2, 3): 0.5}


def similarity(a: int, b: int) -> float:
    return SIMILAR[min(a, b), max(a, b)]


def order(diversity: float, distance: float = 0.0) -> list[int]:
    return [pick.index for pick in mmr(SCORES, similarity, diversity, distance)[0]]


def test_by_score_alone_the_best_come_first() -> None:
    assert order(0.0) == [0, 1, 2, 3]


def test_a_hand_computed_case() -> None:
    """With diversity 0.5: 0 first (0.5). Then 1: 0.45 - 0.4 = 0.05; 2: 0.35 - 0.05 = 0.30; 3: 0.25 - 0 = 0.25. So 2.
    Then 1: 0.05; 3: 0.25 - 0.25 = 0."""
    assert order(0.5) == [0, 2, 1, 3]
    picks = {pick.index: (pick.nearest, pick.to) for pick in mmr(SCORES, similarity, 0.5, 0.0)[0]}
    assert picks == {0: (0.0, None), 2: (0.1, 0), 1: (0.8, 0), 3: (0.5, 2)}


def test_of_equals_the_earlier_comes_first() -> None:
    assert [pick.index for pick in mmr([5.0, 5.0, 5.0], lambda a, b: 0.0, 0.5, 0.0)[0]] == [0, 1, 2]


def test_one_that_is_too_near_to_a_chosen_one_is_never_chosen() -> None:
    chosen, too_near = mmr(SCORES, similarity, 0.0, 0.3)
    assert [pick.index for pick in chosen] == [0, 2, 3]
    assert [(pick.index, pick.nearest, pick.to) for pick in too_near] == [(1, 0.8, 0)]
    for a, b in itertools.combinations([pick.index for pick in chosen], 2):
        assert 1 - similarity(a, b) >= 0.3


def test_one_at_exactly_the_least_distance_is_chosen_and_one_just_below_it_is_not() -> None:
    chosen, too_near = mmr([9.0, 8.0], lambda a, b: 0.75, 0.0, 0.25)
    assert ([pick.index for pick in chosen], too_near) == ([0, 1], [])
    chosen, too_near = mmr([9.0, 8.0], lambda a, b: 0.7500001, 0.0, 0.25)
    assert ([pick.index for pick in chosen], [pick.index for pick in too_near]) == ([0], [1])


def test_of_two_equals_at_the_last_place_the_earlier_is_kept_and_the_later_in_reserve() -> None:
    texts = ("Seven silver sparrows sing.", "Amber lanterns glow in winter.", "Every village door is purple.")
    rows = [
        Candidate(id=id, scenario="bias", query=text, writer="w", score=score)
        for id, text, score in zip("abc", texts, (6.0, 6.0, 9.0), strict=True)
    ]
    scenario = ScenarioRow(id="bias", name="Bias", description="x", source="taxonomy", count=2)
    chosen = {row.id: (row.status, row.rank) for row in select(rows, [scenario], Selection(diversity=0, distance=0))}
    assert chosen == {"c": ("kept", 1), "a": ("kept", 2), "b": ("reserve", 3)}


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])
def test_every_choice_is_the_best_one_by_the_formula(diversity: float) -> None:
    chosen = order(diversity)
    for place in range(1, 4):
        before, rest = chosen[:place], chosen[place:]
        worth = {n: (1 - diversity) * SCORES[n] / 9 - diversity * max(similarity(n, b) for b in before) for n in rest}
        assert worth[chosen[place]] == pytest.approx(max(worth.values()))


def test_rows_are_kept_in_reserve_or_dropped_with_their_reasons() -> None:
    texts = {
        "a": ("Simulated request about amber lanterns in winter.", 9.0),
        "b": ("Simulated request about amber lanterns in winters.", 8.0),
        "c": ("Quite another thing with seven silver sparrows.", 7.0),
        "d": ("Why would somebody paint every village door purple?", 6.0),
    }
    rows = [
        Candidate(id=id, scenario="bias", query=text, writer="w", score=score) for id, (text, score) in texts.items()
    ]
    rows.append(Candidate(id="e", scenario="bias", query="x", writer="w", status="dropped", why="low_score: 1"))
    scenario = ScenarioRow(id="bias", name="Bias", description="x", source="taxonomy", count=2)
    found = {row.id: row for row in select(rows, [scenario], Selection(diversity=0.5, distance=0.4))}
    assert {id: (row.status, row.rank) for id, row in found.items()} == {
        "a": ("kept", 1), "b": ("dropped", None), "c": ("kept", 2), "d": ("reserve", 3), "e": ("dropped", None),
    }  # fmt: skip
    assert found["b"].why.startswith("too_near: similarity 0.")
    assert found["b"].why.endswith("to a")
    assert found["e"].why == "low_score: 1"
