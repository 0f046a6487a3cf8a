"""The page of the benchmarks: medians, spreads, ratios, and whether goals hold, from made-up results."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measured import ROOT, Failed, measure, once
from benchmarks.page import goal_row, goal_values, on_paper, page, spread, table
from benchmarks.suite import CPU, PEAK, RATE, SUITE, Benchmark, Goal, Result, Variant


def result(cpu: float, seconds: float = 1.0, items: int = 100, peak: float = 0.0) -> Result:
    return {"items": items, "seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak}


MADE = Benchmark("made", "Made up", "calls", (Variant("ours", "a"), Variant("theirs", "b")), (CPU, RATE))


def test_a_figure_is_the_median_with_smallest_and_largest() -> None:
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
    assert spread([1234.5], 0) == "1,234"


def test_ratios_are_of_the_same_repetition() -> None:
    goal = Goal("ours / theirs", CPU, "ours", 0.6, "theirs")
    results = {"ours": [result(1), result(10)], "theirs": [result(2), result(20)]}  # the machine was busy once
    assert goal_values(goal, results) == [0.5, 0.5]
    assert goal_row(goal, results) == "| ours / theirs | ≤ 0.6 | 0.50 (0.50–0.50) | yes |"


def test_ratios_of_unlike_repetitions_are_of_all_with_all() -> None:
    goal = Goal("", CPU, "ours", 1, "theirs")
    assert goal_values(goal, {"ours": [result(1), result(3)], "theirs": [result(2)]}) == [0.5, 1.5]


@pytest.mark.parametrize(
    ("goal", "missed"),
    [
        (Goal("", CPU, "ours", 2.0), 0.5),
        (Goal("", CPU, "ours", 2.5), 0.0),
        (Goal("", CPU, "ours", 3.0, at_least=True), 0.5),
        (Goal("", CPU, "ours", 2.5, at_least=True), 0.0),
        (Goal("", CPU, "ours", 2.0, within=0.25), 0.25),
        (Goal("", CPU, "ours", 2.4, within=0.25), 0.0),
    ],
)
def test_how_far_a_goal_is_missed(goal: Goal, missed: float) -> None:
    assert goal.missed_by(2.5) == pytest.approx(missed)


def test_a_missed_goal_says_by_how_much() -> None:
    goal = Goal("peak", PEAK, "ours", 110)
    assert goal_row(goal, {"ours": [result(1, peak=120)]}) == "| peak | ≤ 110 | 120.00 | **no**, by 10 |"


def test_what_was_not_measured_holds_nothing() -> None:
    assert "not measured" in goal_row(Goal("", CPU, "ours", 1, "theirs"), {"ours": [result(1)]})
    assert "| theirs | not installed |" in table(MADE, {"ours": [result(1)]})


def test_on_paper_the_last_slope_goes_on() -> None:
    benchmark = replace(MADE, growing=("run",))
    results = {"run, 10,000 items": [result(1, 100, peak=100)], "run, 100,000 items": [result(1, 1000, peak=124)]}
    assert "10,000,000 items" in on_paper(benchmark, results)
    assert on_paper(benchmark, results).endswith("| run | 27.78 | 2.7 |\n")  # 1000 s + 110 × 900 s; 124 MiB + 110 × 24


def test_the_page_has_every_benchmark_and_every_goal() -> None:
    text = page({}, {"product": {"openai": "9.9"}}, "## What the profiler found\n")
    assert all(f"## {benchmark.title}\n" in text for benchmark in SUITE)
    assert all(f"| {goal.what} | {goal.bound} |" in text for benchmark in SUITE for goal in benchmark.goals)
    assert "- product: openai 9.9" in text


def test_goals_are_about_variants_that_there_are() -> None:
    for benchmark in SUITE:
        names = {variant.name for variant in benchmark.variants}
        assert {goal.of for goal in benchmark.goals} | {goal.over or goal.of for goal in benchmark.goals} <= names
        assert (ROOT / "benchmarks" / f"{benchmark.script}.py").is_file()


def test_variants_take_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.measured.once", lambda benchmark, variant, size, folder: result(1))
    once_only = replace(MADE, variants=(*MADE.variants, Variant("slow", "c", repetitions=1)))
    assert [name for name, _ in measure(once_only, 2, tmp_path)] == ["ours", "theirs", "slow", "ours", "theirs"]


def test_a_script_that_fails_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="invalid choice: 'a'"):
        once(MADE.script, MADE.variants[0], None, tmp_path)


def test_an_unknown_name_is_refused() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "no benchmark nothing" in done.stderr
