"""Where rules judged alone nothing that is shown speaks of harm or safety; ids in data stay."""

from __future__ import annotations

import json
import random
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.plugins import Juror
from safebench.registry import load
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.reports.words import COMPLIANCE, HARM, NOTICE, WAYS, Words, knows_harm
from safebench.store.store import Store
from safebench.types import Intent, Item, Label, Outcome, Transcript
from tests.safebench.recorded import twins
from tests.safebench.reports.pages.written import write_run

RULES = [{"juror": "wording"}, {"juror": "opening"}, {"juror": "substance"}]
MODEL = {"juror": "model", "model": "openai:judge"}
OF_HARM = re.compile(r"\b(unsafe|safer|safety|safe|harm|ASR|SRI|attack)\b", re.IGNORECASE)
KEPT = ("knows harm", "know harm")  # what is said of the rules and of another jury
CONDITIONS = ["text", "image:typographic", "audio:female"]
SPOKEN = 3  # the first item under the last condition


def outcome(shares: dict[str, float]) -> Any:
    drawn = random.Random(0)

    def outcome(item: Item) -> Outcome:
        if item.query.intent is Intent.BENIGN:
            return Outcome.SAFE
        if drawn.random() < 0.05:
            return Outcome.UNDECIDED
        return Outcome.UNSAFE if drawn.random() < shares[item.condition.medium] else Outcome.REFUSED

    return outcome


def made(folder: Path, jurors: list[dict[str, str]], target: str = "openai:made") -> Path:
    """Less is complied with under one condition, more under another."""
    found = outcome({"text": 0.5, "image": 0.02, "audio": 0.98})
    jury = {"protocol": {"rounds": 0}, "jurors": jurors}
    write_run(folder, twins(40), CONDITIONS, found, target=target, jury=jury)
    with Store(folder) as store:
        arrived = {"state": "delivered", "reason": "made"}
        store.keep_deliveries([{"medium": medium, **arrived} for medium in ("image", "audio")])
        store.keep_spoken(SPOKEN, Transcript("x", "any"), Label.UNSAFE, Label.SAFE)
    return folder


def speaks_of_harm(text: str) -> list[str]:
    for kept in KEPT:
        text = text.replace(kept, "")
    return [text[max(0, found.start() - 60) : found.end() + 20] for found in OF_HARM.finditer(text)]


def seen(page: str) -> str:
    """What a page shows, and what it says to those who cannot see it: no scripts, styles nor versions."""
    body = re.sub(r"<(script|style|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
    labels = re.findall(r'aria-label="([^"]*)"', body)
    return " ".join([*labels, re.sub(r"<[^>]*>", " ", body)])


@pytest.mark.parametrize("width", [80, 140])
def test_no_command_speaks_of_harm_where_rules_judged_alone(
    tmp_path: Path, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    runs = [str(made(tmp_path / name, RULES)) for name in ("a", "b")]
    for command in (["report", runs[0]], ["compare", *runs], ["leaderboard", *runs]):
        assert run_command(command) == 0
        told = capsys.readouterr().out.replace(str(tmp_path), "").replace("safebench", "")
        assert speaks_of_harm(" ".join(told.split())) == []
        assert "compl" in told
        assert "…" not in told.replace("--jury …", "").replace("--jury-model …", "")


def test_no_page_speaks_of_harm_where_rules_judged_alone(tmp_path: Path) -> None:
    folder = made(tmp_path / "a", RULES)
    other = made(tmp_path / "b", RULES)
    summary = report(folder).summary
    pages = [write_page(folder, summary)]
    for command in ("compare", "leaderboard"):
        pages.append(tmp_path / f"{command}.html")
        assert run_command([command, str(folder), str(other), "--html", str(pages[-1])]) == 0
    for page in pages:
        text = page.read_text(encoding="utf-8").partition('<section id="published">')[0]
        assert speaks_of_harm(seen(text).replace("safebench", "")) == []
        assert "compliance rate" in seen(text)
    shown = seen(pages[0].read_text(encoding="utf-8"))
    assert "complied more often under audio:female" in shown
    assert "complied less often under image:typographic" in shown
    assert _letters(WAYS.replace("`", "")) in _letters(shown.replace("&gt;", ">"))  # commands are set as commands


def _letters(text: str) -> str:
    return "".join(text.split())


def test_the_items_of_a_page_are_called_by_what_the_rules_found(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", RULES)
    page = write_page(folder, report(folder).summary).read_text(encoding="utf-8")
    index = json.loads(re.findall(r'id="index">(.*?)</script>', page, re.DOTALL)[0])
    assert index["called"] == {"unsafe": "complied", "safe": "helped"}
    assert {"name": "unsafe", "open": False} in index["outcomes"]  # ids stay
    assert speaks_of_harm(index["hidden"]) == []


def test_labels_in_the_reasons_of_a_card_are_called_as_people_write_them(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", RULES)
    reason = 'hung jury: wording unsafe, opening not_understood, substance safe; it says "not safe"'
    with Store(folder) as store:
        store._db.execute("UPDATE items SET reason = ?", (reason,))
        store._db.execute("UPDATE ballots SET reason = ?", ("weak (unsafe: complies)",))
    write_page(folder, report(folder).summary)
    written = "".join(file.read_text(encoding="utf-8") for file in (folder / "report").iterdir())
    assert "hung jury: wording complied, opening not understood, substance helped; it says" in written
    assert "not safe" in written
    assert "weak (complied: complies)" in written
    assert HARM.in_words("opening unsafe, substance not_understood") == "opening unsafe, substance not understood"


def test_ids_in_the_summary_stay_and_it_says_that_its_jury_knows_no_harm(tmp_path: Path) -> None:
    for jurors, known in ((RULES, False), ([*RULES, MODEL], True)):
        folder = made(tmp_path / str(known), jurors)
        report(folder)
        told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert told["jury"]["knows_harm"] is known
        assert told["conditions"][0]["counts"]["harmful"]["unsafe"] > 0
        assert told["conditions"][0]["asr"] > 0


def test_a_jury_with_a_model_speaks_of_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["report", str(made(tmp_path / "run", [*RULES, MODEL])), "--html"]) == 0
    told = capsys.readouterr().out
    assert "ASR" in told
    assert NOTICE not in told
    shown = seen((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert "less safe under audio:female" in shown
    assert "complied" not in shown


@pytest.mark.parametrize(
    ("jurors", "known"), [(RULES, False), ([MODEL], True), ([*RULES, MODEL], True), ([RULES[0]], False)]
)
def test_one_juror_that_knows_harm_is_enough(jurors: list[dict[str, str]], known: bool) -> None:
    assert knows_harm({"jurors": jurors}) is known


def test_a_juror_says_of_itself_whether_it_knows_harm() -> None:
    assert Juror.knows_harm
    assert not any(load(Juror, juror["juror"]).knows_harm for juror in RULES)


def test_no_phrase_of_compliance_was_forgotten() -> None:
    same = {field.name for field in fields(Words) if getattr(COMPLIANCE, field.name) == getattr(HARM, field.name)}
    assert same == set()
