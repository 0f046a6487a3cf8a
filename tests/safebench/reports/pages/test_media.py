"""What stands on a page in place of media that browsers do not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.reports.pages.html import environment
from safebench.reports.pages.media import SMALL, Shelf, previewed
from safebench.review.page import TEMPLATES
from safebench.store.store import Store
from safebench.types import Media

ODD = Media.of("audio", "application/x-odd", b"odd")
PICTURE = Media.of("image", "image/png", b"a picture")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("some words", {"text": "some words"}),
        (PICTURE, {"kind": "image", "url": PICTURE.data_uri()}),
        (None, {}),
        (Media.of("page", "text/html", b"<script>"), {}),
        (Media.of("image", "image/png", bytes(SMALL + 1)), {}),
    ],
)
def test_a_modality_gives_a_text_or_something_small_that_browsers_show(
    shown: Any, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modalities.audio.AudioModality.preview", lambda self, media: shown)
    assert previewed(ODD) == told


def test_broken_media_and_those_of_no_modality_here_are_named_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, media: Media) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("modalities.audio.AudioModality.preview", fail)
    assert previewed(ODD) == {}
    assert previewed(Media.of("smell", "application/x-odd", b"odd")) == {}


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ({"text": "<b>words</b>"}, "&lt;b&gt;words&lt;/b&gt;"),
        ({"kind": "image", "url": PICTURE.data_uri()}, f'<img src="{PICTURE.data_uri()}"'),
        (
            {},
            'not shown here: <a href="media/1/0" download>download it (application/x-odd)</a>.',
        ),
    ],
)
def test_a_reviewer_sees_it_as_well(shown: dict[str, str], wanted: str) -> None:
    named = {"title": "The question", "mime": ODD.mime, "kind": None, "missing": None, "text": None, "url": "media/1/0"}
    player = environment(TEMPLATES).get_template("review_macros.html").module.player  # type: ignore[attr-defined]
    assert wanted in player(named | shown, "p")


@pytest.mark.parametrize(
    ("mime", "link"),
    [
        ("application/pdf", "media/"),
        ("application/x-odd", "media/"),
        ("text/html", None),
        ("application/xhtml+xml", None),
    ],
)
def test_what_is_not_shown_can_be_saved_unless_a_browser_might_run_it(
    mime: str, link: str | None, tmp_path: Path
) -> None:
    with Store(tmp_path) as store:
        media = store.keep(Media.of("page", mime, b"content"))
        beside, inside = Shelf(store).show(media.reference()), Shelf(store, 1000).show(media.reference())
    assert str(beside["link"]).startswith(str(link))
    assert str(inside["link"]).startswith("data:application/octet-stream;base64," if link else "None")
    assert beside["kind"] is None
