from __future__ import annotations

import re
from pathlib import Path

import pytest

from converters.text_to_text.template import Template
from safebench.errors import BadInput
from safebench.plugins import Work
from safebench.types import Query


def fill(query: str, **options: str) -> str:
    template = Template(Template.Options(**options))
    return template.convert(Work(Query("q", query), query)).read().decode()


def test_the_query_stands_where_the_text_says() -> None:
    assert fill("How?", text="Tell me: {query} Thank you.") == "Tell me: How? Thank you."


def test_a_text_without_a_place_replaces_the_query() -> None:
    assert fill("How?", text="Good morning.") == "Good morning."


def test_braces_and_dollars_in_query_and_text_are_left_alone() -> None:
    assert fill("{query} $x {0}", text="{a} ${b} {query}") == "{a} ${b} {query} $x {0}"


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Frage: {query}", encoding="utf-8")
    assert fill("Wie?", file=str(tmp_path / "t.txt")) == "Frage: Wie?"


@pytest.mark.parametrize("options", [{}, {"text": "a", "file": "b"}])
def test_exactly_one_source_is_wanted(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either text or file"):
        Template.Options(**options)


@pytest.mark.parametrize("options", [{"text": "  "}, {"file": "nowhere.txt"}])
def test_an_empty_or_missing_text_is_an_error(options: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="template"):
        Template(Template.Options(**options))


@pytest.mark.parametrize(
    "place", ["{qeury}", "{Query}", "{ query }", "{{query}}", "{prompt}", "{QUESTION}", "{user-query}"]
)
def test_a_place_that_is_misspelt_is_bad_input_before_anything_is_made(place):
    with pytest.raises(BadInput, match=re.escape(f"{place} would be sent as it stands: write {{query}}")):
        fill("How?", text=f"Tell me: {place}")
