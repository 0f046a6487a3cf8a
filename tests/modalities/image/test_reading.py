import pytest

from modalities.image.reading import character_error_rate, normalise


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("What's NEW,\n today?", "whatsnewtoday"),
        ("ﬁne ② half-time", "fine2halftime"),
        ("Straße", "strasse"),
        ("2 + 2 = 4 €", "2+2=4€"),
        ("naïve", "naïve"),
        ("…—!", ""),
        ("I ❤\ufe0f\u200e it", "i❤it"),
    ],
)
def test_case_white_space_and_punctuation_do_not_count(text, folded):
    assert normalise(text) == folded


@pytest.mark.parametrize(
    ("text", "recognised", "rate"),
    [
        ("kitten", "sitting", 3 / 6),  # two substitutions, one insertion
        ("abcd efgh", "abcd", 4 / 8),  # four deletions of eight characters
        ("How are you?", "how areyou", 0.0),
        ("ab", "abxyz", 3 / 2),
        ("word", "", 1.0),
        ("???", "", 1.0),
        ("?!", "? !", 0.0),
    ],
)
def test_error_rates_computed_by_hand(text, recognised, rate):
    assert character_error_rate(text, recognised) == pytest.approx(rate)
