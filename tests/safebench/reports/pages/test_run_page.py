from __future__ import annotations

import importlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.reports.pages.html import sentence
from safebench.reports.pages.items import is_hidden
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.reports.words import NOTICE
from safebench.store.store import Store
from safebench.types import Ballot, Intent, Item, Label, Outcome, Query, Transcript
from tests.browser import Browser
from tests.safebench.recorded import record
from tests.safebench.reports.pages.written import RULES_ALONE, SECONDS, write_run

CONDITIONS = ["text", "image:typographic", "audio:female"]
HOSTILE = Path(__file__).parents[2] / "jury" / "hostile.jsonl"
HARM = "ANSWER-OF-THE-TARGET"


def queries(count: int) -> list[Query]:
    made = []
    for n in range(count):
        scenario = ("fraudulent_activities", "hate_speech")[n % 2]
        made += [
            Query(f"h{n}", f"harmful question {n}", scenario=scenario, twin=f"b{n}"),
            Query(f"b{n}", f"benign question {n}", Intent.BENIGN, scenario, f"h{n}"),
        ]
    return made


def outcome(item: Item) -> Outcome:
    drawn = random.Random(str(item.key)).random()
    if item.condition.medium == "audio" and drawn < 0.2:
        return Outcome.NOT_UNDERSTOOD
    answered = Outcome.UNSAFE if item.query.intent is Intent.HARMFUL else Outcome.SAFE
    return answered if drawn < 0.6 else Outcome.REFUSED


def page(folder: Path, **options: Any) -> Path:
    return write_page(folder, report(folder).summary, **options)


def normal(tmp_path: Path, count: int = 12) -> Path:
    def answer(item: Item) -> str:
        return f"{HARM} {item.query.id} {item.query.id[1:]}"

    return write_run(tmp_path / "run", queries(count), CONDITIONS, outcome, answer)


def statuses(browser: Browser) -> str:
    return browser.one("#status").text


def choose(browser: Browser, name: str, value: str, event: str = "input") -> None:
    browser.run(
        "const s = document.getElementById('f-' + arguments[0]); s.value = arguments[1];"
        " s.dispatchEvent(new Event(arguments[2], {bubbles: true}))",
        name,
        value,
        event,
    )


def test_wordings_are_shown_with_all_that_is_sent_and_with_no_more_than_is_known(tmp_path: Path) -> None:
    wordings = {"bare": {"text": "{query}"}, "attached": {"text": "Answer what is attached."},
                "two": {"text": "Please: {query}", "beside": "Please answer."}}  # fmt: skip
    conditions = ["text~bare", "text~two"]
    written = page(write_run(tmp_path / "run", queries(2), conditions, outcome, wording=wordings)).read_text("utf-8")
    rows = (
        "bare</th><td>{query}</td><td>–</td>",
        "attached</th><td>Answer what is attached.</td><td>Answer what is attached.</td>",
        "two</th><td>Please: {query}</td><td>Please answer.</td>",
    )
    assert all(row in written for row in rows)
    assert re.search(r"<p>text: .* from .* \(\w+\) to .* \(\w+\), of 2 wordings\.</p>", written)


def test_every_number_on_the_page_is_that_of_the_summary(tmp_path: Path, browser: Browser) -> None:
    folder = normal(tmp_path, 40)  # enough for evidence
    browser.open(page(folder))
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    seen = browser.run(
        "return [...document.querySelectorAll('data[data-field]')]"
        ".map(d => [d.dataset.condition, d.dataset.field, Number(d.value), d.textContent])"
    )
    shown = {(condition, field): value for condition, field, value, _ in seen}
    for cell in told["conditions"]:
        for name in ("asr", "asr_low", "asr_paper", "sri", "over_refusal"):
            assert shown.get((cell["condition"], name)) == cell[name]  # nothing stands where there is no number
        assert shown[cell["condition"], "not_understood"] == sum(cell["counts"][i]["not_understood"] for i in Intent)
    for row in told["gap"]["comparisons"]:
        assert shown[row["condition"], f"gap-decided-{row['intent']}"] == row["decided"]["difference"]
    texts = {(condition, field): text for condition, field, _, text in seen}
    assert texts["text", "asr"] == f"{100 * told['conditions'][0]['asr']:.1f} %"


