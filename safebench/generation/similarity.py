"""How alike requests are: near duplicates, the similarity that selection goes by, and how varied a scenario is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from safebench.datasets.duplicates import Pair, duplicates, jaccard, plain_text, shingles
from safebench.datasets.variety import distinct_n
from safebench.models.words import words

Similarity = Callable[[int, int], float]
Find = Callable[[Sequence[str], float], Sequence[Pair]]
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai to Han


def repeated(
    new: Sequence[str], earlier: Sequence[str], least: float, find: Find = duplicates
) -> dict[int, tuple[int, float]]:
    """The new texts that are equal or near to one that stays, with its index in `earlier + new` and the similarity.

    Of several new ones that are alike, the first stays. `least`: similarity from which two are near duplicates, in the
    measure of what finds the pairs: the Jaccard index if nothing else is said.
    """
    start = len(earlier)
    repeats: dict[int, tuple[int, float]] = {}
    for pair in sorted(find([*earlier, *new], least), key=lambda pair: (pair.second, pair.first)):
        stays = pair.first not in repeats or pair.exact  # a copy of one that is out is out as well
        if pair.second >= start and pair.second not in repeats and stays:
            repeats[pair.second] = (pair.first, pair.similarity)
    return {late - start: original for late, original in repeats.items()}


def by_wording(texts: Sequence[str]) -> Similarity:
    """Jaccard index of the runs of five characters."""
    sets = [shingles(plain_text(text)) for text in texts]
    return lambda a, b: jaccard(sets[a], sets[b])


def overlap(first: str, second: str) -> float:
    """Jaccard index of the words of two texts; 0 when neither has any. Scripts without blanks: of the characters."""
    a, b = (frozenset(_UNSPACED.sub(r" \g<0> ", " ".join(words(text))).split()) for text in (first, second))
    return len(a & b) / len(a | b) if a or b else 0.0


@dataclass(frozen=True, slots=True)
class Diversity:
    """`distance`: mean over all pairs of 1 - similarity of the wording; None for fewer than two texts."""

    count: int
    distinct_1: float
    distinct_2: float
    distance: float | None


def diversity(texts: Sequence[str]) -> Diversity:
    similarity = by_wording(texts)
    distances = [1 - similarity(a, b) for a, b in combinations(range(len(texts)), 2)]
    return Diversity(len(texts), distinct_n(texts, 1), distinct_n(texts, 2), fmean(distances) if distances else None)
