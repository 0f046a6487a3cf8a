from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from scipy.stats import bootstrap as scipy_bootstrap

from safebench.statistics import clusters
from safebench.statistics.clusters import Integers, bootstrap, cluster_ids, design_effect, effective_number, totals


def repeated_pairs(
    random: np.random.Generator, queries: int, repeats: int, rate: float, drop: float
) -> tuple[Integers, Integers]:
    """Sums and counts by query: each has its own chance to be unsafe, and a smaller one under the other condition.

    The true difference of the rates is -rate × drop.
    """
    chance = random.beta(1.5 * rate, 1.5 * (1 - rate), queries)[:, None]
    before = random.random((queries, repeats)) < chance
    after = random.random((queries, repeats)) < chance * (1 - drop)
    return (after.astype(int) - before).sum(axis=1), np.full(queries, repeats)


def test_a_query_its_twin_and_chains_of_twins_are_one_cluster() -> None:
    found = cluster_ids({"a": "b", "b": "a", "c": None, "d": "e", "e": "f", "f": None, "g": "left out"})
    assert found["a"] == found["b"]
    assert found["d"] == found["e"] == found["f"]
    assert len({found[query] for query in "acdg"}) == 4


def test_no_query_is_no_cluster() -> None:
    assert cluster_ids({}) == {}


def test_totals_add_up_the_rows_of_a_cluster() -> None:
    values = np.array([[1, 10], [2, 20], [4, 40]])
    assert totals(values, np.array([1, 0, 1]), 3).tolist() == [[2, 20], [5, 50], [0, 0]]


