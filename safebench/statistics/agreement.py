"""How far annotators agree beyond chance, for labels without an order and for scores.

Written out here: they are short, and the package `krippendorff` is GPL-3.0, which the base install must not carry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from statistics import fmean


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's κ of two annotators, one pair of labels for each thing that both labelled.

    1: full agreement, 0: as by chance, below 0: less than that. None without pairs, or when both gave one label
    throughout, which leaves nothing to agree on. Source: J. Cohen, Educational and Psychological Measurement 20 (1960).
    """
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    by_chance = sum(first[label] * second[label] for label in first)  # times n²
    if by_chance == n * n:
        return None
    return (n * sum(a == b for a, b in pairs) - by_chance) / (n * n - by_chance)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's α for nominal labels: for each unit the labels it got, by however many annotators.

    Units with fewer than two labels say nothing about agreement and are left out. None when nothing is left, or only
    one label. Source: K. Krippendorff, Content Analysis (2004), section 11.3.
    """
    counted = [Counter(labels) for labels in units if len(labels) > 1]
    total = sum(counted, Counter[Hashable]())
    n = total.total()
    expected = n * n - sum(count * count for count in total.values())
    if expected == 0:
        return None
    observed = sum((m * m - sum(c * c for c in unit.values())) / (m - 1) for unit in counted if (m := unit.total()))
    return 1 - (n - 1) * observed / expected


def ordinal_alpha(units: Iterable[Sequence[float]]) -> float | None:
    """Krippendorff's α for scores whose order counts and whose steps need not be equal: for each unit its scores.

    1: full agreement, 0: as by chance. Units with fewer than two scores are left out; None when nothing is left, or
    only one value. The ordinal distance of two scores is that of their mean ranks among all scores, so that α is the
    interval α of the ranks. Source: K. Krippendorff, Content Analysis (2004), section 11.3.
    """
    kept = [list(scores) for scores in units if len(scores) > 1]
    total = Counter(score for scores in kept for score in scores)
    n, ranks, below = total.total(), dict[float, float](), 0
    for value in sorted(total):
        ranks[value] = below + total[value] / 2
        below += total[value]
    if len(total) < 2:
        return None
    expected = _squared([ranks[score] for scores in kept for score in scores])
    observed = sum(_squared([ranks[score] for score in scores]) / (len(scores) - 1) for scores in kept)
    return 1 - (n - 1) * observed / expected


def _squared(values: Sequence[float]) -> float:
    """Sum of the squared differences of all ordered pairs."""
    mean = fmean(values)
    return 2 * len(values) * sum((value - mean) ** 2 for value in values)
