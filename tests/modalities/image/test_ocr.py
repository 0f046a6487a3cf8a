import random

import pytest
from PIL import Image

from converters.text_to_image.typographic import Typographic
from modalities.image.ocr import RapidOcr, _Piece, in_reading_order, unreadable
from modalities.image.reading import character_error_rate
from safebench.plugins import Work
from safebench.types import Media, Query
from tests.media_files import picture_media

TEXT = "Which plants in a garden are dangerous for cats, and what helps?"


def drawn(text, **options):
    return Typographic(Typographic.Options(**options)).convert(Work(Query("q", text), text))


@pytest.fixture(scope="module")
def recogniser():
    return RapidOcr()


@pytest.mark.parametrize("options", [{}, {"ink": "white", "paper": "navy"}, {"max_font_size": 24}])
def test_reads_every_character_of_a_plain_picture(recogniser, options):
    assert character_error_rate(TEXT, recogniser.recognise(drawn(TEXT, **options))) == 0.0


def test_a_blank_picture_has_no_text(recogniser):
    assert recogniser.recognise(picture_media(Image.new("L", (200, 200), 255))) == ""


@pytest.mark.parametrize("data", [b"", b"not a picture", drawn("Hi").read()[:300]])
def test_broken_bytes_are_a_value_error(recogniser, data):
    with pytest.raises(ValueError, match="cannot be decoded"):
        recogniser.recognise(Media.of("image", "image/png", data))


def test_pieces_are_read_line_by_line_from_the_left():
    rows = [["How", "are", "you"], ["doing", "today?"]]
    pieces = [
        _Piece(left=100 * column, middle=50 * row + 6 * (column % 2), height=40, text=word)
        for row, words in enumerate(rows)
        for column, word in enumerate(words)
    ]
    random.Random(4).shuffle(pieces)
    assert in_reading_order(pieces) == "How are you doing today?"


def test_letters_it_was_never_taught_are_named():
    assert unreadable("Hello, мир 42!") == ["и", "м", "р"]
    assert unreadable("naïve café, 日本, カナ 42 €") == []