def test_the_bootstrap_agrees_with_that_of_scipy() -> None:
    sums, counts = repeated_pairs(np.random.default_rng(1), 80, 3, 0.4, 0.5)
    ours = bootstrap(sums[:, None], counts[:, None], 20_000, 0)[:, 0]
    theirs = scipy_bootstrap(
        (sums, counts), lambda s, n, axis: s.sum(axis) / n.sum(axis),
        paired=True, n_resamples=20_000, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    assert ours == pytest.approx([theirs.low, theirs.high], abs=0.005)


def test_the_bootstrap_draws_the_same_with_one_seed_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sums, counts = repeated_pairs(np.random.default_rng(2), 50, 2, 0.4, 0.5)
    whole = bootstrap(sums[:, None], counts[:, None], 500, 7)
    monkeypatch.setattr(clusters, "WEIGHTS_AT_ONCE", 5 * 30)
    assert np.array_equal(whole, bootstrap(sums[:, None], counts[:, None], 500, 7))
    assert not np.array_equal(whole, bootstrap(sums[:, None], counts[:, None], 500, 8))


def test_neither_the_order_of_the_clusters_nor_the_other_columns_change_an_interval() -> None:
    sums, counts = repeated_pairs(np.random.default_rng(6), 200, 3, 0.4, 0.5)
    others, of = repeated_pairs(np.random.default_rng(7), 200, 3, 0.2, 0.1)
    alone = bootstrap(sums[:, None], counts[:, None], 500, 0)[:, 0]
    backwards = bootstrap(np.stack([others, sums], axis=1)[::-1], np.stack([of, counts], axis=1)[::-1], 500, 0)
    assert np.array_equal(backwards[:, 1], alone)


def test_clusters_of_a_kind_are_drawn_as_often_as_clusters_one_by_one() -> None:
    """The ends are those of the binomial distribution, where each of 1,000 clusters holds one item."""
    sums, counts = np.repeat([1, 0], [300, 700])[:, None], np.ones((1000, 1), dtype=int)
    found = 1000 * bootstrap(sums, counts, 200_000, 0)[:, 0]
    assert found == pytest.approx(binom.ppf([0.025, 0.975], 1000, 0.3), abs=1)


def test_a_column_without_pairs_has_no_interval_and_changes_no_other() -> None:
    sums, counts = repeated_pairs(np.random.default_rng(3), 50, 2, 0.4, 0.5)
    both = bootstrap(np.stack([sums, 0 * sums], axis=1), np.stack([counts, 0 * counts], axis=1), 500, 0)
    assert np.isnan(both[:, 1]).all()
    assert np.array_equal(both[:, 0], bootstrap(sums[:, None], counts[:, None], 500, 0)[:, 0])


def test_a_column_with_pairs_in_few_clusters_has_an_interval_all_the_same() -> None:
    sums, counts = np.zeros((100, 1), dtype=int), np.zeros((100, 1), dtype=int)
    sums[:2, 0], counts[:2, 0] = (1, 0), (1, 1)  # most draws hold neither of them, or one
    assert bootstrap(sums, counts, 500, 0)[:, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("queries", "repeats"), [(100, 1), (60, 5)])
def test_the_cluster_bootstrap_covers_95_percent_where_repeats_are_correlated(queries: int, repeats: int) -> None:
    random = np.random.default_rng(20)
    sums, counts = (
        np.stack(one, axis=1)
        for one in zip(*(repeated_pairs(random, queries, repeats, 0.4, 0.3) for _ in range(1500)), strict=True)
    )
    low, high = bootstrap(sums, counts, 1000, 0)
    assert 0.93 <= np.mean((low <= -0.12) & (high >= -0.12)) <= 0.97


def test_taking_identical_repeats_for_independent_would_cover_far_less() -> None:
    """What the clusters are for: the same data, resampled pair by pair and query by query."""
    random = np.random.default_rng(21)
    once, one = zip(*(repeated_pairs(random, 60, 1, 0.4, 0.3) for _ in range(500)), strict=True)
    sums, counts = np.stack(once, axis=1), np.stack(one, axis=1)
    by_query = bootstrap(5 * sums, 5 * counts, 1000, 0)
    by_pair = bootstrap(np.repeat(sums, 5, axis=0), np.repeat(counts, 5, axis=0), 1000, 0)
    covered = [np.mean((low <= -0.12) & (high >= -0.12)) for low, high in (by_query, by_pair)]
    assert covered[0] > 0.93
    assert covered[1] < 0.75


def test_the_design_effect_of_identical_repeats_is_their_number_and_of_single_items_one() -> None:
    values = np.random.default_rng(4).integers(0, 2, 40)
    variance = values.mean() * (1 - values.mean())
    assert design_effect(values, np.ones_like(values), variance) == pytest.approx(1)
    assert design_effect(5 * values, np.full_like(values, 5), variance) == pytest.approx(5)


def test_where_nothing_varies_a_cluster_counts_as_one() -> None:
    assert design_effect(np.zeros(10, dtype=int), np.full(10, 4), 0.0) == 4


def test_the_design_effect_agrees_with_one_plus_m_minus_one_times_the_correlation() -> None:
    """Kish's formula for clusters of one size; a beta-distributed chance makes a correlation of 1 / (1.5 + 1) = 0.4."""
    random = np.random.default_rng(5)
    chance = random.beta(1.5 * 0.3, 1.5 * 0.7, 20_000)
    sums = random.binomial(4, chance)
    rate = sums.sum() / 80_000
    assert design_effect(sums, np.full(20_000, 4), rate * (1 - rate)) == pytest.approx(1 + 3 * 0.4, rel=0.03)


def test_the_effective_number_of_a_case_computed_by_hand() -> None:
    """Four queries with 4, 4, 0 and 2 events of 4: rate 5 / 8, n = 16, squares about 2.5: 11, times 4 / 3.

    The design effect is (11 · 4 / 3) / (16 · 15 / 64) = 3.911, drawn by a quarter towards 4 against 4 · 3 / 8 queries'
    worth of events: (1.5 · 3.911 + 0.25 · 4) / 1.75 = 3.924. t with 3 degrees of freedom is 3.1824: 16 / 3.924 ·
    (1.96 / 3.1824)² = 1.547, less than one answer to each query would give, 4.
    """
    assert effective_number(np.array([4, 4, 0, 2]), np.full(4, 4)) == 4
    many = effective_number(np.tile([4, 4, 0, 2], 100), np.full(400, 4))
    effect = (150 * 44 / 15 * 400 / 399 + 0.25 * 4) / 150.25  # and with 100 times as many: 44 / 15 as it is measured
    assert many == pytest.approx(1600 / effect * (1.959964 / 1.965927) ** 2, rel=1e-4)


def test_one_answer_to_each_query_counts_as_it_is_and_answers_to_one_query_count_as_one() -> None:
    assert effective_number(np.array([1, 0, 0, 1]), np.ones(4, int)) == 4
    assert effective_number(np.array([3]), np.array([8])) == 1
    assert effective_number(np.array([0, 0, 0]), np.array([2, 2, 0])) == 2  # a query without items is none
