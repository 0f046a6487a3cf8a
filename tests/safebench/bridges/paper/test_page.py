"""How the paper's tables are set: which tables there are, what stands in them, and nothing hostile in the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safebench.bridges.paper.cells import Beside, Cell
from safebench.bridges.paper.page import (
    NOTHING_PRINTED,
    ShownPart,
    figure,
    interval,
    paired,
    shown_jury,
    shown_part,
    shown_parts,
    write_page,
)
from safebench.bridges.paper.study import Given, PlannedPart, StudyPart, plan_study, read_study
from safebench.cli.published import _paired
from safebench.reports.comparison import compare
from safebench.reports.published import Metric
from safebench.types import Item, Outcome
from tests.safebench.bridges.paper.test_scaling import ended, own
from tests.safebench.reports.pages.test_run_page import queries
from tests.safebench.reports.pages.written import write_run


def cells(printed: float | None = None) -> tuple[Cell, ...]:
    return (
        Cell("AVG", Metric.ASR, 10, 50.0, (30.4, 69.6), printed),
        Cell("AVG", Metric.SRI, 10, 60.0, None, None),
    )


def of(condition: str, *cells: Cell, row: str = "", notes: tuple[str, ...] = ()) -> Beside:
    return Beside("size", "Sizes", condition, row, cells, notes)


def test_averages_alone_are_one_table_with_a_row_for_each_condition() -> None:
    [part] = shown_parts([of("text", *cells()), of("image", *cells())])
    [table] = part.tables
    assert table.heads == ("condition", "ASR", "95 % interval", "SRI", "95 % interval", "scenarios")
    assert table.rows[0] == ("text", "50.0", "30–70", "60.0", "–", "10")
    assert [row[0] for row in table.rows] == ["text", "image"]
    assert part.notes == (NOTHING_PRINTED,)


def test_what_is_printed_has_columns_where_anything_is() -> None:
    [part] = shown_parts([of("image", *cells(43.1), row="Qwen2-VL-2B")])
    assert part.tables[0].heads[1:5] == ("ASR", "95 % interval", "printed", "difference")
    assert part.tables[0].rows[0][:5] == ("image, beside Qwen2-VL-2B", "50.0", "30–70", "43.1", "+6.9")
    assert part.notes == ()


def test_a_table_of_cells_has_a_row_for_each() -> None:
    split = (
        Cell("CO", Metric.ASR, 4, 25.0, (5.0, 70.0), 30.0), Cell("AVG", Metric.ASR, 1, 25.0, (5.0, 70.0), 31.0),
        Cell("CO", Metric.SRI, 4, 80.0, (50.0, 90.0), None), Cell("AVG", Metric.SRI, 1, 80.0, (50.0, 90.0), 85.0),
    )  # fmt: skip
    [part] = shown_parts([Beside("images", "Pictures", "image", "GPT-4o", split, ())])
    [table] = part.tables
    figures = ("95 % interval", "printed", "difference")
    assert (table.caption, table.heads) == ("image, beside GPT-4o", ("", "ASR", *figures, "SRI", *figures, "decided"))
    assert table.rows == (
        ("CO", "25.0", "5–70", "30.0", "−5.0", "80.0", "50–90", "–", "–", "4"),
        ("AVG", "25.0", "5–70", "31.0", "−6.0", "80.0", "50–90", "85.0", "−5.0", "of 1"),
    )


def test_what_nothing_can_be_concluded_from_stands_in_parentheses() -> None:
    split = (
        Cell("AVG", Metric.ASR, 1, 0.0, (0.0, 79.3), None, False, True),
        Cell("AVG", Metric.SRI, 1, *[None] * 3, is_open=True),
    )
    [part] = shown_parts([Beside("size", "Sizes", "image", "", split, ("nothing can be concluded of it",))])
    assert part.tables[0].rows[0] == ("image", "(0.0)", "0–79", "–", "–", "1")


def test_a_note_is_said_once_with_what_it_is_about() -> None:
    [part] = shown_parts([of("text", *cells(), notes=("both",)), of("image", *cells(), notes=("both", "one"))])
    assert part.notes[:2] == ("both", "image: one")


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (0.04, "0.0"), (-3.25, "−3.2"), (100.0, "100.0")])
def test_figures(value: float | None, shown: str) -> None:
    assert figure(value) == shown


def test_an_interval_is_whole_or_none() -> None:
    assert (interval((34.2, 100.0)), interval(None)) == ("34–100", "–")


def test_the_page_escapes_what_is_brought(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    measured = {"value": 0.5, "ci95": [0.25, 0.75]}
    voter = {"right": measured, "kappa": {"value": None, "ci95": None}, "ballots_per_answer": 10}
    content = {
        "labels": {"name": hostile, "answers": 4, "positive": "unsafe"},
        "verdicts": dict.fromkeys(("jury", "before_deliberation", "equal_cost", "best_juror"), voter),
        "jurors": {hostile: {"first": {"right": measured, "kappa": measured}}},
        "deliberation": {"gain": {"value": -0.25, "ci95": [-0.5, 0.1]}, "finding": "no difference shown"},
    }
    part = shown_jury("jury", "Deliberation", content)
    assert part.tables[0].rows[0] == ("the jury, after deliberation", "50.0", "25.0 to 75.0", "–", "–", "10.0")
    assert part.tables[0].rows[-1][-1] == "1.0"
    assert part.notes[1] == (
        "deliberation changed the share that is right by −25.0 (−50.0 to 10.0 points): no difference shown"
    )
    page = write_page(tmp_path / "paper.html", "Title", [part], []).read_text(encoding="utf-8")
    assert hostile not in page
    assert "&lt;script&gt;alert(1)" in page


OWN = ShownPart("backbone-own", "Own", (), ())


def test_a_part_that_cannot_be_paired_says_why(tmp_path: Path) -> None:
    part, gaps = _paired(OWN, tmp_path / "backbone", tmp_path / "backbone-own", "backbone-of:m")
    assert gaps == []
    assert part.notes[0].startswith(f"not paired with backbone: {tmp_path / 'backbone'}")


def test_a_model_is_paired_with_no_backbone_but_its_own(tmp_path: Path) -> None:
    for name, target in (("backbone", "backbone-of:internvl-chat-v1.5"), ("own", "internvl-chat-v1.5")):
        write_run(tmp_path / name, queries(4), ["text"], target=target)
    part, gaps = _paired(OWN, tmp_path / "backbone", tmp_path / "own", "backbone-of:qwen2-audio-7b")
    assert gaps == []
    assert part.notes == (
        f"not paired with backbone: {tmp_path / 'backbone'} is a run of backbone-of:internvl-chat-v1.5,"
        " and not of backbone-of:qwen2-audio-7b",
    )
    part, gaps = _paired(OWN, tmp_path / "backbone", tmp_path / "own", "backbone-of:internvl-chat-v1.5")
    assert (part.notes, len(gaps)) == ((), 1)


def test_a_condition_of_which_no_item_has_an_outcome_is_named() -> None:
    given = {"target": "reference", "data": "starter", "out": "nowhere", "limit": 2}
    [size] = plan_study(read_study(), Given(given), ["size"])
    part = shown_part(size, [])
    assert part.notes == ("image+text:typographic~request: no item has an outcome",)


def test_the_page_says_what_is_not_made_only_where_there_is_something(tmp_path: Path) -> None:
    part = PlannedPart("size", StudyPart(title="Sizes"))
    assert "Not made" not in write_page(tmp_path / "all.html", "T", [], [part]).read_text(encoding="utf-8")
    without = replace(part, why_not="it lacks")
    assert "Not made" in write_page(tmp_path / "less.html", "T", [], [without]).read_text(encoding="utf-8")


def gap_row(folder: Path, outcomes: Mapping[str, Callable[[Item], Outcome]]) -> tuple[str, ...]:
    """Of a model and its backbone, which are asked 12 queries."""
    for name, outcome in outcomes.items():
        write_run(folder / name, queries(12), ["text"], outcome, own)
    part = paired(OWN, compare([folder / name for name in outcomes]))
    assert part.tables[0].heads[:3] == ("condition", "concluded", "pairs")  # in sight on a narrow screen
    return part.tables[0].rows[0]


def test_a_gap_that_nothing_can_be_concluded_from_stands_in_parentheses(tmp_path: Path) -> None:
    mute = gap_row(tmp_path / "mute", {"backbone": ended(9), "own": lambda item: Outcome.REFUSED})
    better = gap_row(tmp_path / "better", {"backbone": ended(9), "own": ended(1)})
    assert mute[1:6] == ("not concludable", "12", "(75.0 %)", "(0.0 %)", "(−75.0)")
    assert better[1:6] == ("safer", "12", "75.0 %", "8.3 %", "−66.7")
