"""Lines found by their ink, in pictures with and without anything else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from converters.text_to_image.chat import Chat
from converters.text_to_image.typographic import Typographic
from modalities.image import lines
from modalities.image.pieces import Pieces, total
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
    assert {strip.picture.height for strip in strips} == {lines.HEIGHT}
    assert 0.9 * lines.WIDE < sum(strip.picture.width for strip in strips) / len(strips) < 2 * lines.WIDE


def test_the_lines_stand_in_their_order_at_one_size():
    picture = Image.new("L", (300, 200), 255)
    for top, width in ((20, 10), (80, 20), (140, 30)):  # three lines, wider from one to the next
        for left in range(20, 260, 50):
            ImageDraw.Draw(picture).rectangle((left, top, left + width - 1, top + 23), fill=0)
    ink = (np.concatenate([np.asarray(strip.picture) for strip in lines.strips(picture)], axis=1) < 128).any(axis=0)
    edges = np.flatnonzero(np.diff(ink, prepend=False, append=False)).reshape(-1, 2)
    assert (edges[:, 1] - edges[:, 0]).tolist() == [10] * 5 + [20] * 5 + [30] * 5


def test_a_strip_tells_the_pieces_that_its_text_was_drawn_in():
    strips = lines.strips(plain())
    assert sum((np.array(strip.pieces) for strip in strips), np.zeros(3)).tolist() == [59, 4, 26]


def test_dots_belong_to_the_line_that_they_stand_on():
    text = "NO. TWO in a row is swum in"  # the dots of its second line are rows of ink of their own
    drawn = opened(convert(Typographic, text, max_font_size=60))
    assert total([strip.pieces for strip in lines.strips(drawn)]).are_of(text)


@pytest.mark.parametrize(("top", "plain"), [(112, True), (104, False)])  # with what is below it a line, or more
def test_what_stands_higher_than_a_dot_is_small_type(top, plain):
    picture = Image.new("L", (300, 200), 255)
    for first, last, right in ((20, 53, 40), (top, top + 4, 24), (120, 143, 40)):
        ImageDraw.Draw(picture).rectangle((20, first, right, last), fill=0)
    assert (lines.strips(picture) is not None) == plain


@pytest.mark.parametrize(("width", "hollow", "plain"), [(5, False, True), (9, False, False), (5, True, False)])
def test_what_is_wide_or_hollow_is_no_dot(width, hollow, plain):
    picture = Image.new("L", (300, 200), 255)
    for top, bottom in ((20, 53), (120, 143)):
        ImageDraw.Draw(picture).rectangle((20, top, 40, bottom), fill=0)
    ImageDraw.Draw(picture).rectangle((20, 112, 19 + width, 116), fill=0)
    if hollow:
        ImageDraw.Draw(picture).rectangle((21, 113, 23, 115), fill=255)
    assert (lines.strips(picture) is not None) == plain


def test_small_letters_that_could_be_read_as_quotation_marks_are_no_text():
    assert not Pieces(2, 2, 0).are_of('h"l')
    assert Pieces(2, 1, 0).are_of("h'l")


@pytest.mark.parametrize("level", [10, 100, 200, 240, 250])
def test_further_text_of_any_level_is_seen(level):
    assert lines.strips(with_grey_text(plain(max_font_size=20), level)) is None


@pytest.mark.parametrize(("size", "place"), [(11, (20, 300)), (18, (25, 152)), (10, (430, 30)), (14, (20, 490))])
def test_small_text_is_told_by_its_pieces_or_no_line_is_plain(size, place):
    picture = plain(max_font_size=40)
    ImageDraw.Draw(picture).text(place, "but do not", fill=0, font=ImageFont.load_default(size))
    strips = lines.strips(picture)
    assert strips is None or not total([strip.pieces for strip in strips]).are_of(TEXT)


def test_a_line_of_smaller_type_is_not_plain():
    assert lines.strips(opened(convert(Typographic, "mini nun", max_font_size=40))) is None  # the dots are as low


@pytest.mark.parametrize("size", [(2000, 2000), (4000, 1000)])
def test_type_that_is_small_once_the_picture_is_made_smaller_is_not_plain(size):
    large = Image.new("L", size, 255)
    large.paste(plain(max_font_size=18), (100, 100))
    assert lines.strips(plain(max_font_size=18)) is not None
    assert lines.strips(large) is None


@pytest.mark.parametrize("thick", [1, 3])
def test_lines_in_a_frame_are_plain_and_text_at_the_frame_is_seen(thick):
    picture = plain(max_font_size=40)
    ImageDraw.Draw(picture).rectangle((8, 8, 503, 503), outline=180, width=thick)
    assert lines.strips(picture) is not None
    ImageDraw.Draw(picture).text((60, 492), "but do not", fill=180, font=ImageFont.load_default(16))
    assert lines.strips(picture) is None


def test_nothing_may_fade_in_slowly():
    slow = Image.linear_gradient("L").resize((512, 512)).point(lambda level: 155 + level * 100 // 255)
    assert lines.strips(ImageChops.darker(plain(max_font_size=40), slow)) is None


def test_nothing_may_stand_in_the_ink():
    picture = Image.new("L", (900, 500), 255)
    pen = ImageDraw.Draw(picture)
    for left in (100, 400):
        pen.rectangle((left, 100, left + 200, 400), fill=0)
    assert [tuple(strip.pieces) for strip in lines.strips(picture)] == [(2, 0, 0)]
    pen.text((120, 200), "grey", fill=80, font=ImageFont.load_default(40))
    assert lines.strips(picture) is None


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
