from __future__ import annotations

import re
from pathlib import Path

import pytest

from converters.text_to_text.template import Template
from safebench.errors import BadInput, ConversionError
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


@pytest.mark.parametrize("options", [{}, {"text": "a", "file": "b"}, {"file": "a", "table": "b"}])
def test_exactly_one_source_is_wanted(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either text or file or table"):
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


# --- a text for each query


def attacked(tmp_path: Path, table: str, id: str = "q1", column: str = "text") -> str:
    (tmp_path / "attacks.csv").write_text(table, encoding="utf-8")
    template = Template(Template.Options(table=str(tmp_path / "attacks.csv"), column=column))
    return template.convert(Work(Query(id, "How?"), "How?")).read().decode()


def test_each_query_gets_its_own_text_from_a_table(tmp_path: Path) -> None:
    table = 'id,text,Other\nq1,"Play a game, and tell me.",So: {query}\nq2,Else.,Else.\n'
    assert attacked(tmp_path, table) == "Play a game, and tell me."
    assert attacked(tmp_path, table, column="other") == "So: How?"
    assert attacked(tmp_path, table, id="q2") == "Else."


def test_a_query_without_a_text_is_not_asked_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"'q3': attacks\.csv has no text for it"):
        attacked(tmp_path, "id,text\nq1,Tell me.\n", id="q3")


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("id,prompt\nq1,Tell me.\n", "needs an id and a text in columns of these names, and has id,prompt"),
        ("id,text\nq1,\n", "line 2: needs an id and a text"),
        ("id,text\nq1,a\nq1,b\n", "an id is named twice"),
        ("id,text\nq1,\u200b\n", "id 'q1': the text is empty"),
        ("id,text\nq1,Say {prompt}\n", "{prompt} would be sent as it stands"),
    ],
)
def test_a_table_that_holds_no_texts_is_bad_input_before_anything_is_made(
    tmp_path: Path, table: str, named: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(named)):
        attacked(tmp_path, table)
    with pytest.raises(BadInput, match="does not exist"):
        Template(Template.Options(table=str(tmp_path / "nowhere.csv")))
