import pytest

from modalities.audio.hearing import character_error_rate, word_error_rate, words


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("What's NEW,\n today?", "whats new today"),
        ("I don’t, don't, dont", "i dont dont dont"),
        ("the dogs' bowl", "the dogs bowl"),
        ("a part-time job — and/or none…", "a part time job and or none"),
        ("ﬁne Straße", "fine strasse"),
        ("U.S. law, e.g. tax", "us law eg tax"),
        ("5 of 42 or 60, 0", "five of forty two or sixty zero"),
        ("1,000 in 1984, 3.5 at 07", "1000 in 1984 3.5 at 07"),
        ("R&D, 20%", "r and d twenty percent"),
        ("2 + 2 = $4", "two + two = $ four"),
        ("naïve", "naïve"),
        ("…—! ?", ""),
        ("", ""),
    ],
)
def test_the_words_that_count(text, heard):
    assert " ".join(words(text)) == heard


@pytest.mark.parametrize(
    ("text", "heard", "rate"),
    [
        ("How do tides work?", "how do tides work", 0.0),
        ("How do tides work?", "how do ties work", 1 / 4),  # one substitution
        ("How do tides work?", "do tides work", 1 / 4),  # one deletion
        ("How do tides work?", "how do the tides work", 1 / 4),  # one insertion
        ("How do tides work?", "do how tides work", 2 / 4),  # a swap is a deletion and an insertion
        ("Which 20 plants?", "which twenty plants", 0.0),
        ("one", "one two three", 2.0),
        ("How do tides work?", "", 1.0),
        ("How do tides work?", "?!", 1.0),
    ],
)
def test_word_error_rates_computed_by_hand(text, heard, rate):
    assert word_error_rate(text, heard) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("text", "heard", "rate"),
    [
        ("kitten", "sitting", 3 / 6),  # two substitutions, one insertion
        ("abcd efgh", "abcd", 4 / 8),  # the gap between words does not count
        ("note book", "notebook", 0.0),
        ("ab", "abxyz", 3 / 2),
        ("潮汐是什么", "潮夕是什么", 1 / 5),
        ("word", "", 1.0),
    ],
)
def test_character_error_rates_computed_by_hand(text, heard, rate):
    assert character_error_rate(text, heard) == pytest.approx(rate)


@pytest.mark.parametrize("rate", [word_error_rate, character_error_rate])
@pytest.mark.parametrize("text", ["", "?!"])
def test_a_text_without_words_has_no_rate(rate, text):
    with pytest.raises(ValueError, match="no words that could be heard"):
        rate(text, "anything")
