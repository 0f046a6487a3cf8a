"""The files for CI, read back by other people's parsers, with hostile names in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from markdown_it import MarkdownIt

from safebench.errors import BadInput
from safebench.reports.gate_files import make_room, text, write_junit, write_markdown
from safebench.reports.release_gate import GateResult
from safebench.reports.report import report
from safebench.reports.summary import Summary
from safebench.store.items import Skipped
from safebench.types import Intent, Item, Outcome
from tests.safebench.recorded import record, twins
from tests.safebench.reports.pages.written import RULES_ALONE, write_run

HOSTILE = (
    "a|b <img src=x onerror=alert(1)> `c` **d** [e](http://f) @g #1 www.h.org &amp; \\| \x1b[31m \ud800 ]]> \"'\n# i"
)
KEPT = GateResult("asr(text) > 0.2", "ASR 0.0 %", is_kept=True)
LOST = GateResult("gap(text, audio:female) > 0.1", f"not concludable: {HOSTILE}", is_kept=False)


def outcome(item: Item) -> Outcome:
    helps = item.query.intent is Intent.BENIGN and item.condition.medium == "text"
    return Outcome.SAFE if helps else Outcome.REFUSED


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    found = report(record(tmp_path / "run", twins(5), ["text", "audio:female"], outcome)).summary
    return replace(
        found,
        run=replace(found.run, name=HOSTILE, target=HOSTILE, notice=HOSTILE),
        conditions=[replace(found.conditions[0], condition=HOSTILE), found.conditions[1]],
        skipped=[Skipped("audio:male", HOSTILE, 3)],
    )


def junit(folder: Path, summary: Summary, results: Sequence[GateResult], problems: Sequence[str] | None) -> xml.Element:
    write_junit(folder / "junit.xml", summary, results, problems)
    return xml.parse(folder / "junit.xml").getroot()  # noqa: S314  written by us


def test_junit_has_a_test_for_every_limit_and_one_for_the_run(tmp_path: Path, summary: Summary) -> None:
    suites = junit(tmp_path, summary, [KEPT, LOST], [])
    (suite,) = suites
    assert suites.attrib == {"tests": "3", "failures": "1", "errors": "0"}
    assert suite.attrib["name"].startswith("a|b <img src=x onerror=alert(1)> `c`")
    assert [(test.attrib["name"], [one.tag for one in test]) for test in suite] == [
        ("the run", ["system-out"]), (KEPT.name, ["system-out"]), (LOST.name, ["failure"]),
    ]  # fmt: skip
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("not concludable: a|b <img src=x")
    assert "\x1b" not in failure.text


def test_what_is_wrong_with_a_run_fails_in_junit_too(tmp_path: Path, summary: Summary) -> None:
    suites = junit(tmp_path, summary, [KEPT], ["7.0 % of the items are open"])
    assert suites.attrib["failures"] == "1"
    assert suites.find(".//testcase[@name='the run']/failure").attrib["message"] == "7.0 % of the items are open"
    assert [test.attrib["name"] for test in junit(tmp_path, summary, [KEPT], None).iter("testcase")] == [KEPT.name]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name != "style"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown(folder: Path) -> tuple[str, Tags]:
    written = (folder / "summary.md").read_text(encoding="utf-8")
    read = Tags()
    read.feed(MarkdownIt("commonmark").enable("table").render(written))
    return written, read


def test_nothing_in_the_markdown_is_markup_but_ours(tmp_path: Path, summary: Summary) -> None:
    write_markdown(tmp_path / "summary.md", summary, [KEPT, LOST], [HOSTILE])
    written, read = shown(tmp_path)
    assert read.tags == {"h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}
    told = " ".join(HOSTILE.replace("\x1b", "\ufffd").replace("\ud800", "\ufffd").split())
    assert read.texts.count(told) >= 3
    assert not re.search(r"@g|://|www\.h", written)


def test_the_markdown_has_the_rates_and_every_limit(tmp_path: Path, summary: Summary) -> None:
    write_markdown(tmp_path / "summary.md", summary, [KEPT, LOST], None)
    written, read = shown(tmp_path)
    lines = [line for line in written.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in lines[:2]] == ["- ✅ kept", "- ❌ not kept"]
    told = "".join(read.texts)
    assert "audio:female: not concludable, rate in parentheses" in told
    row = next(line for line in written.splitlines() if line.startswith("| <code>audio"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        "(0.0 %)",
        "0.0–43.4 %",
        "0 of 10",
        "100.0 %",
        "56.6–100.0 %",
    ]


def test_the_markdown_of_what_rules_alone_judged_speaks_of_compliance(tmp_path: Path) -> None:
    found = report(write_run(tmp_path / "run", twins(3), jury=RULES_ALONE)).summary
    write_markdown(tmp_path / "summary.md", found, [], None)
    assert "| condition | compliance rate | 95 % interval |" in shown(tmp_path)[0]


def test_a_run_without_outcomes_has_its_markdown(tmp_path: Path) -> None:
    found = report(record(tmp_path / "run", twins(2), ["text"], lambda item: None)).summary
    write_markdown(tmp_path / "summary.md", found, [], None)
    assert "unfinished: 4 items have no outcome yet" in "".join(shown(tmp_path)[1].texts)


def test_the_markdown_says_of_a_file_no_more_than_its_name(tmp_path: Path, summary: Summary) -> None:
    kept = replace(summary, run=replace(summary.run, data="/home/jane/secret plan/queries.jsonl"))
    write_markdown(tmp_path / "summary.md", kept, [], ["see /home/jane/log.txt"])
    told = "".join(shown(tmp_path)[1].texts)
    assert "queries.jsonl" in told
    assert "jane" not in told


def test_figures_stay_readable() -> None:
    assert text("ASR −3.0 points (n = 40), 4.1–17.3 %") == "<code>ASR −3.0 points (n = 40), 4.1–17.3 %</code>"


def test_no_file_of_an_earlier_command_stays(tmp_path: Path) -> None:
    old = tmp_path / "junit.xml"
    old.write_text("green", encoding="utf-8")
    make_room(old)
    assert not old.exists()
    make_room(old)


@pytest.mark.parametrize("place", ["nowhere/junit.xml", ".", "link"])
def test_where_no_file_can_be_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "somewhere")
    with pytest.raises(BadInput, match="no file can be written there"):
        make_room(tmp_path / place)
