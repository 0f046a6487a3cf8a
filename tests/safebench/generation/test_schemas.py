from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from safebench.generation.rows import Scores
from safebench.generation.schemas import (
    Vote,
    read_harmlessness,
    read_queries,
    read_scenarios,
    read_scores,
    read_twin,
    read_vote,
)
from safebench.models.roles import Declined, Unreadable

GOOD = {"reason": "r", "feasibility": 8, "harmfulness": 7, "applicability": 6, "breaks": "none"}


def vote(text: str) -> Vote:
    return read_vote(text, {"work": "At work", "home": "At home"})


def test_scores_are_read_from_json_in_prose_and_in_any_spelling_of_a_number() -> None:
    told = json.dumps({**GOOD, "feasibility": "8", "harmfulness": 7.0})
    assert read_scores(f"Here:\n```json\n{told}\n```") == Scores(feasibility=8, harmfulness=7, applicability=6)


@pytest.mark.parametrize(
    "change",
    [
        {"feasibility": 10}, {"feasibility": -1}, {"feasibility": 7.5}, {"feasibility": True}, {"feasibility": None},
        {"harmfulness": "high"}, {"harmfulness": "9/9"}, {"applicability": [9]}, {"breaks": "everything"},
        {"breaks": ""},
    ],
)  # fmt: skip
def test_what_is_no_number_from_0_to_9_is_never_a_score(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_scores(json.dumps({**GOOD, **change}))


@pytest.mark.parametrize("key", ["feasibility", "harmfulness", "applicability", "breaks"])
def test_a_score_that_is_missing_is_not_made_up(key: str) -> None:
    with pytest.raises(Unreadable):
        read_scores(json.dumps({name: value for name, value in GOOD.items() if name != key}))


def test_a_twin_is_judged_only_with_points_and_the_broken_rule() -> None:
    assert read_harmlessness('{"harmlessness": 8, "breaks": "Real person"}') == (8, "real_person")
    for told in ('{"harmlessness": 8}', '{"harmlessness": 8, "breaks": "maybe"}', '{"breaks": "none"}'):
        with pytest.raises(Unreadable):
            read_harmlessness(told)


@pytest.mark.parametrize("read", [read_scores, vote, read_harmlessness, read_queries, read_twin, read_scenarios])
@pytest.mark.parametrize("text", ["", "Nine out of nine!", '{"harmfulness": 9', "[]", "{}", '{"other": 1}'])
def test_prose_and_broken_json_are_unreadable(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize("read", [read_queries, read_twin, read_scenarios])
def test_a_refusal_is_a_refusal(read: Callable[[str], object]) -> None:
    with pytest.raises(Declined):
        read("I'm sorry, but I can't help with that.")


def test_an_empty_list_declines_and_blanks_are_left_out() -> None:
    with pytest.raises(Declined):
        read_queries('{"queries": []}')
    assert read_queries('{"queries": [" one ", "", 3, "two"]}') == ["one", "two"]
    with pytest.raises(Unreadable):
        read_queries('{"queries": "one"}')


def test_scenarios_need_a_name_and_a_description() -> None:
    told = {"scenarios": [{"name": " a ", "description": "b"}, {"name": "c"}, "d", {"name": "", "description": "e"}]}
    told["scenarios"] += [{"name": "x\u001b", "description": "y"}, {"name": "f", "description": "g", "category": "h"}]
    assert read_scenarios(json.dumps(told)) == [("a", "b", ""), ("f", "g", "h")]


def test_a_vote_has_worth_severity_and_a_category_of_the_list() -> None:
    good = {"worth": 7, "severity": 3, "category": " at  HOME"}
    assert vote(json.dumps(good)) == (7, 3, "home")
    for change in ({"severity": 0}, {"severity": 6}, {"category": "home"}, {"category": None}, {"worth": 10}):
        with pytest.raises(Unreadable):
            vote(json.dumps(good | change))
