from __future__ import annotations

import random
from itertools import combinations

import pytest

from safebench.datasets.duplicates import jaccard, plain_text, shingles
from safebench.generation.similarity import by_wording, diversity, overlap, repeated


def like(a: str, b: str) -> float:
    return jaccard(shingles(plain_text(a)), shingles(plain_text(b)))


def brute_force(new: list[str], earlier: list[str], least: float) -> set[int]:
    """Greedy, one after the other, all pairs compared."""
    found: set[int] = set()
    for n, text in enumerate(new):
        staying = [*earlier, *(one for m, one in enumerate(new[:n]) if m not in found)]
        if any(like(text, one) >= least for one in staying):
            found.add(n)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_repeated_finds_what_comparing_all_pairs_finds(seed: int) -> None:
    drawn = random.Random(seed)
    words = [f"{a}{b}" for a in ("am", "co", "li", "san", "tur") for b in ("ber", "ral", "nen", "dy", "quoise")]
    texts = []
    for _ in range(100):
        told = drawn.sample(words, 8)
        texts.append(" ".join(told))
        if drawn.random() < 0.5:
            texts.append(" ".join([*told[:-1], drawn.choice(words)]))
        if drawn.random() < 0.2:
            texts.append(texts[drawn.randrange(len(texts))].upper() + "!")
    drawn.shuffle(texts)
    earlier, new = texts[:60], texts[60:]
    found = repeated(new, earlier, 0.6)
    expected = brute_force(new, earlier, 0.6)
    assert len(expected) > 10
    assert set(found) == expected
    everything = [*earlier, *new]
    for late, (stays, similarity) in found.items():
        assert similarity == pytest.approx(like(new[late], everything[stays]))


def test_the_first_of_several_that_are_alike_stays_and_an_earlier_one_wins() -> None:
    assert repeated(["One amber.", "ONE AMBER", "one amber!"], [], 0.7) == {1: (0, 1.0), 2: (0, 1.0)}
    assert repeated(["One amber.", "ONE AMBER"], ["one, amber"], 0.7) == {0: (0, 1.0), 1: (0, 1.0)}
    assert repeated([], ["a"], 0.7) == {}


def test_diversity_is_that_of_all_pairs() -> None:
    texts = ["one amber door", "one amber roof", "seven silver sparrows"]
    found = diversity(texts)
    assert found.distinct_1 == pytest.approx(7 / 9)
    assert found.distinct_2 == pytest.approx(5 / 6)
    assert found.distance == pytest.approx(sum(1 - like(a, b) for a, b in combinations(texts, 2)) / 3)
    assert diversity(["alone"]).distance is None
    assert by_wording(texts)(0, 1) == pytest.approx(like(texts[0], texts[1]))


def test_overlap_is_that_of_the_words() -> None:
    assert overlap("How do I cut glass?", "how do I paint glass") == pytest.approx(4 / 6)
    assert overlap("", "") == 0


def test_scripts_without_blanks_overlap_by_their_characters() -> None:
    assert overlap("我想学画画", "我想学唱歌") == pytest.approx(3 / 6)
