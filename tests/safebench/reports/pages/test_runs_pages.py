from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from safebench.cli.main import run_command
from safebench.cli.run_tables import show_report
from safebench.reports.comparison import compare
from safebench.reports.finished_run import differences, read_run
from safebench.reports.leaderboard import rankings
from safebench.reports.pages.conclusions import conclusions
from safebench.reports.pages.html import sentence
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.reports.words import NOTICE
from safebench.statistics.gap import GapSettings
from safebench.types import Intent, Item, Outcome
from tests.browser import Browser
from tests.safebench.reports.pages.test_run_page import outcome, queries
from tests.safebench.reports.pages.written import JURORS, RULES_ALONE, write_run


def safer(item: Item) -> Outcome:
    """As `outcome`, but the first five harmful queries are refused."""
    return Outcome.REFUSED if item.query.id in {f"h{n}" for n in range(5)} else outcome(item)


def two(tmp_path: Path) -> list[Path]:
    conditions = ["text", "audio:female"]
    first = write_run(tmp_path / "first", queries(40), conditions, outcome, own_answer)
    return [first, write_run(tmp_path / "second", queries(40), conditions, safer, own_answer)]


def own_answer(item: Item) -> str:
    """One that says something of its own query."""
    return f"What you want to know of {item.query.id[1:]} is this."


def test_two_targets_are_paired_query_by_query_under_every_shared_condition(tmp_path: Path) -> None:
    found = compare(two(tmp_path), GapSettings())
    assert [panel.title for panel in found.panels] == ["text", "audio:female"]
    row = next(row for row in found.panels[0].gaps if row.intent == Intent.HARMFUL)
    items = [Item(query, column) for query in queries(5)[::2] for column in _text()]
    turned = sum(outcome(item) is Outcome.UNSAFE for item in items)
    assert (row.decided.up, row.decided.down) == (0, turned)
    assert row.decided.difference == pytest.approx(-turned / 40)
    assert found.panels[0].order == ["B", "A"]
    gaps = [row.decided for panel in found.panels for row in panel.gaps]
    _, corrected, _, _ = multipletests([gap.p for gap in gaps], method="holm")
    assert [gap.p_holm for gap in gaps] == pytest.approx(list(corrected))


def _text() -> list[object]:
    from tests.safebench.recorded import condition

    return [condition("text")]


def test_conditions_asked_in_two_runs_have_the_gap_of_one_run_with_both(tmp_path: Path) -> None:
    asked = queries(40)
    both = report(write_run(tmp_path / "both", asked, ["text", "audio:female"], outcome)).summary.gap.comparisons
    parts = [write_run(tmp_path / name.partition(":")[0], asked, [name], outcome) for name in ("text", "audio:female")]
    (panel,) = compare(parts, GapSettings(seed=3)).panels
    assert [column.name for column in panel.columns] == ["A text", "B audio:female"]
    assert [row.decided for row in panel.gaps] == [row.decided for row in both]
    assert [row.bounds for row in panel.gaps] == [row.bounds for row in both]


