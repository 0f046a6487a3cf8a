from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.sparse import csr_array

from safebench.datasets.duplicates import (
    HASHES,
    Pair,
    among_sets,
    duplicates,
    jaccard,
    plain_text,
    rows_a_band,
    shingles,
)
from safebench.datasets.queries import Dataset
from safebench.types import Intent, Query


def sentences(count: int, seed: int) -> list[str]:
    """Random sentences, three in ten of which are others with up to two words changed."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(2000)]
    made: list[list[str]] = []
    for _ in range(count):
        sentence = list(chance.choice(made)) if made and chance.random() < 0.3 else chance.choices(words, k=12)
        for _ in range(chance.randint(0, 2)):
            sentence[chance.randrange(len(sentence))] = chance.choice(words)
        made.append(sentence)
    return [" ".join(sentence) for sentence in made]


def brute_force(texts: list[str]) -> np.ndarray:
    """Jaccard index of all pairs, from the products of all rows of a matrix of zeros and ones."""
    columns: dict[str, int] = {}
    cells = [{columns.setdefault(t[n : n + 5], len(columns)) for n in range(len(t) - 4)} for t in texts]
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in cells])
    ones = np.ones(len(rows), dtype=np.int32)
    table = csr_array((ones, (rows, np.concatenate([list(one) for one in cells]))))
    shared, sizes = (table @ table.T).toarray(), np.array([len(one) for one in cells])
    return shared / (sizes[:, None] + sizes - shared)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_pairs_are_those_of_brute_force_over_2000_texts(threshold: float) -> None:
    texts = sentences(2000, seed=1)
    first = {text: texts.index(text) for text in texts}
    index = brute_force(list(first))
    places = list(first.values())
    pairs = np.argwhere(np.triu(index >= threshold, 1))
    wanted = {(places[a], places[b]): index[a, b] for a, b in pairs}
    found = duplicates(texts, threshold)
    near = {(pair.first, pair.second): pair.similarity for pair in found if not pair.exact}
    assert near == pytest.approx(wanted)
    assert len(wanted) > 50
    exact = {(pair.first, pair.second) for pair in found if pair.exact}
    assert exact == {(first[text], n) for n, text in enumerate(texts) if first[text] != n}
    assert exact


def test_case_and_punctuation_do_not_count() -> None:
    assert duplicates(["How do I cook rice?", "What is jazz?", "how do i  cook RICE"]) == [Pair(0, 2, 1.0, exact=True)]


@pytest.mark.parametrize(
    "texts", [[], ["a"], ["a", "b"], ["?!", "..."], ["", "x"], ["如何煮饭", "今天天气"], ["\ud800", "b"]]
)
def test_short_empty_and_foreign_texts_are_no_duplicates(texts: list[str]) -> None:
    assert duplicates(texts) == []


def test_texts_of_which_all_are_near_are_all_found() -> None:
    texts = [f"{'the same long sentence with another number at its end ' * 3}{n}" for n in range(60)]
    assert len(duplicates(texts)) == 60 * 59 // 2


def test_a_pair_at_the_threshold_is_missed_with_one_chance_in_a_thousand_at_most() -> None:
    for threshold in (0.1, 0.3, 0.5, 0.8, 0.95):
        rows = rows_a_band(threshold)
        assert (1 - threshold**rows) ** (HASHES // rows) <= 1e-3
        assert (1 - threshold ** (rows + 1)) ** (HASHES // (rows + 1)) > 1e-3
    assert rows_a_band(0.8) == 5  # 25 bands: (1 - 0.8 ** 5) ** 25 = 0.00005, while 6 rows in 21 bands miss 0.0017


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_a_threshold_outside_its_range_is_an_error(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        duplicates(["a"], threshold)


def test_the_jaccard_index_of_a_hand_computed_pair() -> None:
    assert shingles(plain_text("Abc-def!")) == {"abc d", "bc de", "c def"}
    assert jaccard(shingles("abcdef"), shingles("abcdeg")) == 1 / 3
    assert shingles("abc") == {"abc"}


def test_sets_are_compared_with_the_first_and_twins_are_left_out() -> None:
    near = "Tell me which questions I should ask a doctor about these pills"
    mine = Dataset(
        "mine",
        (
            Query("h", f"{near} today", twin="b"),
            Query("b", f"{near} today.", Intent.BENIGN, twin="h"),
            Query("c", f"{near} now"),
        ),
    )
    theirs = Dataset("theirs", (Query("x", f"{near} now!"), Query("y", "What is jazz?"), Query("z", "what is jazz")))
    found = [(one.first.id, one.second.id, one.other) for one in among_sets([mine, theirs], 0.7)]
    assert found == [("h", "c", None), ("c", "x", "theirs")]
