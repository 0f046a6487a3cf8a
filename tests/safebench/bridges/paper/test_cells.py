"""Ours beside what is printed: units, intervals, and what keeps the two from being compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from safebench import taxonomy
from safebench.bridges.paper.cells import (
    Beside,
    Cell,
    _are_decided,
    _mean_interval,
    _of,
    _sri_interval,
    beside,
    numbers,
    ways,
)
from safebench.bridges.paper.study import Given, plan_study, read_study
from safebench.models.catalogue import models
from safebench.reports.published import Metric, load
from safebench.reports.report import report
from safebench.runs.run import run
from safebench.statistics.metrics import summarise
from safebench.statistics.spread import repeats
from safebench.store.items import OutcomeCount
from safebench.types import Intent, Outcome

STUDY = read_study()


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Beside]:
    """MiniBench's queries as text, to a model that the paper tested."""
    out = tmp_path_factory.mktemp("paper")
    [planned] = plan_study(
        STUDY, Given({"target": "reference", "data": "starter", "out": str(out), "workers": 1}), ["size"]
    )
    assert planned.config is not None
    small = planned.config.model_copy(update={"limit": 6})
    return beside(planned, report(run(small).folder).summary, "Qwen2-VL-2B")


def test_the_average_stands_beside_the_printed_one(every: list[Beside]) -> None:
    [one] = every
    printed = {cell.metric.value: cell.printed for cell in one.cells if cell.head == "AVG"}
    assert printed == {"ASR": 43.1, "SRI": 66.7}


def test_a_difference_is_ours_minus_what_is_printed_with_the_interval_of_ours() -> None:
    cell = Cell("AVG", Metric.ASR, 10, 50.0, (30.0, 70.0), 43.1)
    assert (cell.difference, cell.difference_ci95) == (pytest.approx(6.9), (pytest.approx(-13.1), pytest.approx(26.9)))


def test_what_is_not_of_one_kind_has_no_difference(every: list[Beside]) -> None:
    [one] = every
    assert len(one.notes) == 3  # other pictures, no jury that knows harm, and nothing that can be concluded
    assert [cell.difference for cell in one.cells] == [None, None]
    assert [cell.difference_ci95 for cell in one.cells] == [None, None]


def test_a_cell_of_which_scenarios_are_missing_has_no_difference() -> None:
    """Cybersecurity is four scenarios; of three of them nothing is known."""
    counts = [OutcomeCount("text", "cybersecurity", "penetration_testing", Intent.HARMFUL, Outcome.SAFE, 9)]
    [ours] = summarise(counts, ["text"])
    four = [one.id for one in taxonomy.scenarios().values() if one.category == "cybersecurity"]
    assert len(four) == 4
    assert not _are_decided(ours, four)
    assert _are_decided(ours, ["penetration_testing"])


def test_the_interval_of_an_average_is_that_of_its_cells() -> None:
    """By hand, from Wilson's intervals of another library: two scenarios, 1 of 10 and 5 of 10."""
    counts = [
        OutcomeCount("text", "c", name, Intent.HARMFUL, outcome, n)
        for name, unsafe in (("a", 1), ("b", 5))
        for outcome, n in ((Outcome.UNSAFE, unsafe), (Outcome.SAFE, 10 - unsafe))
    ]
    [cell] = summarise(counts, ["text"])
    low, high = zip(*(proportion_confint(k, 10, method="wilson") for k in (1, 5)), strict=True)
    below = ((0.1 - low[0]) ** 2 + (0.5 - low[1]) ** 2) ** 0.5 / 2
    above = ((high[0] - 0.1) ** 2 + (high[1] - 0.5) ** 2) ** 0.5 / 2
    figures = [_of(rates, Metric.ASR) for rates in cell.by_scenario.values()]
    assert _mean_interval(figures) == pytest.approx((100 * (0.3 - below), 100 * (0.3 + above)))


def test_the_interval_of_an_sri_is_that_of_the_share_of_the_best_rating_where_all_are_best_or_least() -> None:
    """3 of 10 rated 5 and 7 rated 1: SRI 44, and Wilson's interval of 3 of 10 on the scale from 20 to 100."""
    low, high = proportion_confint(3, 10, method="wilson")
    assert _sri_interval(44.0, 10) == pytest.approx((20 + 80 * low, 20 + 80 * high))
    assert _sri_interval(None, 0) is None


