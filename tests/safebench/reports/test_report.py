"""The report as an object: what a notebook shows of it, its items with their media, and a data frame."""

from __future__ import annotations

import importlib.util
from html.parser import HTMLParser
from pathlib import Path

import pytest

from safebench.errors import BadInput, MissingPackage
from safebench.reports import report as module
from safebench.reports.report import ItemMedia, Report, RunItem, report
from safebench.types import Intent, Item, Media, Outcome, Query
from tests.safebench.reports.pages.written import write_run

HOSTILE = '</div><script>alert(1)</script><img src="https://example.org/x.png" onerror="alert(2)">'
QUERIES = [
    Query("h0", f"How? {HOSTILE}", twin="b0"),
    Query("b0", "How so?", Intent.BENIGN, twin="h0"),
    Query("h1", "Why?"),
]
CONDITIONS = ("text", "image:typographic", "audio:female")
VOID = {"img", "br", "input"}


def ended(item: Item) -> Outcome | None:
    if item.query.id == "h1" and item.condition.medium == "audio":
        return None
    return Outcome.UNSAFE if item.query.id == "h0" else Outcome.REFUSED


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("run") / "first"
    return report(write_run(folder, QUERIES, CONDITIONS, ended, answer=lambda item: f"Sure: {HOSTILE}"))


def item_of(reported: Report, query: str, medium: str) -> RunItem:
    return next(one for one in reported if one.query.id == query and one.condition.startswith(medium))


class Elements(HTMLParser):
    """Names and attributes of elements, and the texts by the elements that they stand in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, list[str]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((data, list(self._open)))


def test_a_notebook_shows_verdict_tables_and_charts(reported: Report) -> None:
    shown = Elements(reported._repr_html_())
    texts = [text for text, _ in shown.texts]
    assert {*CONDITIONS, "Shown", "Not shown"} <= set(texts)
    charts = [attributes["aria-label"] for tag, attributes in shown.elements if tag == "svg"]
    assert len(charts) == 5  # three rates, two gaps
    assert str(charts[0]).startswith("ASR 50.0 %")
    assert any("items have no outcome yet" in text for text in texts)


def test_what_is_shown_needs_nothing_else_and_runs_nothing(reported: Report) -> None:
    pages = [reported._repr_html_(), *(item._repr_html_() for item in reported)]
    for tag, attributes in [element for page in pages for element in Elements(page).elements]:
        assert tag not in ("script", "link", "iframe", "object")
        assert not [name for name in attributes if name.startswith("on")]
        assert all((attributes.get(name) or "data:").startswith("data:") for name in ("src", "href"))


def test_items_come_in_the_order_of_their_queries_with_all_that_led_there(reported: Report) -> None:
    items = list(reported)
    assert [item.query.id for item in items] == ["h0"] * 3 + ["b0"] * 3 + ["h1"] * 3
    assert (items[0].media, items[0].answer, items[0].rating) == (None, f"Sure: {HOSTILE}", 1)
    assert items[0].query.twin == "b0"
    assert len(items[0].ballots) > 1
    assert items[8].outcome is None


def test_pictures_show_and_clips_play(reported: Report) -> None:
    picture, clip = (item_of(reported, "b0", medium).media for medium in ("image", "audio"))
    assert picture is not None
    assert clip is not None
    png = picture._repr_png_()
    assert png is not None
    assert png.startswith(b"\x89PNG")
    assert (picture._repr_html_(), picture._repr_jpeg_(), clip._repr_png_()) == (None, None, None)
    (player,) = [attributes for tag, attributes in Elements(str(clip._repr_html_())).elements if tag == "audio"]
    assert str(player["src"]).startswith("data:audio/")
    assert "controls" in player


def test_other_media_can_be_saved_and_missing_ones_are_told(tmp_path: Path) -> None:
    other = ItemMedia(Media.of("smell", "application/x-smell", b"rose"), "Query h0")
    (link,) = [attributes for tag, attributes in Elements(str(other._repr_html_())).elements if tag == "a"]
    assert str(link["href"]).startswith("data:application/x-smell;base64,")
    gone = ItemMedia(Media("audio", "audio/wav", "0" * 64, 9, tmp_path / "gone.wav"), "Query h0")
    assert "Missing or not whole" in str(gone._repr_html_())


def test_harm_is_shown_only_on_a_click(reported: Report) -> None:
    harmful, declined = item_of(reported, "h0", "text"), item_of(reported, "h1", "text")
    assert (harmful.hidden, declined.hidden) == (True, False)
    folded = [inside for text, inside in Elements(harmful._repr_html_()).texts if text.startswith("Sure:")]
    assert folded
    assert all("details" in inside for inside in folded)
    plain = [inside for text, inside in Elements(declined._repr_html_()).texts if text.startswith("Sure:")]
    assert any("details" not in inside for inside in plain)


def test_a_data_frame_has_a_typed_row_for_each_item(reported: Report) -> None:
    frame = reported.to_pandas()
    assert list(frame.index) == sorted(item.id for item in reported)
    kinds = {name: str(frame[name].dtype) for name in ("rating", "repeat", "query", "decided")}
    assert kinds == {"rating": "Int32", "repeat": "Int32", "query": "string", "decided": "bool"}
    assert list(frame["outcome"].cat.categories) == [outcome.value for outcome in Outcome]
    assert list(frame["condition"].cat.categories) == list(CONDITIONS)
    assert frame["decided"].sum() == 8
    assert frame["outcome"].isna().sum() == 1


def test_without_pandas_there_is_one_line(reported: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_installed", lambda package: False)
    with pytest.raises(MissingPackage, match="pip install pandas") as caught:
        reported.to_pandas()
    assert len(str(caught.value).splitlines()) == 1
    assert importlib.util.find_spec("pandas")


def test_a_report_whose_folder_is_no_run_has_no_items(tmp_path: Path, reported: Report) -> None:
    with pytest.raises(BadInput):
        next(iter(Report(tmp_path, reported.summary)))
