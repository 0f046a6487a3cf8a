"""Every page in dark, in light and on paper, and as a screen reader is told of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

from safebench.bridges.paper.page import FigureTable, ShownPart
from safebench.bridges.paper.page import write_page as write_paper_page
from safebench.cli.main import run_command
from safebench.types import Item, Outcome
from tests.browser import Browser
from tests.safebench.reports.pages.test_run_page import CONDITIONS, outcome, page, queries
from tests.safebench.reports.pages.written import write_run
from tests.safebench.review.test_page import ask, give, served

AXE = (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
LEAST = 4.5  # WCAG 2.2, 1.4.3 (AA), for text of every size
PAPER = (794, 1123)  # A4 in CSS pixels
NAMED = {"button", "textbox", "searchbox", "combobox", "checkbox", "link", "image", "Audio", "Video", "dialog", "table"}
PAGES = ("report", "item", "compare", "leaderboard", "paper", "review", "review item")
ENDS = {"review end": "item?reviewer=Ben", "review agreement": "agreement?reviewer=Ben"}  # of one who is done

PAPER_PARTS = [
    ShownPart(name, "Part of the study", ("a note",), (FigureTable(name, ("condition", "ASR"), (("text", "(0.0)"),)),))
    for name in ("images", "size", "audio", "backbone", "attacks", "jury")
]


def ended(item: Item) -> Outcome:
    return Outcome.BLOCKED if item.query.id == "h3" else outcome(item)


def wordy(item: Item) -> str:
    return f"I cannot help with {item.query.id}. " * 100


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Browser, str], None]]:
    """Opens a page by name."""
    place = tmp_path_factory.mktemp("pages")
    long = {"data_sha256": "d", "prompts": {f"prompt {n}": n for n in range(60)}, "jurors": {}, "recipes": {}}
    run, other = (
        write_run(place / name, queries(4), CONDITIONS, ended, wordy, resolved=long) for name in ("run", "other")
    )
    written = {"report": page(run), "item": page(run)}
    scores = place / "scores.csv"
    scores.write_text("model,score\nreference,1\n", encoding="utf-8")
    for name, more in (("compare", ["--ability", str(scores)]), ("leaderboard", [])):
        written[name] = place / f"{name}.html"
        assert run_command([name, str(run), str(other), "--html", str(written[name]), *more]) == 0
    written["paper"] = write_paper_page(place / "paper.html", "The paper", PAPER_PARTS, [])
    with served(run) as url:
        while 'name="item"' in ask(f"{url}item?reviewer=Ben")[2]:
            give(url, "Ben", "refused")

        def show(browser: Browser, name: str) -> None:
            if name in written:
                browser.open(written[name], "#item-3" if name == "item" else "")
            else:
                browser.visit(url + {"review item": "item?reviewer=Ada", **ENDS}.get(name, ""))
                browser.served = (url,)
            if name == "item":
                browser.one(".card audio")

        yield show


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_both_schemes(
    name: str, scheme: str, browser: Browser, opened: Callable[[Browser, str], None]
) -> None:
    browser.media(scheme=scheme)
    opened(browser, name)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = browser.run(CONTRAST, LEAST)
    assert found["low"] == []
    assert found["texts"] > 15
    paper = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_what_cannot_be_read_is_found(browser: Browser, opened: Callable[[Browser, str], None]) -> None:
    opened(browser, "report")
    assert browser.run(CONTRAST, 21.1)["texts"] == len(browser.run(CONTRAST, 21.1)["low"])
    browser.run("const b = document.querySelector('h1'); b.style.color = '#777777'")  # 4.48 on white
    assert [low.split()[:2] for low in browser.run(CONTRAST, LEAST)["low"]] == [["4.48", "H1"]]


@pytest.mark.parametrize("name", [*PAGES, *ENDS])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_against_wcag_aa(
    name: str, width: int, browser: Browser, opened: Callable[[Browser, str], None]
) -> None:
    browser.resize(width, 900)
    opened(browser, name)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert axe(browser) == []


def axe(browser: Browser) -> list[str]:
    """What axe-core finds: its rule, and where."""
    browser.run(AXE)
    found = browser.driver.execute_async_script("axe.run({runOnly: arguments[0]}).then(arguments[1])", WCAG)
    assert found["passes"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def test_axe_finds_what_is_wrong(browser: Browser, opened: Callable[[Browser, str], None]) -> None:
    opened(browser, "leaderboard")
    browser.run("document.documentElement.removeAttribute('lang'); document.getElementById('rows').labels[0].remove()")
    assert {one.partition(":")[0] for one in axe(browser)} == {"html-has-lang"}


@pytest.mark.parametrize("name", PAGES)
def test_everything_to_use_or_to_see_has_a_name(
    name: str, browser: Browser, opened: Callable[[Browser, str], None]
) -> None:
    opened(browser, name)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip()) for node in nodes if not node["ignored"]
    ]
    kinds = {role for role, _ in told}
    assert [role for role, name in told if role in NAMED and not name] == []
    wanted = {
        "report": {"searchbox", "checkbox", "combobox", "button", "image", "table"},
        "item": {"dialog", "button", "image", "Audio"},
        "compare": {"image", "table"},
        "leaderboard": {"table"},
        "paper": {"table"},
        "review": {"textbox", "button"},
        "review item": {"textbox", "button"},
    }
    assert wanted[name] <= kinds
    charts = browser.all(".chart svg")
    assert all(chart.get_attribute("role") == "img" for chart in charts)


def test_outcomes_are_told_in_words(browser: Browser, opened: Callable[[Browser, str], None]) -> None:
    opened(browser, "report")
    marks = {"unsafe": "▲", "refused": "●", "safe": "●", "blocked": "●", "not understood": "○"}
    cells = browser.run("return [...document.querySelectorAll('#list .chip')].map(c => [c.className, c.textContent])")
    assert {text.partition(" ")[2] for _, text in cells} >= {"unsafe", "refused", "blocked"}
    for kind, text in cells:
        mark, _, words = text.partition(" ")
        assert mark == marks[words]
        assert kind == ("chip open" if mark == "○" else f"chip {words}")
    shaded = browser.run("return [...document.querySelectorAll('.heat td')].map(c => [c.className, c.textContent])")
    assert shaded
    for shade, text in shaded:
        share = 0.0 if text.startswith("–") else float(text.partition(" %")[0])
        assert shade == (f"heat-{math.ceil(share / 10)}" if share else "")


@pytest.mark.parametrize("name", PAGES)
def test_paper_is_light_and_whole(name: str, browser: Browser, opened: Callable[[Browser, str], None]) -> None:
    opened(browser, name)
    browser.resize(*PAPER)
    browser.media("print", "dark")
    assert browser.run("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("const d = document.documentElement; return d.scrollWidth === d.clientWidth")
    assert browser.run(CONTRAST, LEAST)["low"] == []
    cut = browser.run(
        "return [...document.querySelectorAll('main *')].filter(e => e.checkVisibility()"
        " && getComputedStyle(e).overflow !== 'visible' && !e.closest('svg')"
        " && (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1)).map(e => e.outerHTML)"
    )
    assert cut == []
    shown = "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).length"
    assert browser.run(shown, "button:not(th button), input, select, textarea, dialog, audio") == 0
    folded = "details:not(#hidden, dialog *) > :not(summary)"
    assert browser.run(shown, folded) == len(browser.all(folded))
    assert browser.run(shown, "#hidden > :not(summary)") == 0
    assert browser.run("return document.querySelectorAll('#item details[open]').length") == 0
