"""Tables on a phone, in the order and with the rows that a reader wants, and as a file."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.reports.comparison import compare
from safebench.reports.leaderboard import rankings
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.statistics.gap import GapSettings
from tests.browser import Browser
from tests.safebench.reports.pages.test_run_page import outcome, queries
from tests.safebench.reports.pages.test_runs_pages import own_answer, safer
from tests.safebench.reports.pages.written import write_run

CONDITIONS = ["text", "audio:female"]
OFF_SCREEN = """
    const seen = (one) => one.checkVisibility() && !one.closest(".chart");
    return [...document.querySelectorAll(arguments[0])].filter(seen)
      .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML);
"""
ROWS = "return [...document.querySelectorAll('.sortable tbody tr')].filter(r => r.checkVisibility()).length"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of text something can be concluded, of speech nothing, since nobody probed whether it was understood."""
    place = tmp_path_factory.mktemp("runs")
    return [
        write_run(place / name, queries(40), CONDITIONS, ended, own_answer)
        for name, ended in (("=first", outcome), ("second", safer))
    ]


def page(command: str, runs: list[Path], tmp_path: Path) -> Path:
    assert run_command([command, *map(str, runs), "--html", str(tmp_path / "page.html")]) == 0
    return tmp_path / "page.html"


def downloaded(browser: Browser) -> list[dict[str, str]]:
    url = browser.one("a[download]").get_attribute("href")
    text = base64.b64decode(url.removeprefix("data:text/csv;base64,")).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def sort_by(browser: Browser, head: str) -> None:
    next(button for button in browser.all(".sortable th button") if button.text == head).click()


@pytest.mark.parametrize("kind", ["report", "compare", "leaderboard"])
def test_on_a_phone_a_table_that_does_not_fit_is_cards_and_nothing_is_off_screen(
    kind: str, tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.resize(390, 844)
    browser.open(write_page(runs[0], report(runs[0]).summary) if kind == "report" else page(kind, runs, tmp_path))
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    browser.until("return document.querySelectorAll('.stacked').length > 0")
    assert browser.run(OFF_SCREEN, "td, th, .chip, button") == []
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    assert {"table", "row", "cell"} <= {node["role"]["value"] for node in nodes}  # it stays a table to a screen reader
    for label, cell in browser.run(
        "return [...document.querySelectorAll('.stacked td[data-label]')].map(c => [c.dataset.label,"
        " [...c.closest('table').tHead.rows[0].cells][c.cellIndex].textContent])"
    ):
        assert label == cell
    browser.resize(1440, 900)
    browser.until("return !document.querySelector('#list')?.closest('.stacked')")


def test_on_a_phone_the_labels_on_shaded_cards_have_the_colour_of_text(runs: list[Path], browser: Browser) -> None:
    browser.resize(390, 844)
    browser.open(write_page(runs[0], report(runs[0]).summary))
    browser.until("return document.querySelector('.stacked .heat')")
    pairs = browser.run(
        "return [...document.querySelectorAll('.heat td[class]')].map(one => [one, '::before'])"
        ".map(one => [getComputedStyle(...one).color, getComputedStyle(one[0]).color])"
    )
    assert pairs
    assert all(label == text for label, text in pairs)


def test_on_a_phone_what_stands_above_a_table_of_a_notebook_is_seen_whole(
    tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.resize(390, 844)
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><link rel=icon href=data:,>{report(runs[0])._repr_html_()}", encoding="utf-8")
    browser.open(page)
    assert len(browser.all("caption")) > 1
    assert browser.run(OFF_SCREEN, "caption") == []


def test_rows_are_sorted_both_ways_and_what_has_no_rank_is_always_last(
    tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.open(page("leaderboard", runs, tmp_path))
    rates = "return [...document.querySelectorAll('data[data-condition]')].map(d => [d.dataset.condition, +d.value])"
    (ranking,) = rankings(runs)
    ranked = sorted(row.cell.asr or 0 for row in ranking.rows if row.cell.condition == "text")
    for order in (ranked, ranked[::-1]):
        sort_by(browser, ranking.words.asr)
        seen = browser.run(rates)
        assert [value for condition, value in seen if condition == "text"] == order
        assert [condition for condition, _ in seen] == ["text", "text", "audio:female", "audio:female"]
    assert [head.text for head in browser.all("th[aria-sort=descending]")] == [ranking.words.asr]


@pytest.mark.parametrize("event", ["input", "change"])
def test_rows_are_filtered_by_run_target_and_condition(
    event: str, tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.open(page("compare", runs, tmp_path))
    everything = browser.run(ROWS)
    told = "const r = document.getElementById('rows'); r.value = arguments[0]; r.dispatchEvent(new Event(arguments[1]))"
    browser.run(told, "AUDIO:female", event)
    (heading,) = [one.text for one in browser.all("section h2") if one.is_displayed()]
    assert heading == "audio:female"
    assert browser.one("#rows-shown").text == f"{browser.run(ROWS)} of {everything} rows"
    browser.run(told, "", event)
    assert browser.run(ROWS) == everything


def test_a_comparison_is_downloaded_with_exact_numbers_and_no_formulas(
    tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.open(page("compare", runs, tmp_path))
    rows = downloaded(browser)
    compared = [row for panel in compare(runs, GapSettings()).panels for row in panel.gaps]
    gaps = [(row, view, gap) for row in compared for view, gap in row.gaps.items()]
    assert [(one["intent"], one["counted"]) for one in rows] == [(row.intent, view) for row, view, _ in gaps]
    assert list(dict.fromkeys(one["condition"] for one in rows)) == CONDITIONS
    assert [float(one["difference"]) for one in rows] == [gap.difference for _, _, gap in gaps]
    assert [float(one["ci95_low"]) for one in rows] == [gap.ci95[0] for _, _, gap in gaps]
    assert [one["concluded"] for one in rows] == [row.concluded or "" for row, _, _ in gaps]
    assert {(one["run"], one["reference_run"]) for one in rows} == {("second", "'=first")}


def test_a_leaderboard_is_downloaded_with_what_cannot_be_concluded(
    tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    browser.open(page("leaderboard", runs, tmp_path))
    rows = downloaded(browser)
    (ranking,) = rankings(runs)
    assert [float(one["asr"]) for one in rows] == [row.cell.asr for row in ranking.rows]
    assert {(one["condition"], one["concludable"]) for one in rows} == {("text", "True"), ("audio:female", "False")}


def test_the_type_of_all_charts_has_one_size_and_their_labels_are_struck_through_by_nothing(
    tmp_path: Path, runs: list[Path], browser: Browser
) -> None:
    """`paint-order`: a label stands on a rim of paper, over the line that it crosses."""
    browser.open(page("compare", runs, tmp_path))
    texts = browser.run(
        "return [...document.querySelectorAll('.chart text')].map(t => [t.ownerSVGElement.getScreenCTM().a,"
        " getComputedStyle(t).paintOrder, getComputedStyle(t).stroke])"
    )
    assert {tuple(one) for one in texts} == {(1, "stroke", "rgb(255, 255, 255)")}