def test_the_first_screen_has_the_sentence_the_charts_the_open_items_and_over_refusal(
    tmp_path: Path, browser: Browser
) -> None:
    browser.open(page(normal(tmp_path)))
    for css in (
        ".notice",
        "#verdict",
        "[aria-label='Chart: modality gap'] svg",
        "#rates ~ .chart svg",
        "#open",
        "#refusal",
    ):
        box = browser.run("const b = arguments[0].getBoundingClientRect(); return [b.top, b.height]", browser.one(css))
        assert 0 <= box[0] < 900
        assert box[1] > 0


def test_items_are_filtered_by_everything_at_once(tmp_path: Path, browser: Browser) -> None:
    browser.open(page(normal(tmp_path)))
    items = [Item(query, condition) for query in queries(12) for condition in _conditions()]
    assert statuses(browser) == "72 of 72 items"
    choose(browser, "outcome", "unsafe", "change")  # all that some browsers tell of a choice
    unsafe = [item for item in items if outcome(item) is Outcome.UNSAFE]
    assert statuses(browser) == f"{len(unsafe)} of 72 items"
    choose(browser, "condition", "2")
    spoken = [item for item in unsafe if item.condition.medium == "audio"]
    assert statuses(browser) == f"{len(spoken)} of 72 items"
    choose(browser, "outcome", "+open")
    still_open = [i for i in items if outcome(i) is Outcome.NOT_UNDERSTOOD]
    assert statuses(browser) == f"{len(still_open)} of 72 items"
    browser.one("button[type=reset]").click()
    browser.until("return document.getElementById('status').textContent === '72 of 72 items'")
    browser.one("#f-search").send_keys("HARMFUL question 11")
    assert statuses(browser) == "3 of 72 items"
    browser.one("#f-search").clear()
    choose(browser, "search", "")
    choose(browser, "jurors", "1")
    assert statuses(browser) == f"{sum(i.query.id == 'h0' and outcome(i).decided for i in items)} of 72 items"


def _conditions() -> list[Any]:
    from tests.safebench.recorded import condition

    return [condition(name) for name in CONDITIONS]


def test_the_list_is_paged(tmp_path: Path, browser: Browser) -> None:
    browser.open(page(normal(tmp_path)))
    assert len(browser.all("#list tbody tr")) == 50
    browser.one("#next").click()
    assert len(browser.all("#list tbody tr")) == 22
    assert not browser.one("#next").is_enabled()


@pytest.mark.parametrize("embed", [0, 5])
def test_an_item_plays_its_clip_and_shows_all_conditions_and_the_twin(
    tmp_path: Path, browser: Browser, embed: float
) -> None:
    written = page(normal(tmp_path), embed=embed)
    if embed:  # all is inside: the page goes alone
        written = written.rename(tmp_path / "alone.html")
    browser.open(written, "#item-3")
    browser.one(".card audio")
    duration = browser.until("return document.querySelector('.card audio').duration || null")
    assert duration == pytest.approx(SECONDS, abs=0.01)
    assert browser.until("return document.querySelector('.card img').naturalWidth") == 64
    assert [card.get_attribute("data-item") for card in browser.all(".card")] == list("123456")
    assert browser.all(".wave path")
    browser.run("document.querySelectorAll('.card details').forEach(d => d.open = true)")
    text = browser.one("#item-body").text
    for wanted in ("reason 1", "dissent", "harmful question 0", "benign question 0", '"role": "user"', "e3"):
        assert wanted in text


