from __future__ import annotations

from dataclasses import astuple
from itertools import product

import numpy as np
import pytest
from scipy.stats import f_oneway, t
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.proportion import proportion_confint

from safebench.statistics.clusters import Integers
from safebench.statistics.precision import wilson
from safebench.statistics.spread import JuryNoise, Shares, jury_noise, repeats, variance_components
from safebench.types import Label

U, R, S = Label.UNSAFE, Label.REFUSED, Label.SAFE


def test_variance_components_agree_with_restricted_maximum_likelihood() -> None:
    """In a balanced design both estimators are the same where the component between groups is positive."""
    groups = np.repeat(np.arange(30), 5)
    values = np.concatenate([[1] * (n % 6) + [0] * (5 - n % 6) for n in range(30)])
    fit = MixedLM(values, np.ones((150, 1)), groups).fit(reml=True)
    assert variance_components(values, groups) == pytest.approx((fit.cov_re[0, 0], fit.scale), rel=1e-3)


def test_variance_components_of_groups_of_any_size_agree_with_the_analysis_of_variance() -> None:
    values = np.array([1, 1, 0, 0, 0, 0, 1, 1, 1, 1])
    groups = np.array([0, 0, 0, 1, 1, 3, 3, 3, 4, 4])  # a number may be left out
    samples = [values[groups == group] for group in np.unique(groups)]
    within = sum(((one - one.mean()) ** 2).sum() for one in samples) / (10 - 4)
    size = (10 - sum(len(one) ** 2 for one in samples) / 10) / 3
    between = (f_oneway(*samples).statistic - 1) * within / size
    assert variance_components(values, groups) == pytest.approx((between, within))


@pytest.mark.parametrize("groups", [[0, 1, 2], [0, 0, 0], []])
def test_single_values_and_single_groups_have_no_components(groups: list[int]) -> None:
    assert variance_components(np.ones(len(groups), int), np.array(groups, int)) is None


def test_repeats_that_never_waver_leave_all_variance_to_the_queries() -> None:
    values, queries = np.repeat([1, 0, 0, 1, 0], 4), np.repeat(np.arange(5), 4)
    told = repeats(values, queries, 0.1)
    assert told is not None
    assert told.shares == Shares(queries=1.0, target=0.0, jury=0.0)
    assert (told.items, told.queries, told.unsteady) == (20, 5, 0.0)
    assert told.effective_n == pytest.approx(5)
    assert told.ci95 == pytest.approx(proportion_confint(2, 5, method="wilson"))


def test_repeats_that_waver_alone_leave_no_variance_to_the_queries() -> None:
    told = repeats(np.tile([0, 1], 20), np.repeat(np.arange(20), 2), None)
    assert told is not None
    assert told.shares == Shares(queries=0.0, target=None, jury=None)
    assert told.unsteady == 1.0
    drawn = (10 * 1 + 0.25 * 2) / 10.25  # design effect: 1 as measured, 2 at most, with 10 queries' worth of events
    assert told.effective_n == pytest.approx(40 / drawn * (1.959964 / t.ppf(0.975, 19)) ** 2)


def test_the_shares_recover_what_a_simulation_put_in() -> None:
    """The chance of a query has variance 0.04; the answer's, given the query, is the rest; the jury turns 10 %."""
    random = np.random.default_rng(1)
    queries = np.repeat(np.arange(4000), 5)
    chance = np.repeat(random.choice([0.3, 0.7], 4000), 5)
    answers = random.random(20_000) < chance
    values = (answers ^ (random.random(20_000) < 0.1)).astype(int)
    told = repeats(values, queries, 0.1 * 0.9)
    assert told is not None
    between = (0.8 * 0.2) ** 2  # a turning jury pulls every chance towards a half
    assert told.between == pytest.approx(between, abs=0.003)
    assert told.shares.jury == pytest.approx(0.09 / 0.25, abs=0.01)
    assert told.shares.target == pytest.approx((0.25 - between - 0.09) / 0.25, abs=0.02)
    assert sum(astuple(told.shares)) == pytest.approx(1)


def test_where_nothing_varies_there_are_no_shares_and_a_query_counts_once() -> None:
    told = repeats(np.zeros(20, int), np.repeat(np.arange(10), 2), 0.0)
    assert told is not None
    assert told.shares is None
    assert told.effective_n == 10
    assert told.ci95 == pytest.approx(proportion_confint(0, 10, method="wilson"))


def test_the_interval_of_a_rate_with_repeats_covers_95_percent() -> None:
    random = np.random.default_rng(2)
    queries = np.repeat(np.arange(80), 4)
    covered = []
    for _ in range(1000):
        values = (random.random(320) < np.repeat(random.beta(0.6, 1.4, 80), 4)).astype(int)
        told = repeats(values, queries, None)
        assert told is not None
        covered.append(told.ci95[0] <= 0.3 <= told.ci95[1])
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize(("rate", "alike"), [(0.1, 0.6), (0.9, 0.6), (0.1, 0.1), (0.02, 0.4), (0.5, 0.4)])
def test_with_23_queries_the_interval_covers_93_percent_and_is_no_wider_than_without_repeats(
    rate: float, alike: float
) -> None:
    random, weight = np.random.default_rng(3), 1 / alike - 1
    queries = np.repeat(np.arange(23), 5)
    sums = random.binomial(5, random.beta(weight * rate, weight * (1 - rate), (1000, 23)))
    ends = np.array([told.ci95 for one in sums if (told := repeats(_ones(one), queries, None))])
    assert np.mean((ends[:, 0] <= rate) & (rate <= ends[:, 1])) >= 0.93
    once = np.array([wilson(k, 23) for k in random.binomial(23, rate, 1000)])
    assert np.mean(ends[:, 1] - ends[:, 0]) <= np.mean(once[:, 1] - once[:, 0])


def _ones(sums: Integers) -> Integers:
    """So many ones among the five repeats of each query."""
    return (np.arange(5) < sums[:, None]).astype(np.int64).ravel()


def brute_force(votes: list[Label], label: Label) -> float:
    """The share of all ways to draw as many votes with replacement in which the label has more than half."""
    drawn = list(product(votes, repeat=len(votes)))
    return sum(2 * one.count(label) > len(votes) for one in drawn) / len(drawn)


@pytest.mark.parametrize("votes", [[U, U, R], [U, U, U, R, S], [R, R, R, U], [S, S, S, S, R]])
def test_the_chance_that_a_verdict_turns_is_that_of_all_ways_to_draw_the_jurors(votes: list[Label]) -> None:
    told = jury_noise([(votes, votes)])
    assert told is not None
    assert told.flip == pytest.approx(1 - brute_force(votes, max(votes, key=votes.count)))
    unsafe = brute_force(votes, U)
    assert told.variance == pytest.approx(unsafe * (1 - unsafe))


def test_an_agreeing_jury_has_no_noise_and_a_deliberation_that_ends_in_agreement_shows() -> None:
    told = jury_noise([([U, U, R], [U, U, U]), ([R, R, R], [R, R, R])])
    assert told == JuryNoise(items=2, split_first=0.5, split_last=0.0, flip=0.0, variance=0.0)


@pytest.mark.parametrize("votes", [[], [U], [U, R]])
def test_one_vote_and_a_hung_jury_tell_nothing(votes: list[Label]) -> None:
    assert jury_noise([(votes, votes)]) is None
