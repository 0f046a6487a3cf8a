from modalities.text import TextModality
from safebench.plugins import Asking, Checking
from safebench.types import Media, Query, Text

QUERY = Query("q1", "How do tides work?")


def test_the_message_is_the_querys_text():
    assert TextModality().compose(Asking(QUERY, None, with_text=False)) == (Text("How do tides work?"),)


def test_nothing_is_rendered_so_nothing_can_fail():
    modality = TextModality()
    checked = modality.check(Checking(QUERY, Media.of("text", "text/plain", b""), {}, lambda *_: ""))
    assert (modality.medium, modality.default_recipe, checked.status) == ("text", None, "passed")
