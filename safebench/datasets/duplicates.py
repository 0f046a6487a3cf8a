"""Exact and near duplicates among many texts: MinHash and locality-sensitive hashing, then the exact Jaccard index.

A text is the set of all runs of five characters of its words, lower case, without punctuation. Two texts are near
duplicates if the Jaccard index of their sets is at least a threshold. MinHash (Broder, 1997) estimates that index by
the share of hash functions whose minimum agrees; banding (Indyk and Motwani, 1998) finds the pairs that may reach the
threshold without comparing all. Every pair that is told has been compared exactly: none is there by chance, and one
that reaches the threshold is missed with a chance of at most 1 in 1,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from safebench.datasets.queries import Dataset
from safebench.models.words import words
from safebench.types import Query

SIZE = 5  # characters a shingle
HASHES = 128
LARGEST_MISS = 1e-3  # chance that a pair at the threshold shares no band
THRESHOLD = 0.8


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts by their index, `first` < `second`; `exact` when they differ in case and punctuation at most."""

    first: int
    second: int
    similarity: float  # Jaccard index, or the cosine of embeddings
    exact: bool
    by_meaning: bool = False


def duplicates(texts: Sequence[str], threshold: float = THRESHOLD, compared: int | None = None) -> list[Pair]:
    """Pairs of texts that are equal or near, in the order of the texts.

    Each text that occurs several times is paired with its first occurrence, and only that one with what is near.
    `compared`: pairs that begin after so many texts are left out, as between the sets that a set is compared with.
    Memory: 512 bytes a text. Below a threshold of 0.06, more than 1 in 1,000 may be missed. Raises ValueError for one
    that is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold} is not above 0 and at most 1")
    compared = len(texts) if compared is None else compared
    plain = [plain_text(text) for text in texts]
    pairs, kept = exact_pairs(plain, compared)
    similarity = _similarity([plain[n] for n in kept])
    for a, b in _candidates([plain[n] for n in kept], threshold):
        if kept[a] < compared and (index := similarity(a, b)) >= threshold:
            pairs.append(Pair(kept[a], kept[b], index, exact=False))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def exact_pairs(plain: Sequence[str], compared: int) -> tuple[list[Pair], list[int]]:
    """Each copy with its first occurrence, if that is one of the first `compared`; and where all first ones are."""
    firsts: dict[str, int] = {}
    pairs = [
        Pair(first, n, 1.0, exact=True)
        for n, text in enumerate(plain)
        if (first := firsts.setdefault(text, n)) != n and first < compared
    ]
    return pairs, list(firsts.values())


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A query of a set and one that is equal or near, in the same set or in the `other` one of that name."""

    pair: Pair
    first: Query
    second: Query
    other: str | None


def among_sets(
    sets: Sequence[Dataset],
    threshold: float = THRESHOLD,
    meaning: Callable[[Sequence[str], int], Sequence[Pair]] | None = None,
) -> Iterator[Duplicate]:
    """Duplicates within the first set and between it and the others; twins are meant to be near and left out.

    `meaning` finds further pairs among the texts of all sets; it is told how many of them are those of the first set.
    """
    queries = [(query, n) for n, dataset in enumerate(sets) for query in dataset.queries]
    texts, compared = [query.text for query, _ in queries], len(sets[0].queries)
    pairs = duplicates(texts, threshold, compared)
    if meaning is not None:
        known = {(pair.first, pair.second) for pair in pairs}
        pairs += [pair for pair in meaning(texts, compared) if (pair.first, pair.second) not in known]
    for pair in pairs:
        (first, _), (second, n) = queries[pair.first], queries[pair.second]
        if n or (first.twin != second.id and second.twin != first.id):
            yield Duplicate(pair, first, second, sets[n].name if n else None)


def plain_text(text: str) -> str:
    """The words, lower case, one space between them; the text itself where it has none."""
    return " ".join(words(text)) or text.strip()


def shingles(plain: str) -> frozenset[str]:
    """All runs of five characters; the whole text where it is shorter."""
    return frozenset(plain[n : n + SIZE] for n in range(max(1, len(plain) - SIZE + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """What two sets share / what they hold together."""
    return len(a & b) / len(a | b)


def rows_a_band(threshold: float) -> int:
    """The most rows with which a pair at the threshold still shares a band, but for 1 in 1,000."""
    return max((r for r in range(1, HASHES + 1) if (1 - threshold**r) ** (HASHES // r) <= LARGEST_MISS), default=1)


def _similarity(plain: Sequence[str]) -> Callable[[int, int], float]:
    @lru_cache(maxsize=4096)
    def of(n: int) -> frozenset[str]:
        return shingles(plain[n])

    return lambda a, b: jaccard(of(a), of(b))


def _candidates(plain: Sequence[str], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs (a < b) that agree in at least one band, each of them once."""
    rows = rows_a_band(threshold)
    bands = HASHES // rows
    signatures = _signatures(plain)[:, : bands * rows].reshape(len(plain), bands, rows)
    for band in range(bands):
        for members in _buckets(np.ascontiguousarray(signatures[:, band])):
            for n, a in enumerate(members[:-1]):
                others = members[n + 1 :]
                earlier = (signatures[others, :band] == signatures[a, :band]).all(axis=2).any(axis=1)
                yield from ((int(a), int(b)) for b in others[~earlier])


def _buckets(band: NDArray[np.uint32]) -> Iterator[NDArray[np.intp]]:
    """Indices, ascending, of the texts that agree in a band, for every value that several have."""
    keys = band.view(np.dtype((np.void, band.shape[1] * band.itemsize))).ravel()
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    borders = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts, ends = np.append(0, borders), np.append(borders, len(keys))
    for n in np.flatnonzero(ends - starts > 1):
        yield order[starts[n] : ends[n]]


def _signatures(plain: Sequence[str]) -> NDArray[np.uint32]:
    """Minimum of each hash function over the shingles of each text, shape (texts, 128).

    Multiply-shift hashing (Dietzfelbinger et al., 1997) of 64-bit fingerprints; the seed is fixed, so that the same
    texts give the same pairs.
    """
    random = np.random.default_rng(0)
    factors = random.integers(0, 2**64, HASHES, dtype=np.uint64) | np.uint64(1)
    added = random.integers(0, 2**64, HASHES, dtype=np.uint64)
    signatures = np.empty((len(plain), HASHES), dtype=np.uint32)
    for n, text in enumerate(plain):
        hashed = _fingerprints(text)[:, None] * factors + added
        signatures[n] = (hashed >> np.uint64(32)).min(axis=0)
    return signatures


def _fingerprints(text: str) -> NDArray[np.uint64]:
    """A 64-bit hash of every shingle: a polynomial of its characters, mixed as in SplitMix64 (Steele et al., 2014)."""
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = max(1, len(letters) - SIZE + 1)
    hashed = np.zeros(count, dtype=np.uint64)
    for place in range(min(SIZE, len(letters))):
        hashed = hashed * np.uint64(0x100000001B3) + letters[place : place + count] + np.uint64(1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashed = (hashed ^ (hashed >> np.uint64(shift))) * np.uint64(factor)
    return hashed ^ (hashed >> np.uint64(31))
