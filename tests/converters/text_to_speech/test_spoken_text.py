import pytest

from converters.text_to_speech.spoken_text import refuse_unknown, speakable, without_silent_marks
from safebench.errors import ConversionError

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz ")


def test_a_mark_that_the_voice_does_not_know_keeps_the_words_apart():
    assert without_silent_marks("wash—fresh, fish", LETTERS.__contains__) == "wash fresh fish"


@pytest.mark.parametrize(("alphabet", "said"), [(LETTERS, "its"), (LETTERS | {"'"}, "it's")])
def test_a_curly_apostrophe_stays_within_its_word(alphabet, said):
    assert without_silent_marks("it’s", alphabet.__contains__) == said


def test_marks_that_the_voice_knows_are_kept():
    assert without_silent_marks("a, b", (LETTERS | {","}).__contains__) == "a, b"


@pytest.mark.parametrize("sign", "%&@#/<+5€ï中😀_")
def test_what_is_read_aloud_is_never_left_out_silently(sign):
    with pytest.raises(ConversionError, match=r"the voice does not know .* U\+.*would leave it out"):
        refuse_unknown([sign], "the voice")


def test_many_unknown_characters_are_counted():
    with pytest.raises(ConversionError, match="and 2 more"):
        refuse_unknown("0123456789", "the voice")


def test_marks_that_nobody_speaks_may_be_left_out():
    refuse_unknown("“”—…’ \n", "the voice")


def test_a_text_of_20000_characters_is_spoken_and_a_longer_one_is_refused():
    text = "wash " * 4000
    assert speakable(text) == text
    with pytest.raises(ConversionError, match="20001 characters, and at most 20000 can be spoken"):
        speakable(text + "a")
