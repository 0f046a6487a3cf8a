"""The audit against rows computed by hand, rows made from random answers, and the shipped tables."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction as F
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.cli.published import _fields
from safebench.reports import published
from safebench.reports.published import Averaging, Metric, Published, PublishedRow
from safebench.reports.published_audit import NOTHING, OTHER, USUAL, AuditedRow, audit, possible, printed, weights_of

CATEGORIES, SCENARIOS = Averaging.CATEGORIES, Averaging.SCENARIOS
PAGE = Path(__file__).parents[3] / "docs" / "published.md"


def table(*figures: str, metric: Metric = Metric.ASR) -> Published:
    """One row of consultation (3 scenarios, 300 answers), ethics (2 scenarios, 200 answers) and an average."""
    image = published.load("image")
    columns = tuple(column for column in image.columns if column.id in ("consultation", "ethics"))
    *cells, average = map(Decimal, figures)
    return replace(image, columns=columns, rows=(PublishedRow(2, ("m", "g"), metric, tuple(cells), average),))


def found(*figures: str, metric: Metric = Metric.ASR) -> AuditedRow:
    return audit(table(*figures, metric=metric)).rows[0]


@pytest.mark.parametrize(
    ("average", "explained", "by_rounding"),
    [
        ("15.0", USUAL, (CATEGORIES,)),  # (20 + 10) / 2
        ("16.0", OTHER, (SCENARIOS,)),  # (3 · 20 + 2 · 10) / 5
        ("17.0", NOTHING, ()),
        ("16", OTHER, (SCENARIOS,)),  # 15.5 to 16.5: still more than (20.05 + 10.05) / 2
        ("15.5", NOTHING, ()),
    ],
)
def test_an_average_is_explained_by_the_mean_that_it_fits(
    average: str, explained: str, by_rounding: tuple[Averaging, ...]
) -> None:
    finding = found("20.0", "10.0", average)
    assert (finding.explained, finding.by_rounding) == (explained, by_rounding)


def test_rounding_of_the_cells_and_of_the_average_is_allowed_for_and_no_more() -> None:
    # the cells leave 14.95-15.05 for the mean; 15.1 can stand for 15.05, 15.2 for nothing below 15.15
    assert found("20.0", "10.0", "15.1").by_rounding == (CATEGORIES,)
    assert found("20.0", "10.0", "15.2").by_rounding == ()
    assert found("20.0", "10.0", "14.9").by_rounding == (CATEGORIES,)
    assert found("20.0", "10.0", "14.8").by_rounding == ()
    # a cell printed with two digits is known better: 14.975-15.025 + 0.0025
    assert found("20.00", "10.00", "15.1").by_rounding == ()
    # and one printed without any, worse: (19.5 + 9.95) / 2 = 14.725 to 15.275
    assert found("20", "10.0", "15.3").by_rounding == (CATEGORIES,)


def test_by_answers_a_cell_is_a_value_that_its_answers_can_give() -> None:
    # 300 answers: thirds of a percent; 200: halves. Only 60 and 20 harmful ones print 20.0 and 10.0: exactly 15
    finding = found("20.0", "10.0", "15.1")
    assert finding.means[CATEGORIES] == (F(15), F(15))
    assert finding.by_answers == ()
    assert not finding.plain
    assert found("20.0", "10.0", "15.0").plain


def test_an_average_that_was_cut_off_is_told_from_one_that_was_rounded() -> None:
    # 20.3 of 300 is 61: 61/3; (61/3 + 10) / 2 = 15.1666…: rounded 15.2, cut 15.1
    cut, rounded = found("20.3", "10.0", "15.1"), found("20.3", "10.0", "15.2")
    assert (cut.by_answers, cut.if_cut) == ((), (CATEGORIES,))
    assert (rounded.by_answers, rounded.if_cut) == ((CATEGORIES,), ())
    assert found("20.0", "10.0", "14.9").if_cut == ()  # 15 itself is not cut to 14.9
    assert found("20.0", "10.0", "15.0").if_cut == (CATEGORIES,)


def test_a_zero_is_below_zero_by_rounding_but_never_by_answers() -> None:
    # the cells leave 0.45 to 0.55 for the mean over categories, 0.35 to 0.45 for that over scenarios
    finding = found("0.0", "1.0", "0.4")
    assert finding.by_rounding == (CATEGORIES, SCENARIOS)
    assert finding.by_answers == (SCENARIOS,)  # exactly 0.5, and exactly 0.4


@pytest.mark.parametrize(
    ("figure", "metric", "answers", "ends"),
    [
        ("8.0", Metric.ASR, 50, (F(8), F(8))),
        ("7.0", Metric.ASR, 50, None),  # 50 answers move in steps of 2 %
        ("7.1", Metric.ASR, 50, None),
        ("74.8", Metric.SRI, 50, (F(374, 5), F(374, 5))),
        ("74.9", Metric.SRI, 50, None),  # in steps of 0.4
        ("0.3", Metric.ASR, 300, (F(1, 3), F(1, 3))),
        ("2.25", Metric.ASR, 400, (F(9, 4), F(9, 4))),
        ("98.9", Metric.SRI, 500, (F(9888, 100), F(9892, 100))),  # 98.88, 98.92; steps of 0.04
        ("100", Metric.SRI, 200, (F(995, 10), F(100))),  # never above 100
        ("20.0", Metric.SRI, 200, (F(20), F(20))),  # never below 20: the next step down is 19.9
        ("0.0", Metric.ASR, 10000, (F(0), F(5, 100))),
    ],
)
def test_the_values_that_answers_can_give(figure: str, metric: Metric, answers: int, ends: tuple[F, F] | None) -> None:
    assert possible(Decimal(figure), metric, answers) == ends


def test_a_figure_is_known_to_half_of_its_last_digit() -> None:
    assert printed(Decimal("47.1")) == (F(4705, 100), F(4715, 100))
    assert printed(Decimal("2.25")) == (F(2245, 1000), F(2255, 1000))
    assert printed(Decimal("100")) == (F(199, 2), F(201, 2))


def test_a_cell_that_its_answers_cannot_give_is_named() -> None:
    finding = found("20.1", "10.0", "15.1")
    assert finding.impossible == ("CO",)
    assert not finding.plain
    assert found("20.0", "10.2", "15.1").impossible == ("ET",)


def test_weights_of_both_tables_by_hand() -> None:
    image, audio = published.load("image"), published.load("audio")
    assert weights_of(image, CATEGORIES) == [F(1, 8)] * 8
    assert weights_of(image, SCENARIOS) == [F(n, 23) for n in (3, 2, 4, 2, 5, 2, 2, 3)]
    assert weights_of(audio, SCENARIOS) == [F(1, 10)] * 10
    thirds = {"fraudulent_activities", "illegal_activities", "ip_infringement"}  # the three of one category
    expected = [F(1, 24) if column.id in thirds else F(1, 8) for column in audio.columns]
    assert weights_of(audio, CATEGORIES) == expected


@pytest.mark.parametrize("name", ["image", "audio"])
def test_tables_made_from_answers_are_always_plain_and_a_planted_average_is_not(name: str) -> None:
    shipped, draw = published.load(name), random.Random(7)
    rows = tuple(_row_of_answers(shipped, metric, draw) for metric in Metric for _ in range(100))
    made = audit(replace(shipped, rows=rows))
    assert all(finding.plain for finding in made.rows)
    step = Decimal("0.1")
    planted = replace(rows[3], average=rows[3].average + (2 * step if rows[3].average < 90 else -2 * step))
    findings = audit(replace(shipped, rows=(*rows[:3], planted, *rows[4:]))).rows
    assert [n for n, finding in enumerate(findings) if not finding.plain] == [3]


def _row_of_answers(shipped: Published, metric: Metric, draw: random.Random) -> PublishedRow:
    """What a careful author would print for so many answers."""
    least, most = (0, 1) if metric is Metric.ASR else (1, 5)
    cells = [
        F(sum(draw.choices(range(least, most + 1), k=c.answers)) * metric.unit, c.answers) for c in shipped.columns
    ]
    weights = weights_of(shipped, shipped.averaging)
    average = sum(cell * weight for cell, weight in zip(cells, weights, strict=True))
    return PublishedRow(2, ("m", "g"), metric, tuple(map(_rounded, cells)), _rounded(average))


def _rounded(value: F | int) -> Decimal:
    exact = Decimal(F(value).numerator) / Decimal(F(value).denominator)
    return exact.quantize(Decimal("0.1"), ROUND_HALF_UP)


# --- what the shipped audit finds


def test_the_audit_finds_exactly_what_the_page_says() -> None:
    told = [
        [field.strip().replace("<br>", "\n") for field in line.strip("|").split("|")]
        for line in re.findall(r"^\|.* \| (?:ASR|SRI) \| .*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    findings = [finding for name in published.names() for finding in audit(published.load(name)).rows]
    assert told == [_fields(finding) for finding in findings if not finding.plain]


def test_two_averages_do_not_follow_from_their_cells() -> None:
    image = {(f.row.labels[0], f.row.metric): f for f in audit(published.load("image")).rows}
    by = {kind: [key for key, f in image.items() if f.explained == kind] for kind in (OTHER, NOTHING)}
    assert by == {OTHER: [("Phi-3-Vision-128K-Instruct", "SRI")], NOTHING: [("CogVLM", "SRI")]}
    # 83.0 + 59.2 + 47.8 + 68.6 + 49.9 + 43.9 + 74.2 + 85.3 = 511.9, and 511.9 / 8 = 63.9875, far from 69.9
    assert image["CogVLM", Metric.SRI].row.average == Decimal("69.9")
    low, high = image["CogVLM", Metric.SRI].means[CATEGORIES]
    assert low <= F(5119, 80) <= high


def test_every_audio_average_is_the_mean_over_its_scenarios_and_every_cell_one_of_50_answers() -> None:
    made = audit(published.load("audio"))
    assert made.counts == {USUAL: 16, OTHER: 0, NOTHING: 0}
    assert all(finding.plain for finding in made.rows)


def test_the_command_shows_and_prints_the_same_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["published", "audit", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["table"], len(one["rows"]), one["explained"]) for one in told] == [
        ("image", 42, {"usual": 40, "other": 1, "nothing": 1}),
        ("audio", 16, {"usual": 16, "other": 0, "nothing": 0}),
    ]
    (worst,) = [row for row in told[0]["rows"] if row["explained"] == "nothing"]
    assert worst == {
        "model": "CogVLM", "group": "open", "metric": "SRI", "line": 17, "average": "69.9", "explained": "nothing",
        "by_rounding": [], "by_answers": [], "if_cut": [], "impossible_cells": [],
        "means": {"categories": ["63.9746", "64.0004"], "scenarios": ["62.4783", "62.5130"]},
    }  # fmt: skip
    assert run_command(["published", "audit", "image"]) == 0
    shown = capsys.readouterr().out
    assert "40 usual, 1 other, 1 nothing" in shown
    assert "audio" not in shown
    assert run_command(["published", "audit", "audio", "--all"]) == 0
    assert capsys.readouterr().out.count("Qwen2-Audio") >= 8


def test_tables_are_listed_and_shown_as_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run_command(["published", "list"]) == 0
    assert "image" in capsys.readouterr().out
    assert run_command(["published", "show", "image"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"GPT-4o-mini +commercial +ASR +0\.0 +0\.0 +2\.25 +0\.0 +0\.8 +0\.5 +1\.5 +2\.0 +0\.8", shown)
    assert run_command(["published", "show", "img"]) == 2
