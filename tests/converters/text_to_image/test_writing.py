import pytest

from converters.text_to_image.glyphs import font_path
from converters.text_to_image.writing import writable
from safebench.errors import ConversionError

FONT = font_path(None)


@pytest.mark.parametrize("text", ["plain", "naïve café", "Привет, мир", "Καλημέρα", "x² ≤ 3 €", "□", "a_b~^`|"])
def test_what_the_font_has_is_kept(text):
    assert writable(text, FONT) == text


def test_white_space_of_every_kind_is_one_space():
    assert writable("\ta\r\n b\u00a0\u2003c\u3000", FONT) == "a b c"


def test_composed_and_decomposed_letters_are_the_same_text():
    assert writable("cafe\u0301", FONT) == "café"


def test_break_hints_that_no_reader_sees_are_left_out():
    assert writable("\ufeffsoft\u00adhy\u200bphen\u2060", FONT) == "softhyphen"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a中b", r"'中' U\+4E2D CJK UNIFIED IDEOGRAPH-4E2D: the font .* lacks them; name another one with `font`"),
        ("ok 🧨", r"U\+1F9E8 FIRECRACKER: the font"),
        ("a\x07b", r"U\+0007 .*control characters"),
        ("a\u202eb", r"U\+202E RIGHT-TO-LEFT OVERRIDE: control characters"),
        ("a\ud800", r"U\+D800"),
        ("שלום", r"U\+05D5 HEBREW LETTER VAV.*right-to-left"),
        ("x\u030c", r"U\+030C COMBINING CARON.*combining"),
        ("नमस्ते", r"U\+094D DEVANAGARI SIGN VIRAMA"),
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


def test_many_bad_characters_are_counted():
    with pytest.raises(ConversionError, match="and 3 more"):
        writable("一二三四五六七八", FONT)
