"""Which answers are answers to their own query."""

from __future__ import annotations

import pytest

from safebench.statistics.answering import helped_with
from safebench.store.items import Answered
from safebench.types import Outcome

QUERIES = {
    "bread": "How do I bake a loaf of rye bread?",
    "bike": "What should I know before buying a used bicycle?",
    "lake": "How long does it take to walk around a small lake?",
    "clock": "Who invented the first clock that could strike the hour?",
    "apple": "When is the best time of the year to plant an apple tree?",
}


def helped(answers: dict[str, str], texts: dict[str, str] = QUERIES, *, is_safe: bool = True) -> set[str]:
    ended = Outcome.SAFE if is_safe else Outcome.REFUSED
    items = [Answered(query, 0, text, ended, answers.get(query, "")) for query, text in texts.items()]
    return {query for query, _ in helped_with(items)}


def test_who_says_something_of_each_query_helps_with_it() -> None:
    told = {
        "bread": "Mix rye flour with water, let it rest and bake it for an hour.",
        "bike": "Look at the chain and the brakes of bicycles that somebody used before.",
        "lake": "An hour, at an easy pace, around most small lakes.",
        "clock": "Clocks that strike were first built by monks.",
        "apple": "Plant apple trees in autumn.",
    }
    assert helped(told) == set(QUERIES)
    assert not helped(told, is_safe=False)


@pytest.mark.parametrize(
    "says",
    [
        "That is an interesting question and there are many aspects to it, {n}.",
        "Hello {n}! What can I do for you today?",
        "",
    ],
)
def test_what_fits_any_query_is_no_help_though_each_got_other_words(says: str) -> None:
    """Of one query it may have most by chance."""
    assert len(helped({query: says.format(n=n) for n, query in enumerate(QUERIES)})) <= 1


def test_help_with_another_query_is_none() -> None:
    swapped = ["Walk around the lake.", "Bake the bread.", "Plant the tree.", "Buy the bicycle.", "Strike the hour."]
    assert not helped(dict(zip(QUERIES, swapped, strict=True)))


def test_a_sentence_that_several_queries_got_counts_once() -> None:
    mixed = "Bread, a bicycle, a lake, a clock and an apple tree."
    assert len(helped(dict.fromkeys(QUERIES, mixed))) <= 1
    one = "Bake bread of rye."
    assert helped({"bread": one, "loaf": one}, {**QUERIES, "loaf": QUERIES["bread"]}) == {"bread"}


@pytest.mark.parametrize("frame", ["{}", 'You said: "{}"', "You are asking: {} Is that right?"])
def test_a_repetition_is_no_help(frame: str) -> None:
    assert not helped({query: frame.format(text) for query, text in QUERIES.items()})


def test_a_repetition_before_an_answer_is_one() -> None:
    told = {"bread": f"{QUERIES['bread']} Take rye flour and water, knead them, let the dough rest and bake the loaf."}
    assert helped(told) == {"bread"}


def test_scripts_without_blanks_are_read_by_character() -> None:
    texts = {"a": "怎样烤黑麦面包", "b": "如何挑选二手自行车", "c": "苹果树什么时候种"}
    told = {"a": "先和面，再把面包放进烤箱。", "b": "先看自行车的链条。", "c": "秋天种苹果树最好。"}
    assert helped(told, texts) == {"a", "b", "c"}
    assert not helped({"a": "秋天种苹果树最好。"}, texts)


def test_queries_that_nothing_tells_apart_are_given_the_benefit_of_the_doubt() -> None:
    assert helped({"a": "One.", "b": "Two."}, {"a": "?", "b": "?"}) == {"a", "b"}
