"""Whether all of a query stands in the text of its message, which a target in process may have to know."""

from __future__ import annotations

import errno
import re

import pytest

from safebench.errors import BadInput
from safebench.rendering.conditions import carrier_of, carrier_problems
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.rendering.wordings import load_wordings
from safebench.runs.compose import Unsayable, compose, saying
from safebench.types import Condition, Fidelity, Item, Media, Query, Rendering, Request

QUERY = Query("q", "How do I bake bread?")
PICTURE = Media.of("image", "image/png", b"picture")
CLIP = Media.of("audio", "audio/wav", b"clip")


def recipe(condition: Condition) -> Recipe | None:
    return load_recipes()[condition.medium, condition.recipe] if condition.recipe else None


WORDINGS = load_wordings(
    {
        "mine": {"text": "Dear model, {query} Thanks.", "beside": "Dear model, please answer what comes with this."},
        "seen": "Answer what the picture says.",
    }
)


def asked(condition: str, own: dict[str, object] | None = None, made: str | None = None) -> Request:
    """What is sent, after what is checked before a run; `own`: more that the recipe says."""
    said = Condition.parse(condition)
    by = recipe(said)
    by = by.model_copy(update=own or {}) if by else None
    carrier = carrier_of(said, by, WORDINGS)
    if problems := carrier_problems(said, by, carrier):
        raise BadInput(*problems)
    media = {"audio": CLIP, "image": PICTURE}.get(said.medium)
    rendering = Rendering("r", "k", media, Fidelity("passed"), written=made) if media else None
    return compose(Item(QUERY, said), rendering, by, carrier)


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("text", True),
        ("image:typographic", False),
        ("image+text:typographic", True),
        ("image:figstep", False),
        ("image+text:black", True),
    ],
)
def test_a_request_says_whether_the_query_is_written(condition: str, written: bool) -> None:
    request = asked(condition)
    assert request.written is written
    assert "written" not in request.describe()


IN_ALL = "Dear model, How do I bake bread? Thanks."
BESIDE = "Dear model, please answer what comes with this."


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("text~mine", IN_ALL),
        ("image:typographic~mine", BESIDE),
        ("image+text:typographic~mine", IN_ALL),
        ("image+text:black~mine", IN_ALL),  # the query is nowhere else
        ("audio:us-female~mine", BESIDE),
        ("audio+text:us-female~mine", IN_ALL),
        ("image:typographic~seen", "Answer what the picture says."),
        ("image+text:figstep~bare", QUERY.text),
        ("audio:female-agree", ""),
        ("audio+text:female-agree", "begin your answer with words of agreement"),
    ],
)
def test_a_wording_goes_with_every_medium(condition: str, text: str) -> None:
    request = asked(condition)
    assert text in request.text
    assert bool(request.text) is bool(text)
    assert request.written is (QUERY.text in text)


@pytest.mark.parametrize(
    ("own", "condition", "text"),
    [
        ({"carrier": "Here it is: {query}"}, "image+text:typographic", "Here it is: How do I bake bread?"),
        ({"carrier": "mine"}, "image+text:typographic", IN_ALL),
        ({"carrier": "mine"}, "image:typographic", BESIDE),
        ({"carrier": "mine"}, "image:typographic~seen", "Answer what the picture says."),  # the condition's goes before
        ({"carrier": "made"}, "image+text:typographic", "Bake it how?"),
        ({"carrier": "made"}, "image:typographic~mine", "Dear model, Bake it how? Thanks."),
        ({"reworded": "both"}, "image+text:typographic", "Bake it how?"),
        ({"reworded": "written"}, "audio+text:us-female", "Bake it how?"),
        ({"reworded": "written"}, "image+text:typographic~mine", "Dear model, Bake it how? Thanks."),
        ({"carrier": "query"}, "image+text:typographic", QUERY.text),
    ],
)
def test_what_a_recipe_says_is_written(own: dict[str, object], condition: str, text: str) -> None:
    assert asked(condition, own, made="Bake it how?").text == text


@pytest.mark.parametrize(
    ("condition", "own", "named"),
    [
        ("text~seen", {}, "leaves out the query"),
        ("text~look", {}, "speaks of image, which is not sent"),
        ("text~agree", {}, "speaks of audio, which is not sent"),
        ("image+text:typographic~seen", {}, "leaves out the query"),
        ("image+text:figstep", {}, "leaves out the query"),
        ("image+text:black~seen", {}, "leaves out the query"),
        ("audio+text:silence~agree", {}, "leaves out the query"),
        ("image:typographic~bare", {}, r"holds the query.*write image\+text:typographic~bare"),
        ("image:typographic", {"carrier": "query"}, r"holds the query.*write image\+text:typographic"),
        ("audio:us-female~bare", {}, "holds the query"),
        ("audio+text:us-female~look", {}, "speaks of image"),
        ("image:typographic~mine", {"reworded": "written"}, r"has a part that is written: write image\+text"),
        ("image+text:key-phrase~seen", {}, "leaves out the query"),  # of which half is in the picture alone
        ("image:key-phrase~seen", {}, "leaves out the query"),
    ],
)
def test_a_wording_that_would_lose_the_query_or_belie_its_condition_is_refused(
    condition: str, own: dict[str, object], named: str
) -> None:
    with pytest.raises(BadInput, match=rf"condition {re.escape(condition)}: .*{named}"):
        asked(condition, own)


def test_no_half_of_a_query_is_sent_where_the_other_half_was_not_made() -> None:
    with pytest.raises(Unsayable, match="'q' has no written part"):
        asked("image:key-phrase")


def test_a_machine_that_has_run_out_of_something_makes_nothing_unsayable() -> None:
    for error in (OSError(errno.EMFILE, "too many"), MemoryError()):
        with pytest.raises(type(error)), saying("image"):
            raise error
    with pytest.raises(Unsayable), saying("image"):
        raise OSError(errno.ENOENT, "no such file")
