from __future__ import annotations

import random

import krippendorff
import pytest

from safebench.statistics.agreement import cohen_kappa, krippendorff_alpha, ordinal_alpha


def pairs_of(table: list[list[int]]) -> list[tuple[int, int]]:
    """Counts by the first annotator's label (row) and the second's (column), spelled out as pairs."""
    return [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]


def test_kappa_by_hand() -> None:
    assert cohen_kappa(pairs_of([[20, 5], [10, 15]])) == pytest.approx(0.4)  # (0.70 - 0.50) / (1 - 0.50)
    # agreement 0.29; margins .50 .30 .20 and .40 .30 .30 give 0.35 by chance
    assert cohen_kappa(pairs_of([[50, 26, 24], [24, 4, 32], [6, 30, 4]])) == pytest.approx((0.29 - 0.35) / (1 - 0.35))
    assert cohen_kappa(pairs_of([[0, 10], [10, 0]])) == -1.0


def test_kappa_of_full_agreement_is_one_and_of_a_single_label_nothing() -> None:
    assert cohen_kappa([("a", "a"), ("b", "b")]) == 1.0
    assert cohen_kappa([("a", "a"), ("a", "a")]) is None
    assert cohen_kappa([]) is None
    assert cohen_kappa([("a", "b"), ("a", "b")]) == 0.0


# Krippendorff, Content Analysis: four observers, twelve units, values missing; nominal alpha 0.743
FOUR = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def units(coders: list[list[int | None]]) -> list[list[int]]:
    return [[label for label in labels if label is not None] for labels in zip(*coders, strict=True)]


def test_alpha_of_the_textbook_example() -> None:
    assert krippendorff_alpha(units(FOUR)) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_two_observers_by_hand() -> None:
    # Krippendorff's binary example: 10 units, 20 values, 14 zeros and 6 ones, 4 units disagree:
    # 1 - 19 · 8 / (2 · 14 · 6) = 0.095
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(list(zip(first, second, strict=True))) == pytest.approx(1 - 19 * 8 / (2 * 14 * 6))


def test_alpha_where_there_is_nothing_to_agree_on() -> None:
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([["a"], ["b"]]) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a", "a"]]) is None
    assert krippendorff_alpha([["a", "a"], ["b", "b"], ["c"]]) == 1.0


def test_alpha_is_that_of_the_reference_package() -> None:
    reference = pytest.importorskip("krippendorff")
    draw = random.Random(3)
    for _ in range(20):
        coders = [[draw.choice([1, 2, 3, None]) for _ in range(30)] for _ in range(draw.randint(2, 5))]
        told = [[float("nan") if label is None else label for label in row] for row in coders]
        expected = reference.alpha(reliability_data=told, level_of_measurement="nominal")
        assert krippendorff_alpha(units(coders)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_ordinal_alpha_is_that_of_the_package(seed: int) -> None:
    drawn = random.Random(seed)
    units = [[drawn.randrange(10) for _ in range(drawn.choice([0, 1, 2, 3, 4]))] for _ in range(40)]
    width = max(map(len, units))
    table = [[unit[n] if n < len(unit) else float("nan") for unit in units] for n in range(width)]
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal")
    assert ordinal_alpha(units) == pytest.approx(expected)


def test_ordinal_alpha_needs_two_values() -> None:
    assert ordinal_alpha([[9, 9], [9, 9, 9]]) is None
    assert ordinal_alpha([[1], []]) is None
    assert ordinal_alpha([[1, 1], [5, 5], [9, 9]]) == pytest.approx(1)
