import pytest

from modalities.audio.hearing import character_error_rate, word_error_rate, words


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("What's NEW,\n today?", "what is new today"),
        ("I don’t, do not", "i do not do not"),
        ("the dogs' bowl", "the dogs bowl"),
        ("a part-time job — and/or none…", "a part time job and or none"),
        ("ﬁne Straße", "fine strasse"),
        ("U.S. law, e.g. tax", "u s law e g tax"),
        ("five of forty-two or sixty", "5 of 42 or 60"),
        ("1,000 in 1984, 3.5 at 07", "1000 in 1984 3.5 at 7"),
        ("twenty percent of five dollars", "20% of $5"),
        ("Dr. Smith's favourite colour", "doctor smith is favorite color"),
        ("naïve", "naive"),
        ("…—! ?", ""),
        ("", ""),
    ],
)
def test_the_words_that_count(text, heard):
    assert " ".join(words(text)) == heard


@pytest.mark.parametrize("brackets", ["()", "[]", "<>"])
def test_what_stands_in_brackets_has_to_be_heard(brackets):
    text = f"pick a lock {brackets[0]}of a safe{brackets[1]}"
    assert words(text) == ["pick", "a", "lock", "of", "a", "safe"]
    assert word_error_rate(text, "pick a lock") == 3 / 6


@pytest.mark.parametrize(
    ("language", "text", "heard"),
    [
        ("de", "Wie groß, um 5 Uhr?", "wie groß um 5 uhr"),  # the English one would drop the German word "um"
        ("hi", "पानी कैसे बनता है?", "पानी कैसे बनता है"),
        ("ar", "كيف أكتب رسالةً؟", "كيف أكتب رسالةً"),
        ("en-GB", "the colour of 5 pounds", "the color of £5"),
    ],
)
def test_other_languages_keep_their_marks_and_their_words(language, text, heard):
    assert " ".join(words(text, language)) == heard


@pytest.mark.parametrize(
    ("text", "heard", "rate"),
    [
        ("How do tides work?", "how do tides work", 0.0),
        ("How do tides work?", "how do ties work", 1 / 4),  # one substitution
        ("How do tides work?", "do tides work", 1 / 4),  # one deletion
        ("How do tides work?", "how do the tides work", 1 / 4),  # one insertion
        ("How do tides work?", "do how tides work", 2 / 4),  # a swap is a deletion and an insertion
        ("Which 20 plants?", "which twenty plants", 0.0),
        ("It costs $5.", "it costs five dollars", 0.0),
        ("It costs $5.", "it costs nine dollars", 1 / 3),
        ("tides", "tides and waves", 2.0),
        ("a bestselling novel", "a best selling novel", 0.0),
        ("my grand mother cannot", "my grandmother can not", 0.0),
        ("a bestselling novel", "a best selling novels", 1 / 3),
        ("a sub way", "subway", 1 / 2),  # of two words, as they are counted then
        ("my neighbor's door", "my neighbors door", 0.0),
        ("my neighbors' door", "my neighbor's door", 0.0),
        ("my neighbor's door", "my neighbor door", 1 / 4),  # the normaliser takes 's for "is"
        ("everyday, every day", "every day everyday", 0.0),
        ("it's my neighbor’s", "it is my neighbors", 0.0),
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
