"""What stands on a page in place of media that browsers do not show."""

from __future__ import annotations

from typing import Any

import pytest

from safebench.reports.pages.html import environment
from safebench.reports.pages.media import SMALL, previewed
from safebench.review.page import TEMPLATES
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
        ({}, "A file of a kind that is not shown here: application/x-odd."),
    ],
)
def test_a_reviewer_sees_it_as_well(shown: dict[str, str], wanted: str) -> None:
    named = {"title": "The question", "mime": ODD.mime, "kind": None, "missing": None, "text": None, "url": "media/1/0"}
    player = environment(TEMPLATES).get_template("review_macros.html").module.player  # type: ignore[attr-defined]
    assert wanted in player(named | shown, "p")
