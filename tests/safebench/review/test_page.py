"""The labelling page: what it shows and keeps, in a real browser, and whom it lets in."""

from __future__ import annotations

import csv
import http.client
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from safebench.cli.main import run_command
from safebench.review.loopback import Address, make_server
from safebench.review.page import review_app
from safebench.review.sample import take_sample
from safebench.review.session import Sessions
from safebench.store.store import Store
from safebench.types import Intent, Item, Label, Outcome, Query
from tests.browser import Browser
from tests.forked.server import forked
from tests.safebench.reports.pages.test_run_page import CONDITIONS, hostile, queries
from tests.safebench.reports.pages.written import SECONDS, write_run

ENDS = (Outcome.UNSAFE, Outcome.REFUSED, Outcome.SAFE)


def ended(item: Item) -> Outcome:
    return ENDS[sum(map(ord, item.query.id + str(item.condition))) % 3]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Twelve items: two harmful queries and their twins as text, pictures and clips."""
    names = {"target": "reference:TARGET-NAME"}
    return write_run(
        tmp_path / "run", queries(2), CONDITIONS, ended, lambda item: f"answer to {item.query.id}", **names
    )


@contextmanager
def served(run: Path, size: int = 100) -> Iterator[str]:
    """The address of the page, served from a thread."""
    with Store(run) as store:
        address = Address.bind()
        app = review_app(Sessions(store, take_sample(store, size).answers), address.token)
        server = make_server(app, address)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [address.socket]})
        thread.start()
        try:
            yield address.url
        finally:
            server.should_exit = True
            thread.join()


class Command:
    """`safebench review RUN` in a process of its own."""

    def __init__(self, run: Path, *options: str) -> None:
        words = forked("review", run, *options)
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.told = ""
        while not (found := re.search(r"http\S+", self.told)):
            line = self.process.stdout.readline()
            assert line, self.told
            self.told += line
        self.url = found[0]

    def end(self, how: signal.Signals) -> str:
        os.kill(self.process.pid, how)
        return self.told + self.process.communicate(timeout=30)[0]


def ask(url: str, form: Mapping[str, str] | None = None, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, headers and text of one request; a form goes as the page sends it unless `headers` say otherwise."""
    parts = urlsplit(url)
    sent = ({"Origin": f"http://{parts.netloc}"} if form is not None else {}) | headers
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request("GET" if form is None else "POST", path, urlencode(form) if form is not None else None, sent)
    response = connection.getresponse()
    found = response.status, response.headers, response.read().decode("utf-8", "replace")
    connection.close()
    return found


def next_item(url: str, reviewer: str) -> str:
    found = re.search(r'name="item" value="(\w+)"', ask(f"{url}item?reviewer={reviewer}")[2])
    assert found
    return found[1]


def give(url: str, reviewer: str, label: str) -> str:
    id = next_item(url, reviewer)
    assert ask(f"{url}item", {"reviewer": reviewer, "item": id, "do": f"label:{label}", "note": ""})[0] == 303
    return id


def key(browser: Browser, *keys: str) -> None:
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(*keys)


def label_by_key(browser: Browser, pressed: str) -> None:
    """On to the next page: the one that was open when the key was pressed is gone."""
    before = browser.one("[name=item]")
    if browser.all("#hidden"):
        key(browser, "a")
    key(browser, pressed)
    browser.gone(before)


def begin(browser: Browser, url: str, name: str) -> None:
    browser.visit(url)
    browser.one("#reviewer").send_keys(name, Keys.ENTER)
    browser.one("[name=item]")


def labels_of(run: Path, tmp_path: Path) -> dict[tuple[str, str], str]:
    assert run_command(["review", "labels", str(run), "--out", str(tmp_path / "labels.csv")]) == 0
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {(row["annotator"], row["item"]): row["label"] for row in csv.DictReader(file)}


# --- labelling


