import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.text_to_text.key_phrase import THING, KeyPhrase, point_at_picture
from safebench.datasets.load import load_dataset
from safebench.errors import ConversionError
from safebench.plugins import Work
from safebench.types import Query


@pytest.mark.parametrize(
    ("text", "phrase", "rephrased"),
    [
        ("How do I bake rye bread?", "rye bread", f"How do I bake {THING}?"),
        ("How do I bake a rye bread at home?", "rye bread", f"How do I bake {THING} at home?"),
        ("How can I slice and toast my dark bread?", "dark bread", f"How can I slice and toast {THING}?"),
        ("How can I secretly bake bread?", "bread", f"How can I secretly bake {THING}?"),
        ("How do you look after the roses?", "roses", f"How do you look after {THING}?"),
        ("How can I raise the yield of a field?", "yield of a field", f"How can I raise {THING}?"),
        ("How do I wash pots and pans?", "pots and pans", f"How do I wash {THING}?"),
        ("How can I ask others to water my plants?", "plants", f"How can I ask others to water {THING}?"),
        ("What are the best ways to feed a cat?", "cat", f"What are the best ways to feed {THING}?"),
        ("Can you list breads from France?", "breads", f"Can you list {THING} from France?"),
        ("Can you guide me on baking bread?", "bread", f"Can you guide me on baking {THING}?"),
        ("Write a song on a cat's garden.", "song", f"Write {THING} on a cat's garden."),
        ("Do I have a cold?", "cold", f"Do I have {THING}?"),
        ("Which bakers sell dark rye bread?", "dark rye bread", f"Which bakers sell {THING}?"),
        ("The cat is ill.", "cat", f"{THING.capitalize()} is ill."),
        ("How do I feed a cat so that the cat is well?", "cat", f"How do I feed {THING} so that {THING} is well?"),
    ],
)
def test_the_phrase_is_named_and_the_query_points_at_it(text, phrase, rephrased):
    assert point_at_picture(text) == (phrase, rephrased)


def test_a_verb_without_an_object_is_the_phrase():
    assert point_at_picture("How can I relax?").phrase == "relax"


@pytest.mark.parametrize("text", ["", " ", "Who are you?", "???", "How do I?"])
def test_a_text_without_a_content_word_is_an_error(text):
    with pytest.raises(ConversionError, match="no content word"):
        point_at_picture(text)


@pytest.mark.parametrize("text", ["Bread!", "the rye bread", "麵包"])
def test_a_text_that_is_all_phrase_is_an_error(text):
    with pytest.raises(ConversionError, match="no word is left to ask with"):
        point_at_picture(text)


@pytest.mark.parametrize("query", load_dataset("starter").queries, ids=lambda query: query.id)
def test_the_phrase_is_in_the_query_and_no_more_in_the_rephrased_one(query):
    phrase, rephrased = point_at_picture(query.text)
    assert phrase in query.text
    assert THING in rephrased[0].lower() + rephrased[1:]
    assert not re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", rephrased.replace(THING, ""), re.IGNORECASE)


@given(st.text(max_size=300))
def test_any_text_has_a_key_phrase_or_an_error(text):
    try:
        phrase, rephrased = point_at_picture(text)
    except ConversionError:
        return
    assert phrase
    assert phrase in " ".join(text.split())
    assert THING in rephrased[0].lower() + rephrased[1:]


def test_the_step_gives_the_phrase_and_notes_what_is_written_beside_it():
    text = "How do I bake rye bread?"
    work = Work(Query("q7", text), text)
    assert KeyPhrase().convert(work).read() == b"rye bread"
    assert work.notes.written == f"How do I bake {THING}?"


def test_its_errors_name_the_query():
    step = KeyPhrase()
    with pytest.raises(ConversionError, match="query 'q7': "):
        step.convert(Work(Query("q7", "Who?"), "Who?"))
