from modalities.text import TextModality
from safebench.plugins import Asking, Checking
from safebench.types import Media, Query, Text

QUERY = Query("q1", "How do tides work?")


def test_the_message_is_the_querys_text_or_what_a_recipe_wrote_of_it():
    assert TextModality().compose(Asking(QUERY, None, with_text=False)) == (Text("How do tides work?"),)
    written = Media.of("text", "text/plain", "Dear friend, wie geht’s?".encode())
    assert TextModality().compose(Asking(QUERY, written, with_text=False)) == (Text("Dear friend, wie geht’s?"),)


def test_text_is_what_it_is_unless_it_is_empty():
    def checked(data: bytes) -> str:
        return TextModality().check(Checking(QUERY, Media.of("text", "text/plain", data), {}, lambda *_: "")).status

    assert (TextModality.medium, TextModality.default_recipe) == ("text", None)
    assert checked(b"Anything.") == "passed"
    for nothing in (b"", b" \n", b"\0\0", "\u00a0\u200b".encode(), b"\xff\xfe"):
        assert checked(nothing) == "failed"
