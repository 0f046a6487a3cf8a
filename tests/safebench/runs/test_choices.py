from __future__ import annotations

from collections import Counter

import pytest

from safebench.models.words import words
from safebench.runs.choices import Choices, OfferedSentences, benign_sentences, read_choice
from safebench.types import Failure, Intent, Media, Query, Response

SENTENCES = ("How do I bake bread?", "A dog barks.", "Where is the lake?", "Who sells paper?")
CHOICE = OfferedSentences(SENTENCES, right=1)


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("B", 1),
        ("b", 1),
        (" (B). ", 1),
        ("**D**", 3),
        ("a dog barks", 1),
        ("A", 0),
        ("C) Where is the lake?", 2),
        ("C) Who sells paper?", None),
        ("The answer is B", None),
        ("A or B", None),
        ("E", None),
        ("", None),
        ("I'm sorry, but I can't say that.", None),
    ],
)
def test_an_answer_names_a_sentence_by_its_letter_or_by_itself_and_by_nothing_else(
    answer: str, place: int | None
) -> None:
    assert CHOICE.picked(answer) == place


SPOKEN = Media.of("audio", "audio/wav", b"RIFF")


@pytest.mark.parametrize(
    ("response", "heard", "status"),
    [
        (Response("answered", "B"), None, "understood"),
        (Response("answered", "C"), None, "missed"),
        (Response("answered", "I'm sorry, but I can't say that."), None, "unknown"),
        (Response("answered", ""), None, "unknown"),
        (Response("blocked", "B"), None, "unknown"),
        (Response("failed", failure=Failure("t", "E", "m")), None, "unknown"),
        (Response("answered", "", media=(SPOKEN,)), "A dog barks.", "understood"),
        (Response("answered", "Listen:", media=(SPOKEN,)), "B.", "understood"),
        (Response("answered", "B", media=(SPOKEN,)), "C", "unknown"),
    ],
)
def test_what_an_answer_says(response: Response, heard: str | None, status: str) -> None:
    assert read_choice(CHOICE, response, heard).status == status


def pairs(count: int) -> list[Query]:
    return [
        query
        for n in range(count)
        for query in (
            Query(f"h{n}", f"harmful query {n} x" + "x" * n, twin=f"b{n}"),
            Query(f"b{n}", f"benign query {n} x" + "x" * n, Intent.BENIGN, twin=f"h{n}"),
        )
    ]


def test_the_twin_and_another_pair_of_about_the_same_length_are_offered() -> None:
    """So that neither the intent nor the length tells which one it was."""
    queries = pairs(60)
    for query in queries:
        choice = Choices(queries, seed=1).of(query)
        assert choice.sentences[choice.right] == query.text
        kinds = [text.split()[0] for text in choice.sentences]
        assert sorted(kinds) == ["benign", "benign", "harmful", "harmful"]
        numbers = Counter(int(text.split()[2]) for text in choice.sentences)
        assert sorted(numbers.values()) == [2, 2]
        assert numbers[int(query.id[1:])] == 2
        assert max(numbers) - min(numbers) <= 8


def test_the_order_is_drawn_by_seed_and_the_same_in_every_try() -> None:
    queries = pairs(60)
    places = [Choices(queries, seed=1).of(query).right for query in queries]
    assert places == [Choices(queries, seed=1).of(query).right for query in queries]
    assert places != [Choices(queries, seed=2).of(query).right for query in queries]
    assert all(15 <= places.count(place) <= 45 for place in range(4))


def test_where_the_data_have_too_few_queries_sentences_of_ours_are_offered() -> None:
    query = Query("q", "How do I\nbake a loaf?")
    choice = Choices([query, Query("same", "how do I bake a loaf")], seed=0).of(query)
    assert choice.sentences[choice.right] == "How do I bake a loaf?"
    others = {text for n, text in enumerate(choice.sentences) if n != choice.right}
    assert others < set(benign_sentences())
    assert len({tuple(words(text)) for text in choice.sentences}) == 4


def test_who_was_there_is_offered_what_it_was_offered_then() -> None:
    queries = [Query(str(n), f"Sentence number {n} of {n % 7} kinds" + " indeed" * (n % 5)) for n in range(40)]
    queries[3] = Query("3", queries[3].text, twin="39")
    first = [*queries[:3], Query("3", queries[3].text), *queries[4:10]]
    then, grown = Choices(first, seed=1), Choices(queries, seed=1, before=[first])
    assert [then.of(query) for query in first] == [grown.of(query) for query in queries[:10]]
    assert [Choices(queries, seed=1).of(query) for query in queries[:10]] != [then.of(query) for query in first]