def test_two_reviewers_label_ten_answers_by_keyboard_and_the_export_has_them(
    run: Path, tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[tuple[str, str], str] = {}
    with served(run, 10) as url:
        for name, pressed in (("anna", "1234123412"), ("Ben & Söhne", "2222333344")):
            begin(browser, url, name)
            assert browser.one("h1").text == "Answer 1 of 10"
            for one in pressed:
                id = browser.one("[name=item]").get_attribute("value")
                given[name, str(id)] = list(Label)[int(one) - 1].value
                label_by_key(browser, one) if len(given) % 10 else finish(browser, one)
            assert "All 10 labelled" in browser.one("h1").text
        browser.one("a[href^=agreement]").click()
        table = browser.one("table").text
    assert len(given) == 20
    assert labels_of(run, tmp_path) == given
    assert "Ben & Söhne and anna 10" in table
    assert "anna and jury 10" in table
    assert re.search(r"anna – jury +10", capsys.readouterr().out)


def finish(browser: Browser, pressed: str) -> None:
    if browser.all("#hidden"):
        key(browser, "a")
    key(browser, pressed)
    browser.one("a[href^=agreement]")


def test_a_reviewer_is_told_what_jurors_are_told_and_no_more(run: Path) -> None:
    with served(run) as url:
        for _ in range(12):
            text = ask(f"{url}item?reviewer=anna")[2]
            shown = re.sub(
                r"(?s)<(style|script|fieldset|details(?! id)).*?</(style|script|fieldset|details)>", "", text
            )
            assert re.search(r"(harmful|benign) question \d", shown)
            assert "answer to " in shown
            assert not re.search(
                r"TARGET-NAME|reference|typographic|female|why \d|reason \d|dissent|juror|rating", shown
            )
            assert not re.search(r"\b(unsafe|refused|not_understood)\b", shown)
            give(url, "anna", "safe")
        assert ask(f"{url}agreement?reviewer=anna")[0] == 200
        assert ask(f"{url}agreement?reviewer=ben")[0] == 303  # not done


def test_every_answer_to_a_harmful_query_is_hidden_so_that_hiding_tells_nothing(run: Path) -> None:
    with served(run) as url:
        for _ in range(12):
            text = ask(f"{url}item?reviewer=anna")[2]
            assert ('<details id="hidden">' in text) == ("harmful question" in text)
            give(url, "anna", "safe")


def test_an_answer_that_was_not_looked_at_gets_no_label(run: Path, browser: Browser) -> None:
    with served(run) as url:
        begin(browser, url, "anna")
        while not browser.all("#hidden"):
            label_by_key(browser, "3")
        with_labels = browser.one("h1").text
        key(browser, "1")
        assert "Look at the answer first" in browser.one("#status").text
        assert browser.one("h1").text == with_labels
        key(browser, "a")
        assert "answer to h" in browser.one("#hidden .answer").text
        before = browser.one("[name=item]")
        key(browser, "1")
        browser.gone(before)


def test_undo_skip_and_note_by_keyboard(run: Path, browser: Browser) -> None:
    def now() -> str:
        return str(browser.one("[name=item]").get_attribute("value"))

    with served(run) as url:
        begin(browser, url, "anna")
        first = now()
        key(browser, "n")
        browser.driver.switch_to.active_element.send_keys("1 su?pect <b>", Keys.ESCAPE)  # keys that would do something
        label_by_key(browser, "2")
        with Store(run, readonly=True) as store:
            assert [list(labels.values()) for labels in store.reviews().values()] == [[Label.REFUSED]]
            assert list(store.reviews_by("anna").values()) == [(Label.REFUSED, "1 su?pect <b>")]
        assert "Saved: refused" in browser.one(".where").text
        second = now()
        label_by_key(browser, "s")
        third = now()
        label_by_key(browser, "u")
        assert now() == first
        assert browser.one("#note").get_attribute("value") == "1 su?pect <b>"
        with Store(run, readonly=True) as store:
            assert store.reviews() == {}
        label_by_key(browser, "5")
        assert now() == third
        for _ in range(10):
            label_by_key(browser, "5")
        assert now() == second  # skipped: it comes back at the end


def test_a_reviewer_hears_and_sees_the_question(run: Path, browser: Browser) -> None:
    seen = set()
    with served(run) as url:
        begin(browser, url, "anna")
        while len(seen) < 2:
            if browser.all(".media audio"):
                assert browser.until("return document.querySelector('audio').duration || null") == pytest.approx(
                    SECONDS, abs=0.01
                )
                key(browser, "p")
                browser.until("return document.querySelector('audio').played.length > 0")
                seen.add("audio")
            if browser.all(".media img"):
                assert browser.until("return document.querySelector('.media img').naturalWidth") == 64
                seen.add("image")
            label_by_key(browser, "3")
    assert seen == {"audio", "image"}


def test_lost_and_broken_files_are_told_and_never_an_empty_player(run: Path, browser: Browser) -> None:
    for clip in (run / "media").rglob("*.wav"):
        clip.unlink()
    for picture in (run / "media").rglob("*.png"):
        picture.write_bytes(b"no picture")
    lost = broken = False
    with served(run) as url:
        begin(browser, url, "anna")
        while not (lost and broken):
            if browser.all(".media"):
                told = browser.until("return document.querySelector('.media .notice')?.textContent")
                lost |= "The file is missing: media" in told
                broken |= "cannot show this file" in told
            assert not browser.all("audio, .media img")
            label_by_key(browser, "5")


def test_hostile_texts_run_no_script_and_break_no_layout(tmp_path: Path, browser: Browser) -> None:
    every = [text.encode("utf-8", "replace").decode() for text in hostile()]
    texts = ["\n".join(every[n : n + 5]) for n in range(0, len(every), 5)]
    asked = [Query(f"q{n}", text[:5000], Intent.BENIGN, scenario="bias") for n, text in enumerate(texts)]
    by_id = {query.id: text for query, text in zip(asked, texts, strict=True)}
    folder = tmp_path / "<img src=x onerror=hit()> run"
    write_run(folder, asked, outcome=lambda item: Outcome.SAFE, answer=lambda item: by_id[item.query.id])
    name = "<img src=x onerror='window.hit=1'>" + "W" * 60
    seen = []
    with served(folder) as url:
        begin(browser, url, name)
        for n in range(len(texts)):
            seen.append(browser.run("return document.querySelector('.answer').textContent"))
            assert fits(browser)
            assert not browser.all("main script, main img, main svg, main base, main iframe")
            assert browser.run("return typeof window.hit") == "undefined"
            label_by_key(browser, "3") if n < len(texts) - 1 else finish(browser, "3")
        browser.visit(url)
        assert name in browser.one(".people").text
        assert fits(browser)
    as_html = {"\r\n": "\n", "\r": "\n", "\0": "\ufffd"}
    for one, told in as_html.items():
        texts = [text.replace(one, told) for text in texts]
    assert sorted(seen) == sorted(texts)


def fits(browser: Browser) -> bool:
    """Whether nothing sticks out to the right, on a desk and on a phone."""
    found = []
    for width, height in ((390, 844), (1280, 900)):
        browser.resize(width, height)
        found.append(browser.run("const d = document.documentElement; return d.scrollWidth <= d.clientWidth"))
    return all(found)


# --- who is let in


def test_without_token_host_or_origin_nobody_is_let_in(run: Path) -> None:
    with served(run) as url:
        parts = urlsplit(url)
        base, port = f"http://{parts.netloc}/", parts.port
        assert ask(url)[0] == 200
        for wrong in (base, f"{base}x/", f"{base}item?reviewer=anna", url[:-2] + "/", f"{base}%C3%A9/item?reviewer=a"):
            assert ask(wrong)[0] == 403
        for host in (f"evil.example:{port}", f"localhost:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example"):
            assert ask(url, Host=host)[0] == 403
        form = {"reviewer": "anna", "item": next_item(url, "anna"), "do": "label:safe"}
        for origin in ("https://evil.example", "null", f"http://localhost:{port}", f"http://127.0.0.1:{port}0"):
            assert ask(f"{url}item", form, Origin=origin)[0] == 403
        assert ask(f"{base}x/item", form)[0] == 403
        with Store(run, readonly=True) as store:
            assert store.reviews() == {}
        assert ask(f"{url}item", form)[0] == 303
        assert ask(f"{url}item?reviewer=anna")[1]["location"] is None


def test_every_response_has_the_headers_that_keep_it_in(run: Path) -> None:
    with served(run) as url:
        while "<audio" not in (page := ask(f"{url}item?reviewer=anna")[2]):
            give(url, "anna", "safe")
        media = re.search(r'src="(media/.*?)"', page)
        assert media
        for address, status in ((url, 200), (url + media[1], 200), (f"{url}nothing", 404), (f"{url[:-3]}/", 403)):
            found, headers, _ = ask(address)
            assert found == status
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert "server" not in headers
        part = ask(url + media[1], Range="bytes=0-3")
        assert (part[0], part[1]["content-type"], part[2]) == (206, "audio/wav", "RIFF")
        for outside in ("media/../run.db", "media/nothing/0", re.sub(r"\d$", "7", media[1]), "media/%2e%2e%2frun.db/0"):
            assert ask(url + outside)[0] == 404


def test_what_the_page_does_not_send_is_refused_with_a_reason(run: Path) -> None:
    with served(run) as url:
        id = next_item(url, "anna")
        for changed, told in (
            ({"do": "label:fine"}, "nothing that this page does"),
            ({"do": ""}, "nothing that this page does"),
            ({"item": "a000"}, "no item of this sample"),
            ({"reviewer": "jury"}, "printable characters"),
            ({"reviewer": "a\nb"}, "printable characters"),
            ({"reviewer": "x" * 101}, "printable characters"),
            ({"reviewer": " "}, "printable characters"),
            ({"note": "x" * 70_000}, "shorten the note"),
        ):
            status, _, text = ask(f"{url}item", {"reviewer": "anna", "item": id, "do": "label:safe"} | changed)
            assert status == 400
            assert told in text
        assert ask(f"{url}item?reviewer=Jury")[0] == 400
        assert next_item(url, "anna") == id
        assert ask(f"{url}item", {"reviewer": "anna", "do": "undo"})[0] == 303  # nothing to take back: no harm


# --- the command


def test_kill_9_loses_no_label_and_the_next_start_goes_on_where_the_reviewer_was(run: Path) -> None:
    first = Command(run, "--sample", "8")
    given = [give(first.url, "anna", "refused") for _ in range(3)]
    wanted = next_item(first.url, "anna")
    first.end(signal.SIGKILL)
    again = Command(run, "--sample", "8")
    assert next_item(again.url, "anna") == wanted
    assert "Answer 4 of 8" in ask(f"{again.url}item?reviewer=anna")[2]
    assert ask(f"{again.url}item", {"reviewer": "anna", "do": "undo"})[0] == 303
    assert next_item(again.url, "anna") == given[-1]
    give(again.url, "anna", "safe")
    give(again.url, "ben", "safe")
    assert urlsplit(again.url).path != urlsplit(first.url).path
    told = again.end(signal.SIGINT)
    assert again.process.returncode == 0
    assert f"4 labels saved in {run}/run.db: anna 3, ben 1" in told
    assert f"safebench review {run} --sample 8 --seed 0" in told
    assert f"safebench review labels {run}" in told
    assert "Traceback" not in told


def test_a_one_item_run_is_labelled_and_done(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", queries(1)[:1])
    with served(folder) as url:
        assert "1 answer to label" in ask(url)[2]
        give(url, "anna", "refused")
        assert "All 1 labelled" in ask(f"{url}item?reviewer=anna")[2]
        assert "anna and jury" in ask(f"{url}agreement?reviewer=anna")[2]


def test_runs_with_nothing_to_label_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "empty", [])
    write_run(tmp_path / "open", queries(2), outcome=lambda item: Outcome.NO_ANSWER)
    (tmp_path / "folder").mkdir()
    for name, told in (
        ("empty", "no judged answers"), ("open", "no judged answers"), ("folder", "not a run folder"),
        ("nowhere", "not a run folder"),
    ):  # fmt: skip
        assert run_command(["review", str(tmp_path / name)]) == 2
        assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "nowhere").exists()
    assert not list((tmp_path / "folder").iterdir())


def test_a_run_in_progress_and_a_port_that_is_taken_are_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(run):
        assert run_command(["review", str(run)]) == 2
    assert "another process is working on" in " ".join(capsys.readouterr().err.split())
    taken = Address.bind()
    taken.socket.listen()
    assert run_command(["review", "--port", str(taken.socket.getsockname()[1]), str(run)]) == 2
    assert "leave it out" in " ".join(capsys.readouterr().err.split())
    taken.socket.close()


def test_missing_packages_are_named_with_the_command(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("safebench.reports.pages.html.util.find_spec", lambda name: None)
    assert run_command(["review", str(run)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "jinja2, starlette, uvicorn" in told
    assert "pip install 'safebench[pages]'" in told


def test_the_other_commands_keep_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["review", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(f" {name} " in told for name in ("serve", "export", "import", "labels"))
