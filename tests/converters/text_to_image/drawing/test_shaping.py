import pytest

from converters.text_to_image.drawing.shaping import clusters, direction, is_needed


@pytest.mark.parametrize(
    "text", ["naïve café", "Привет", "Καλημέρα", "Հայ", "ქართული", "中文かなカナ한글", "x² ≤ 3 € — “ok”", "ﬁ ª º"]
)
def test_letters_that_stand_one_by_one_need_no_shaping(text):
    assert [character for character in text if is_needed(character)] == []
    assert direction(text) is None


@pytest.mark.parametrize(
    "text", ["ش", "ש", "ن", "٤", "\u030c", "क", "ก", "ក", "က", "ཀ", "ᠮ", "ᄀ", "\U00011013", "\u200d"]
)
def test_all_others_do(text):
    assert is_needed(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("שלום abc", "rtl"),
        ("abc שלום", "ltr"),
        ("12 (مرحبا", "rtl"),
        ("नमस्ते", "ltr"),
        ("\u030c", "ltr"),
        ("abc 12", None),
    ],
)
def test_the_direction_is_that_of_the_first_letter_that_has_one(text, expected):
    assert direction(text) == expected


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("x\u030cyz", ["x\u030c", "y", "z"]),
        ("מים", ["מ", "י", "ם"]),
        ("مرحبا", ["مرحبا"]),
        ("بَيت!", ["بَيت", "!"]),
        ("नमस्ते", ["न", "म", "स्ते"]),
        ("क्\u200dषा", ["क्\u200dषा"]),
        ("ไทย", ["ไท", "ย"]),
        ("น้ำใจ", ["น้ำ", "ใจ"]),
        ("", [""]),
    ],
)
def test_a_word_is_cut_between_clusters_only(word, parts):
    assert clusters(word) == parts