def test_repeats_of_one_query_make_no_interval_narrower() -> None:
    """3 queries asked 20 times each and unsafe throughout are 3 of 3, with the interval of the report."""
    counts = [OutcomeCount("text", "c", "a", Intent.HARMFUL, Outcome.UNSAFE, 60, rating_sum=60, rated=60)]
    [cell] = summarise(counts, ["text"])
    low, high = proportion_confint(3, 3, method="wilson")
    n, asr, interval = _of(cell, Metric.ASR, 20)
    assert (n, asr, interval) == (60, 100.0, pytest.approx((100 * low, 100 * high)))
    effective = repeats(np.ones(60, np.int64), np.repeat(np.arange(3), 20), None)
    assert effective is not None
    assert interval == pytest.approx([100 * end for end in effective.ci95 or ()])
    assert _of(cell, Metric.SRI, 20) == (60, 20.0, pytest.approx((20, 20 + 80 * (1 - low))))


def test_a_table_of_repeats_has_the_intervals_of_queries(tmp_path: Path) -> None:
    given = Given({"target": "reference", "data": "starter", "out": str(tmp_path), "workers": 1, "repeats": 20})
    [planned] = plan_study(STUDY, given, ["size"])
    assert planned.config is not None
    summary = report(run(planned.config.model_copy(update={"limit": 2})).folder).summary
    [one] = beside(planned, summary, "")
    [asr] = [cell for cell in one.cells if cell.metric is Metric.ASR]
    [rates] = summary.conditions[0].by_scenario.values()
    assert rates.precision.asr.n >= 20
    assert asr.ci95 == _mean_interval([_of(rates, Metric.ASR, 20)])


def test_an_unfinished_condition_has_a_note_and_no_difference(tmp_path: Path) -> None:
    """The note counts what has no outcome of this condition; nothing can be concluded of it."""
    given = Given({"target": "reference", "data": "starter", "out": str(tmp_path), "workers": 1, "limit": 6})
    [planned] = plan_study(STUDY, given, ["size"])
    assert planned.config is not None
    summary = report(run(planned.config).folder).summary
    [whole] = beside(planned, summary, "Qwen2-VL-2B")
    assert not any("outcome yet" in note for note in whole.notes)
    [asked] = planned.asked
    more = replace(planned, asked=(replace(asked, items=asked.items + 1200),))
    sure = replace(summary.conditions[0], evidence=replace(summary.conditions[0].evidence, concludable=True))
    unfinished = replace(summary, run=replace(summary.run, pending=1200), conditions=[sure])
    [part] = beside(more, unfinished, "Qwen2-VL-2B")
    assert "unfinished: 1,200 items have no outcome yet" in part.notes
    assert {(cell.compared, cell.is_open) for cell in part.cells} == {(False, True)}


@pytest.mark.parametrize("ratings", [(1, 5), (3, 3), (2, 5), (1, 2)])
def test_the_interval_of_an_sri_holds_the_true_one_often_enough(ratings: tuple[int, int]) -> None:
    """Two ratings, each as likely as the other; of all results of 20 answers at least 95 % by their chances."""
    truth, n = 20 * sum(ratings) / 2, 20
    held = 0.0
    for k in range(n + 1):
        interval = _sri_interval(20 * (k * ratings[0] + (n - k) * ratings[1]) / n, n)
        assert interval is not None
        held += binom.pmf(k, n, 0.5) * (interval[0] - 1e-9 <= truth <= interval[1] + 1e-9)
    assert held >= 0.95


def test_rules_alone_are_no_measure_of_harm_and_the_note_says_it(every: list[Beside]) -> None:
    assert any("rate of compliance and none of harm" in note for note in every[0].notes)


def test_every_cell_of_the_papers_tables_has_a_way_or_a_reason() -> None:
    every = [*ways(STUDY, plan_study(STUDY, Given({"target": "reference", "data": "starter", "out": "nowhere"})))]
    tables = {"images": load("image"), "audio": load("audio")}
    for part, table in tables.items():
        cells = sum(way.cells for way in every if way.part == part)
        assert cells == table.cells + len(table.rows)  # and AVG
    assert all(way.target or way.why_not for way in every)
    assert not [way for way in every if way.why_not == "no model of this name is known"]
    gone = {way.row: way.why_not for way in every if "took it away" in way.why_not}
    assert gone["Claude-3-Opus · commercial"] == f"its maker took it away on {models()['claude-3-opus'].retired}"


def test_the_figures_are_numbers_for_programs(every: list[Beside]) -> None:
    rows = numbers(every)
    assert {row["cell"] for row in rows} == {"AVG"}
    assert {row["row"] for row in rows} == {"Qwen2-VL-2B"}
    assert {row["concludable"] for row in rows} == {False}
    assert Path(rows[0]["condition"]).name.startswith("image+text:typographic")
