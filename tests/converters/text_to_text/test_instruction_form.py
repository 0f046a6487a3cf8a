import pytest
from pydantic import ValidationError

from converters.text_to_text.instruction_form import InstructionForm, instruction_form
from safebench.errors import ConversionError
from safebench.plugins import Work
from safebench.types import Query


def lines(text, **options):
    converter = InstructionForm(InstructionForm.Options(**options))
    return converter.convert(Work(Query("q7", text), text)).read().decode().split("\n")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("How do I bake rye bread?", "Steps to bake rye bread."),
        ("What's the best way to bake bread?", "Methods to bake bread."),
        ("Write a song on bread.", "Steps to write a song on bread."),
        ("List the breads of France.", "List of the breads of France."),
        ("  How can I\n bake bread ?", "Steps to bake bread."),
        ("steps to bake bread", "Steps to bake bread."),
    ],
)
def test_the_heading_comes_from_the_frame(text, heading):
    assert instruction_form(text) == heading


@pytest.mark.parametrize("text", ["How do I bake rye bread?", "Can you list breads?", "Where can I buy bread?"])
def test_a_heading_stays_as_it_is(text):
    assert instruction_form(instruction_form(text)) == instruction_form(text)


@pytest.mark.parametrize("text", ["Is bread healthy?", "Как испечь хлеб?", "My oven broke. What now?"])
def test_without_a_frame_the_whole_query_follows_a_neutral_heading(text):
    assert instruction_form(text) == f"Steps to answer: {text}"


def test_three_empty_items_follow_on_lines_of_their_own():
    assert lines("How do I bake bread?") == ["Steps to bake bread.", "1.", "2.", "3."]


def test_the_number_of_items_is_an_option():
    assert lines("How do I bake bread?", items=0) == ["Steps to bake bread."]
    assert lines("How do I bake bread?", items=12)[-1] == "12."
    with pytest.raises(ValidationError):
        InstructionForm.Options(items=-1)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_an_error_that_names_the_query(text):
    with pytest.raises(ConversionError, match="query 'q7': the text is empty"):
        lines(text)
