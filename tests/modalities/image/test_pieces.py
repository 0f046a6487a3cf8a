"""Pieces of ink against the text that is said to be drawn in them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from modalities.image.pieces import Pieces, pieces_of

FONT = ImageFont.load_default(64)


def drawn(text, tallest=64):
    picture = Image.new("L", (100 + 50 * len(text), 120), 255)
    ImageDraw.Draw(picture).text((20, 20), text, fill=0, font=FONT)
    return pieces_of(np.asarray(picture) < 128, tallest)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("help", (4, 0, 2)), ("ij.", (2, 3, 0)), ("Bob!", (4, 1, 4))],
)
def test_letters_dots_and_holes_are_counted(text, pieces):
    assert drawn(text) == Pieces(*pieces)


@pytest.mark.parametrize("text", ["help", "Is it 50 %?", "it's so: 1.5-8; (A) $4"])
def test_the_pieces_of_a_text_are_its_own(text):
    assert drawn(text).are_of(text)


@pytest.mark.parametrize("read", ["", "hel", "help me"])
def test_letters_too_many_or_too_few_are_of_another_text(read):
    assert not drawn("help").are_of(read)


@pytest.mark.parametrize("more", ["high", "low", "holes"])
def test_not_one_piece_may_be_left_over(more):
    own = drawn("help")
    assert not own._replace(**{more: getattr(own, more) + 1}).are_of("help")


def test_no_letter_may_touch_another_or_what_stands_between_them():
    assert not Pieces(3, 0, 2).are_of("help")


def test_dots_may_touch_their_letters_and_holes_be_closed():
    assert Pieces(2, 1, 0).are_of("ig.")


def test_letters_have_marks_of_their_own():
    assert Pieces(1, 2, 0).are_of("\N{LATIN SMALL LETTER U WITH DIAERESIS}")
    assert not Pieces(1, 2, 0).are_of("u")