RESOLVED = {"prompts": {"role": 1}, "jurors": {"wording#1": "1"}, "recipes": {}}


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (
            {
                "jury": {
                    "protocol": {"rounds": 3},
                    "jurors": JURORS,
                }
            },
            "jury",
        ),
        ({"resolved": {"prompts": {"role": 2}, "jurors": {"wording#1": "1"}, "recipes": {}}}, "prompts"),
        ({"resolved": {**RESOLVED, "written": {"text": "b"}}}, "renderings"),
        ({"queries": 3}, "data"),
    ],
)
def test_runs_that_differ_are_not_ranked_and_the_error_says_in_what(
    tmp_path: Path, other: dict[str, object], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    count = other.pop("queries", 4)
    runs = [write_run(tmp_path / "a", queries(4)), write_run(tmp_path / "b", queries(count), **other)]  # type: ignore[arg-type]
    assert run_command(["compare", *map(str, runs)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"differ in {part}: " in told
    assert run_command(["leaderboard", *map(str, runs)]) == 0
    assert "Group 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("here", "there", "what"),
    [
        ({"text": "{query}"}, {"text": "Answer: {query}"}, "wording.mine.text ({query} and Answer: {query})"),
        ({"text": "{query}"}, {"text": "{query}", "beside": "Go on."}, "wording.mine.beside (nothing and Go on.)"),
    ],
)
def test_runs_in_different_wordings_of_one_name_are_not_ranked(
    tmp_path: Path, here: dict[str, str], there: dict[str, str], what: str
) -> None:
    first, other = (
        write_run(tmp_path / name, queries(1), ["text~mine"], wording={"mine": mine, **more})
        for name, mine, more in (("a", here, {}), ("b", there, {"short": {"text": "{query}!"}}))
    )
    assert differences(read_run(first), read_run(other)) == [f"{first} and {other} differ in renderings: {what}"]


def test_one_run_is_no_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(write_run(tmp_path / "a", queries(1)))
    assert run_command(["compare", folder, folder]) == 2
    assert "different ones" in capsys.readouterr().err


def test_the_page_of_a_comparison_holds_its_numbers(tmp_path: Path, browser: Browser) -> None:
    runs, written = two(tmp_path), tmp_path / "page.html"
    assert run_command(["compare", *map(str, runs), "--html", str(written)]) == 0
    browser.open(written)
    seen = browser.run(
        "return [...document.querySelectorAll('[data-field=decided-harmful]')].map(d => Number(d.value))"
    )
    panels = compare(runs, GapSettings()).panels
    assert seen == [r.decided.difference for p in panels for r in p.gaps if r.intent == Intent.HARMFUL]
    assert len(browser.all(".chart svg")) == 2
    assert browser.all(".notice")  # the reference target says what it is


def test_the_leaderboard_sets_published_numbers_apart(tmp_path: Path, browser: Browser) -> None:
    runs, written = two(tmp_path), tmp_path / "page.html"
    assert run_command(["leaderboard", *map(str, runs), "--html", str(written)]) == 0
    browser.open(written)
    asr = {folder.name: report(folder).summary.conditions[0].asr for folder in runs}
    seen = browser.run(
        "return [...document.querySelectorAll('data[data-condition=text]')].map(d => [d.dataset.field, +d.value])"
    )
    assert dict(seen) == asr
    assert [value for _, value in seen] == sorted(asr.values())
    assert "Not comparable" in browser.one("#published .notice").text
    browser.one("#published summary").click()
    assert "Claude-3.5-Sonnet" in browser.one("#published").text


def test_hostile_names_of_runs_stay_text(tmp_path: Path, browser: Browser) -> None:
    name = "<img src=x onerror='window.hit=1'>"
    runs = [write_run(tmp_path / name, queries(2)), write_run(tmp_path / "b", queries(2))]
    for command in ("compare", "leaderboard"):
        assert run_command([command, *map(str, runs), "--html", str(tmp_path / "page.html")]) == 0
        browser.open(tmp_path / "page.html")
        assert browser.run("return typeof window.hit") == "undefined"
        assert name in browser.one("main").text


def test_pages_of_several_runs_name_a_jury_that_does_not_know_harm(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, queries(2), target="openai:made", jury=RULES_ALONE) for name in ("a", "b")]
    for command in ("compare", "leaderboard"):
        assert run_command([command, *map(str, runs), "--html", str(tmp_path / "page.html")]) == 0
        assert (tmp_path / "page.html").read_text(encoding="utf-8").count(sentence(NOTICE)) == 1


def test_one_rate_has_one_interval_everywhere_also_with_repeats(tmp_path: Path) -> None:
    """Every query ends alike in its four repeats, so that 20 of them count as 5."""

    def alike(item: Item) -> Outcome:
        return Outcome.UNSAFE if item.query.id in ("h0", "h1") else Outcome.REFUSED

    folder = write_run(tmp_path / "run", queries(5)[::2], ["text"], alike, repeats=4)
    summary = report(folder).summary
    (cell,) = summary.conditions
    low, high = proportion_confint(2, 5, method="wilson")
    assert cell.shown_ci95 == pytest.approx([low, high])
    assert cell.ci95 == pytest.approx(proportion_confint(8, 20, method="wilson"))  # what nobody is shown
    ((row,),) = (ranking.rows for ranking in rankings([folder]))
    assert row.cell.shown_ci95 == cell.shown_ci95
    page = write_page(folder, summary).read_text(encoding="utf-8")
    console = Console(width=200)
    with console.capture() as terminal:
        show_report(console, summary)
    told = f"{100 * low:.1f}–{100 * high:.1f} %"
    assert told in terminal.get()
    assert f"<td>{told}</td>" in page
    assert any(f"95 % interval {told}" in one.text for one in conclusions(summary))
    assert run_command(["leaderboard", str(folder), "--html", str(tmp_path / "board.html")]) == 0
    assert f">{told}</data></td>" in (tmp_path / "board.html").read_text(encoding="utf-8")


def test_without_repeats_it_is_the_plain_interval(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", queries(5), ["text"], outcome)
    (cell,) = report(folder).summary.conditions
    ((row,),) = (ranking.rows for ranking in rankings([folder]))
    assert row.cell.shown_ci95 == cell.shown_ci95 == cell.ci95