def test_the_keyboard_opens_walks_and_closes(tmp_path: Path, browser: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(page(normal(tmp_path)))
    browser.one("#list button").send_keys(Keys.ENTER)
    assert browser.one("#item-title").text == "Query h0"
    browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    browser.until("return document.getElementById('item-title').textContent === 'Query b0'")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    browser.until("return !document.getElementById('item').open")


def test_an_open_item_has_an_address_and_back_returns_to_the_list(tmp_path: Path, browser: Browser) -> None:
    written = page(normal(tmp_path))
    browser.open(written, "#items")
    browser.all("#list button")[6].click()
    browser.one(".card")
    assert browser.run("return location.hash") == "#item-7"
    assert browser.one("#item-link").get_attribute("href") == written.as_uri() + "#item-7"
    browser.one("#item-next").click()
    browser.until("return location.hash === '#item-10'")
    browser.driver.back()
    browser.until("return !document.getElementById('item').open")
    assert browser.run("return location.hash") == "#items"
    browser.open(written, "#item-7")
    assert browser.one(".card.chosen").get_attribute("data-item") == "7"


def test_an_answer_that_may_be_harmful_is_hidden_behind_a_click(tmp_path: Path, browser: Browser) -> None:
    folder = write_run(tmp_path / "run", queries(1)[:1], outcome=lambda item: Outcome.UNSAFE, answer=lambda item: HARM)
    browser.open(page(folder), "#item-1")
    card = browser.one(".card")
    assert HARM not in card.text
    next(s for s in browser.all(".card summary") if "may be harmful" in s.text).click()
    assert HARM in card.text


@pytest.mark.parametrize("ended", [Outcome.BLOCKED, Outcome.UNDECIDED, Outcome.NO_ANSWER, Outcome.NOT_RENDERED])
def test_what_no_jury_found_harmless_is_hidden_with_the_reason_that_may_quote_it(
    tmp_path: Path, browser: Browser, ended: Outcome
) -> None:
    folder = write_run(tmp_path / "run", queries(1)[:1], outcome=lambda item: ended, answer=lambda item: HARM)
    browser.open(page(folder), "#item-1")
    card = browser.one(".card")
    assert HARM not in card.text
    assert "why 1" not in card.text
    next(s for s in browser.all(".card summary") if s.text.startswith("Show")).click()
    assert "why 1" in card.text
    assert (HARM in card.text) == (ended is not Outcome.NOT_RENDERED)
    browser.open(page(folder, redact=True), "#item-1")
    assert "why 1" not in browser.one(".card").get_attribute("textContent")


HARMLESS = {"outcome": "refused", "transcript": None, "own_label": None}
SPOKEN = {"outcome": "refused", "transcript": "no", "own_label": "refused"}
VOTES = [Ballot("juror", 0, Label.REFUSED, 5), Ballot("juror", 1, Label.SAFE, 4)]
TOLD, SAID, BOTH = {"text": "no", "media": []}, {"text": "", "media": [1]}, {"text": "no", "media": [1]}


@pytest.mark.parametrize(
    ("row", "response", "ballots", "hidden"),
    [
        (HARMLESS, TOLD, VOTES, False),
        (HARMLESS | {"outcome": None}, None, [], True),
        (HARMLESS, TOLD, [*VOTES, Ballot("juror", 0, Label.UNSAFE, 1)], True),
        (HARMLESS, TOLD, [*VOTES, Ballot("juror", 0, Label.SAFE, 4, left_out=9)], True),
        (HARMLESS, BOTH, VOTES, True),  # nobody heard or saw what came with the text
        (SPOKEN | {"transcript": " "}, BOTH, VOTES, True),
        (SPOKEN, BOTH, VOTES, False),
        (SPOKEN | {"own_label": None}, SAID, VOTES, False),
        (SPOKEN | {"own_label": None}, BOTH, VOTES, True),  # no verdict on the text beside the sound
        (SPOKEN | {"own_label": "unsafe"}, BOTH, VOTES, True),
    ],
)
def test_an_answer_is_open_only_where_all_of_it_was_found_harmless(
    row: dict[str, Any], response: dict[str, Any] | None, ballots: list[Ballot], hidden: bool
) -> None:
    assert is_hidden(row, response, ballots) is hidden


def test_answers_are_searched_when_asked_for_also_those_in_other_parts(tmp_path: Path, browser: Browser) -> None:
    folder = normal(tmp_path, 45)  # three parts
    browser.open(page(folder))
    browser.one("#f-search").send_keys(f"{HARM.lower()} b44")
    assert statuses(browser) == "0 of 270 items"
    browser.one("#f-answers").click()
    browser.until("return document.getElementById('status').textContent === '3 of 270 items'")
    browser.one("#list button").click()
    assert len(browser.until("const c = document.querySelectorAll('.card'); return c.length === 6 && [...c]")) == 6
    (folder / "report" / "items-001.js").unlink()
    browser.open(folder / "report.html")
    browser.one("#f-answers").click()
    browser.until("return document.getElementById('status').textContent.includes('items-001.js is missing')")
    assert len(browser.all("#list tbody tr")) == 50
    assert "ERR_FILE_NOT_FOUND" in browser.complaints()[0]
    browser.open(page(folder, redact=True))
    assert not browser.all("#f-answers")


@pytest.mark.parametrize(("width", "beside"), [(1280, True), (390, False)])
def test_the_twin_stands_beside_its_query_where_there_is_room(
    tmp_path: Path, browser: Browser, width: int, beside: bool
) -> None:
    browser.resize(width, 844)
    browser.open(page(normal(tmp_path, 1)), "#item-1")
    browser.one(".card")
    boxes = browser.run(
        "return [...document.querySelectorAll('#item-body > section')].map(s => s.getBoundingClientRect().toJSON())"
    )
    own, twin = boxes
    assert (twin["top"] == own["top"], twin["left"] > own["right"]) == (beside, beside)
    assert (twin["top"] >= own["bottom"]) == (not beside)


def test_a_redacted_page_holds_nothing_that_was_said(tmp_path: Path, browser: Browser) -> None:
    folder = normal(tmp_path)
    page(folder)
    told = HARM.encode()
    assert any(told in file.read_bytes() for file in (folder / "report").iterdir())
    with Store(folder) as store:
        store.keep_spoken(1, Transcript(f"{HARM} as heard", "made"), None, None)
        (row,) = store.rows("SELECT rendering FROM items WHERE id = 2")
        read = json.dumps(
            {"status": "passed", "measures": {}, "recogniser": "made", "recognised": HARM, "reason": HARM}
        )
        change = "UPDATE renderings SET rendering = json_set(rendering, '$.fidelity', json(?)) WHERE key = ?"
        store._db.execute(change, (read, row["rendering"]))
        store._db.execute("UPDATE exchanges SET response = json_set(response, '$.thinking', ?)", (HARM,))
        give(store, HARM)
    written = page(folder, redact=True)
    assert not any(told in file.read_bytes() for file in [written, *(folder / "report").iterdir()])
    assert told not in page(folder, redact=True, embed=5).read_bytes()
    browser.open(page(folder, redact=True), "#item-1")
    browser.one(".card")
    assert "left out" in browser.one(".card").text


def give(store: Store, text: str) -> None:
    """As if all that was asked had been asked of a cascade that heard this."""
    given = json.dumps([{"text": text, "recogniser": "ear:small", "failure": None}])
    store._db.execute("UPDATE exchanges SET response = json_set(response, '$.given', json(?))", (given,))


def test_a_card_shows_what_the_target_was_given_in_the_place_of_media(tmp_path: Path, browser: Browser) -> None:
    folder = normal(tmp_path, 1)
    with Store(folder) as store:
        give(store, "How do eye bake bread?")
    browser.open(page(folder), "#item-1")
    browser.one(".card")
    assert "What the target was given in its place\nHow do eye bake bread?\near:small" in browser.one(".card").text


def test_the_name_of_a_file_that_is_not_shown_stays_in_its_card(tmp_path: Path, browser: Browser) -> None:
    folder = normal(tmp_path, 1)
    with Store(folder) as store:
        store._db.execute("UPDATE renderings SET rendering = json_set(rendering, '$.media.mime', 'application/x-odd')")
    browser.resize(390, 844)
    browser.open(page(folder), "#item-3")
    browser.one(".card")
    (name,) = [one for one in browser.all(".card.chosen > .meta") if "x-odd" in one.text]
    assert browser.run("return arguments[0].scrollWidth <= arguments[0].clientWidth", name)


def test_media_of_another_kind_are_shown_by_the_preview_of_their_modality(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    markup = "<img src=x onerror='window.hit = 1'>"
    folder = normal(tmp_path, 1)
    with Store(folder) as store:
        store._db.execute("UPDATE renderings SET rendering = json_set(rendering, '$.media.mime', 'application/x-odd')")
        for old in (folder / "media").glob("*/*.wav"):
            old.rename(store.media_path(old.stem, "application/x-odd"))
    monkeypatch.setattr("modalities.audio.AudioModality.preview", lambda self, media: markup, raising=False)
    browser.open(page(folder), "#item-3")
    browser.one(".card")
    assert markup in browser.one(".card.chosen [aria-label^='What was sent']").text
    assert "application/x-odd" in browser.one(".card.chosen").text
    assert browser.run("return typeof window.hit") == "undefined"


def hostile() -> list[str]:
    told = [json.loads(line)["answer"] for line in HOSTILE.read_text(encoding="utf-8").splitlines()]
    markup = (
        "</script><script>window.hit = 1</script>", "<img src=x onerror='window.hit = 1'>", "<!--<script>",
        "{{ 7 * 7 }} ${window.hit=1}", "<svg onload=window.hit=1>", "]]>\u2028window.hit=1//", "\ud800 lone",
        "</style><style>main { display: none }</style>", "<base href='https://example.com'>", "W" * 3000,
        "<meta http-equiv=refresh content='0;url=https://example.com'>", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙" * 200,
    )  # fmt: skip
    return [*told, *markup]


@pytest.mark.parametrize("embed", [0, 5])
def test_hostile_texts_run_no_script_and_break_no_layout(tmp_path: Path, browser: Browser, embed: float) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in hostile()]
    asked = [Query(f"q{n} {text[:60]}", text[:5000]) for n, text in enumerate(texts)]
    by_id = {query.id: text for query, text in zip(asked, texts, strict=True)}
    names = {"data": "</title><script>window.hit = 1</script>", "target": "reference:<img src=x onerror=hit()>"}
    folder = write_run(tmp_path / "run", asked, answer=lambda item: by_id[item.query.id], **names)
    browser.open(page(folder, embed=embed))
    for width in (1280, 390):
        browser.resize(width, 844)
        assert browser.run("const d = document.documentElement; return d.scrollWidth === d.clientWidth")
    for number, text in enumerate(texts, start=1):
        browser.run("location.hash = arguments[0]", f"item-{number}")
        browser.one(f".card[data-item='{number}']")
        assert browser.run("return document.querySelector('.answer')?.textContent ?? null") == (text or None)
        assert browser.run("const d = document.getElementById('item'); return d.scrollWidth <= d.clientWidth")
        assert not browser.all("#item-body script, #item-body img, #item-body svg, #item-body base")
    assert browser.run("return [typeof window.hit, location.protocol, document.scripts.length > 0]") == [
        "undefined", "file:", True,
    ]  # fmt: skip


def test_an_inline_script_of_others_would_not_run(tmp_path: Path, browser: Browser) -> None:
    written = page(write_run(tmp_path / "run", queries(1)))
    text = written.read_text(encoding="utf-8")
    written.write_text(text.replace("<main", "<script>window.hit = 1</script><main"), encoding="utf-8")
    browser.open(written)
    assert browser.run("return typeof window.hit") == "undefined"
    assert any("Content Security Policy" in line for line in browser.complaints())


@pytest.mark.parametrize(
    ("count", "ended", "says"),
    [
        (0, Outcome.REFUSED, "nothing about safety"),
        (1, Outcome.UNSAFE, "cannot be concluded: image:typographic: no comprehension probe was made"),
        (8, Outcome.NO_ANSWER, "nothing about safety"),
        (8, None, "nothing about safety"),
    ],
)
def test_empty_tiny_open_and_unfinished_runs_have_a_page(
    tmp_path: Path, browser: Browser, count: int, ended: Outcome | None, says: str
) -> None:
    folder = write_run(tmp_path / "run", queries(count)[::2], CONDITIONS[:2], lambda item: ended)
    browser.open(page(folder))
    assert says in browser.one("main").text
    assert statuses(browser) == f"{2 * count} of {2 * count} items"
    assert ("16 items have no outcome yet" in browser.one("header").text) == (ended is None)


def test_one_item(tmp_path: Path, browser: Browser) -> None:
    folder = write_run(tmp_path / "run", queries(1)[:1], outcome=lambda item: Outcome.UNSAFE)
    browser.open(page(folder))
    assert "says nothing about a change of modality" in browser.one("#verdict").text
    assert statuses(browser) == "1 of 1 items"


def test_20_000_items_open_and_answer_quickly(tmp_path: Path, browser: Browser) -> None:
    folder = record(tmp_path / "run", queries(5000), ["text", "audio:female"], outcome)
    written = page(folder)
    assert written.stat().st_size < 3_000_000
    browser.open(written)
    assert statuses(browser) == "20,000 of 20,000 items"
    took = browser.run(
        "const t = performance.now(); const s = document.getElementById('f-search'); s.value = 'question 4999';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); return performance.now() - t"
    )
    assert statuses(browser) == "4 of 20,000 items"
    assert took < 1000
    browser.one("#f-answers").click()
    browser.until("return document.getElementById('status').textContent === '4 of 20,000 items'")
    browser.one("#list button").click()
    assert len(browser.until("return [...document.querySelectorAll('.card')].length === 4 && 'four'")) == 4


def test_no_old_details_stay_when_a_page_is_written_again(tmp_path: Path) -> None:
    folder = normal(tmp_path)
    page(folder)
    (folder / "report" / "items-999.js").write_text("old")
    page(folder)
    assert [file.name for file in (folder / "report").iterdir()] == ["items-000.js"]


def test_the_command_writes_the_page_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", queries(1))
    assert run_command(["report", str(folder), "--html", "--embed", "1", "--redact"]) == 0
    assert "report.html" in "".join(capsys.readouterr().out.split())
    assert run_command(["report", str(folder), "--redact"]) == 2
    assert "--html" in capsys.readouterr().err


def test_a_log_of_inspect_has_no_page_which_is_said_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.eval").write_bytes(b"a log")
    assert run_command(["report", str(tmp_path / "run.eval"), "--html"]) == 2
    told = capsys.readouterr()
    assert (told.out, "--html needs the folder of a run" in " ".join(told.err.split())) == ("", True)
    assert [file.name for file in tmp_path.iterdir()] == ["run.eval"]


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "run", queries(1))
    monkeypatch.setattr("safebench.reports.pages.html.util.find_spec", lambda name: None)
    assert run_command(["report", str(folder), "--html"]) == 2
    assert "pip install 'safebench[pages]'" in capsys.readouterr().err
    assert importlib.import_module("jinja2"), "it is here, and was only said to be missing"
    assert not (folder / "report.html").exists()


def test_a_condition_without_a_decided_item_has_no_rate_on_the_page(tmp_path: Path) -> None:
    def none(item: Item) -> Outcome:
        return Outcome.NO_ANSWER if item.condition.medium == "audio" else Outcome.REFUSED

    written = page(write_run(tmp_path / "run", queries(6), CONDITIONS, none)).read_text(encoding="utf-8")
    fields = {
        name: f'data-field="{name}" data-condition="audio:female"' in written
        for name in ("asr", "asr_paper", "sri", "over_refusal")
    }
    assert fields == dict.fromkeys(fields, False)
    assert 'data-field="asr_paper" data-condition="text"' in written


def test_the_page_names_a_jury_that_does_not_know_harm_and_says_which_way_an_index_points(tmp_path: Path) -> None:
    told = {"target": "openai:made", "jury": RULES_ALONE}
    noted = f"<b>Note.</b> {sentence(NOTICE)}</p>"
    assert noted in page(write_run(tmp_path / "rules", queries(2), **told)).read_text(encoding="utf-8")
    written = page(write_run(tmp_path / "run", queries(2), target="openai:made")).read_text(encoding="utf-8")
    assert sentence(NOTICE) not in written
    assert "safety risk index" in written
    assert "100 is safest" in written
