import re

import pytest

from converters.text_to_image.drawing import shaping
from converters.text_to_image.drawing.glyphs import font_path
from converters.text_to_image.drawing.writing import writable
from safebench.errors import ConversionError

FONT = font_path("DejaVuSans")


@pytest.mark.parametrize("text", ["plain", "naïve café", "Привет, мир", "Καλημέρα", "x² ≤ 3 €", "□", "a_b~^`|"])
def test_what_the_font_has_is_kept(text):
    assert writable(text, FONT) == [text]


def test_white_space_of_every_kind_is_one_space():
    assert writable("\ta\r\n b\u00a0\u2003c\u3000", FONT) == ["a b c"]


def test_composed_and_decomposed_letters_are_the_same_text():
    assert writable("cafe\u0301", FONT) == ["café"]


def test_break_hints_that_no_reader_sees_are_left_out():
    assert writable("\ufeffsoft\u00adhy\u200bphen\u2060", FONT) == ["softhyphen"]


UNSEEN = "\u200e\u200f\u061c\ufe0e\ufe0f\u2061\u2064\u2066\u2069\u202a\u202c\u180e\u034f\U000e0101"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_no_reader_sees_is_left_out(unseen):
    assert writable(f"I ❤{unseen} it{unseen}", FONT) == ["I ❤ it"]


@pytest.mark.skipif(not shaping.available(), reason="this Pillow has no libraqm with FriBidi")
def test_marks_of_direction_stay_beside_letters_that_are_placed_by_them():
    assert writable("שלום C++\u200e\ufe0f", FONT) == ["שלום C++\u200e"]


def test_line_breaks_of_word_processors_are_white_space():
    assert writable("a\vb\fc\x85d\u2028e", FONT) == ["a b c d e"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\U000e0041b", r"U\+E0041 TAG LATIN CAPITAL LETTER A: control characters"),
        ("a\ufffab", r"U\+FFFA INTERLINEAR ANNOTATION SEPARATOR: control characters"),
        ("a中b", r"'中' U\+4E2D CJK UNIFIED IDEOGRAPH-4E2D: the font .* lacks them; name another one with `font`"),
        ("ok 🧨", r"U\+1F9E8 FIRECRACKER: the font"),
        ("a\x07b", r"U\+0007 .*control characters"),
        ("a\u202eb", r"U\+202E RIGHT-TO-LEFT OVERRIDE: control characters"),
        ("a\ud800", r"U\+D800"),
        ("नमस्ते", r"U\+092E DEVANAGARI LETTER MA.*: the font"),
        ("\u2800", r"U\+2800 BRAILLE PATTERN BLANK"),
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200b", "empty"),
        ("a" * 2001, r"2001 characters.*at most 2000"),
    ],
)
def test_what_cannot_be_drawn_faithfully_is_refused_by_name(text, named):
    with pytest.raises(ConversionError, match=named):
        writable(text, FONT)


def test_lines_are_kept_where_they_are_wanted():
    assert writable("One \r\n\n two\tthree\r four ", FONT, keep_lines=True) == ["One", "two three", "four"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("שלום", "U+05D5 HEBREW LETTER VAV"),
        ("x\u030c", "U+030C COMBINING CARON"),
        ("नमक", "U+0915 DEVANAGARI LETTER KA"),
        ("٤٢", "U+0662 ARABIC-INDIC DIGIT TWO"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
    ],
)
def test_without_libraqm_what_needs_shaping_is_refused_and_never_drawn_unshaped(monkeypatch, text, named):
    monkeypatch.setattr(shaping, "available", lambda: False)
    with pytest.raises(ConversionError, match=f"{re.escape(named)}.*need shaping.*libraqm.*install"):
        writable(text, FONT)
    assert writable("Привет, naïve Καλημέρα", FONT)


@pytest.mark.skipif(not shaping.available(), reason="this Pillow has no libraqm with FriBidi")
@pytest.mark.parametrize("text", ["שלום", "مرحبا", "x\u030c", "می\u200cخواهم"])
def test_with_libraqm_what_needs_shaping_is_kept(text):
    assert writable(text, FONT) == [text]


def test_many_bad_characters_are_counted():
    with pytest.raises(ConversionError, match="and 3 more"):
        writable("一二三四五六七八", FONT)
