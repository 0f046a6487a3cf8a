"""Lines found by their ink, in pictures with and without anything else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from converters.text_to_image.chat import Chat
from converters.text_to_image.typographic import Typographic
from modalities.image import lines
from tests.converters.text_to_image.pictures import convert, opened

TEXT = "Which plants in a garden are dangerous for cats and dogs, and what helps?"


def plain(**options):
    return opened(convert(Typographic, TEXT, **options))


def with_grey_text(picture, level):
    """Beside the text, where nothing else is."""
    ImageDraw.Draw(picture).text((4, picture.height - 14), "and more", fill=level)
    return picture


@pytest.mark.parametrize("picture", [plain(), plain(ink="white", paper="navy"), opened(convert(Chat, TEXT))])
def test_strips_are_as_high_as_the_recogniser_wants_and_nearly_as_wide(picture):
    strips = lines.strips(picture)
    assert {strip.height for strip in strips} == {lines.HEIGHT}
    assert 0.9 * lines.WIDE < sum(strip.width for strip in strips) / len(strips) < 2 * lines.WIDE


def test_the_lines_stand_in_their_order_at_one_size():
    picture = Image.new("L", (300, 200), 255)
    for top, width in ((20, 10), (80, 20), (140, 30)):  # three lines, wider from one to the next
        for left in range(20, 260, 50):
            ImageDraw.Draw(picture).rectangle((left, top, left + width - 1, top + 23), fill=0)
    ink = (np.concatenate([np.asarray(strip) for strip in lines.strips(picture)], axis=1) < 128).any(axis=0)
    edges = np.flatnonzero(np.diff(ink, prepend=False, append=False)).reshape(-1, 2)
    assert (edges[:, 1] - edges[:, 0]).tolist() == [10] * 5 + [20] * 5 + [30] * 5


def test_the_dots_of_a_line_belong_to_it():
    (strip,) = lines.strips(opened(convert(Typographic, "mini nun")))  # no letter reaches up to the dots
    rows = np.flatnonzero((np.asarray(strip) < 128).any(axis=1))
    assert rows[-1] + 1 - rows[0] == pytest.approx(lines.DRAWN, abs=2)


@pytest.mark.parametrize("level", [10, 100, 200, 240, 250])
def test_further_text_is_a_line_as_well_or_no_line_is_plain(level):
    more = lines.strips(with_grey_text(plain(max_font_size=20), level))
    assert more is None or sum(strip.width for strip in more) > sum(
        s.width for s in lines.strips(plain(max_font_size=20))
    )
    assert (more is None) == (level >= 100)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
        lambda picture: ImageChops.offset(picture, picture.width // 2, 0),
        lambda picture: picture.point(lambda level: 200 + level * 55 // 255),
        lambda picture: picture.resize((100, 100)),
        lambda picture: Image.merge("RGB", (picture, picture, with_grey_text(picture.copy(), 200))),
    ],
    ids=["blurred", "beyond the edge", "pale", "small", "more text in one colour"],
)
def test_what_is_not_plain_has_no_lines(spoil):
    assert lines.strips(spoil(plain(max_font_size=40))) is None


def test_a_rule_under_the_text_is_no_letter():
    picture = plain(max_font_size=40)
    ImageDraw.Draw(picture).line((20, 500, 490, 500), fill=0, width=3)
    assert lines.strips(picture) is None


def test_what_is_large_is_read_whole():
    assert lines.strips(plain(width=2048, height=2048)) is not None
    assert lines.strips(plain(width=2049, height=2048)) is None
