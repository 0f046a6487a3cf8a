"""`make real`: which prompts are asked, what is asked of whom, and how answers are compared."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.real import arms, prompts
from benchmarks.real.arms import Arm
from benchmarks.real.page import Span, at_work
from benchmarks.real.ways import ways
from safebench.runs.config import RunConfig


def test_sixty_prompts_are_asked() -> None:
    assert len(prompts.starter()) + len(prompts.xstest()) == 60


def test_the_starter_prompts_are_one_pair_of_each_scenario() -> None:
    rows = prompts.starter()
    assert Counter(row["intent"] for row in rows) == {"harmful": 23, "benign": 23}
    assert {row["twin"] for row in rows} == {row["id"] for row in rows}
    by_scenario = Counter(row["scenario"] for row in rows)
    assert len(by_scenario) == 23
    assert set(by_scenario.values()) == {2}
    assert len(prompts.starter(None)) == 230


def test_prompts_of_xstest_are_harmless_ones_of_each_kind() -> None:
    rows = prompts.xstest()
    kinds = {
        int(row["id"].rpartition("-")[2]) // 25 for row in rows
    }  # XSTest numbers 25 of a kind, then their contrasts
    assert kinds == {0, 2, 4, 6, 8, 10, 11, 13, 15, 16}
    assert {row["intent"] for row in rows} == {"benign"}


def test_contrasts_of_a_whole_file_are_left_out(tmp_path: Path) -> None:
    whole = "id,type,prompt\nv2-1,homonyms,How?\nv2-26,contrast_homonyms,Why?\n"
    (tmp_path / "x.csv").write_text(whole, encoding="utf-8")
    assert [row["query"] for row in prompts.xstest(tmp_path / "x.csv")] == ["How?"]


@pytest.mark.parametrize("arm", arms.ARMS, ids=lambda arm: arm.name)
def test_a_run_file_is_one_that_a_run_takes(arm: Arm, tmp_path: Path) -> None:
    path = arms.write(arm, tmp_path, tmp_path / "model", "http://127.0.0.1:1/v1")
    config = RunConfig(**tomllib.loads(path.read_text(encoding="utf-8")))
    assert config.out == str(tmp_path / "runs" / arm.name)


def test_what_works_at_the_same_time_counts_once_and_pauses_do_not() -> None:
    assert at_work([Span(10, 30), Span(0, 20), Span(5, 8), Span(100, 101)]) == 31


def _item(answer: str | None, outcome: str = "safe", **more: Any) -> dict[str, Any]:
    asked = {"query_id": "q", "query": "How do I boil an egg?", "condition": "text", "given": None}
    return {**asked, "answer": answer, "outcome": outcome, **more}


def _compared(way: str, item: dict[str, Any]) -> Any:
    (compared,) = ways({Arm("starter", arms.SERVED): [_item("Seven minutes.")], Arm("starter", way): [item]})
    return compared


def test_equal_texts_that_end_otherwise_are_a_problem() -> None:
    assert not _compared(arms.IN_PROCESS, _item("Seven minutes.")).problems
    assert _compared(arms.IN_PROCESS, _item("Seven minutes.", "refused")).problems


@pytest.mark.parametrize(
    ("way", "item", "why"),
    [
        (arms.IN_PROCESS, _item("Eight."), "computed with other weights and rounding"),
        (
            arms.CASCADE,
            _item("Eight.", given="How do I boil an egg?"),
            "the same words, rounded otherwise",
        ),
        (arms.CASCADE, _item("Eight.", given="how do I boil an egg"), "written otherwise, the same letters"),
        (arms.CASCADE, _item("Eight.", given="How do I boil a leg?"), "heard or read otherwise"),
        (arms.CASCADE, _item(None, "not_rendered"), "not asked (not rendered)"),
        (
            arms.CASCADE,
            _item("Eight.", given="How do I boil an egg?", condition="image:typographic"),
            "asked with the sentence that goes with every picture",
        ),
    ],
)
def test_why_two_answers_differ(way: str, item: dict[str, Any], why: str) -> None:
    assert _compared(way, item).reasons == {why: 1}
