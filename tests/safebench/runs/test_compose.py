"""Whether all of a query stands in the text of its message, which a target in process may have to know."""

from __future__ import annotations

import errno

import pytest

from safebench.rendering.recipes import Recipe, load_recipes
from safebench.runs.compose import Unsayable, compose, saying
from safebench.types import Condition, Fidelity, Item, Media, Query, Rendering

QUERY = Query("q", "How do I bake bread?")
PICTURE = Media.of("image", "image/png", b"picture")


def recipe(condition: Condition) -> Recipe | None:
    return load_recipes()[condition.medium, condition.recipe] if condition.recipe else None


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
    asked = Condition.parse(condition)
    rendering = Rendering("r", "k", PICTURE, Fidelity("passed")) if asked.medium != "text" else None
    request = compose(Item(QUERY, asked), rendering, recipe(asked))
    assert request.written is written
    assert "written" not in request.describe()


def test_a_machine_that_has_run_out_of_something_makes_nothing_unsayable() -> None:
    for error in (OSError(errno.EMFILE, "too many"), MemoryError()):
        with pytest.raises(type(error)), saying("image"):
            raise error
    with pytest.raises(Unsayable), saying("image"):
        raise OSError(errno.ENOENT, "no such file")
