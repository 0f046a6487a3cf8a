"""Wordings: what is one, what names them, and that every condition is asked under each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench import registry
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.plugins import PLACE
from safebench.rendering.conditions import carrier_of, carrier_problems, resolve_condition
from safebench.rendering.recipes import load_recipes
from safebench.rendering.wordings import Wordings, load_wordings, speaks_of
from safebench.resources import data_path
from safebench.runs.config import RunConfig, make_config
from safebench.types import Condition

SHIPPED = load_wordings()


@pytest.mark.parametrize("name", SHIPPED)
def test_each_of_ours_goes_with_some_condition_and_says_what_it_is_for(name: str) -> None:
    wording = SHIPPED[name]
    assert wording.description
    asked = [Condition(medium, with_text, wording=name) for medium in registry.media() for with_text in (False, True)]
    assert any(not _problems(condition) for condition in asked)


def _problems(condition: Condition, wordings: Wordings = SHIPPED) -> list[str]:
    return carrier_problems(condition, None, carrier_of(condition, None, wordings))


@pytest.mark.parametrize("name", ["request", "polite", "assistant", "brief"])
def test_what_is_said_to_be_for_every_medium_is(name: str) -> None:
    for text in ("text", "image", "image+text", "audio", "audio+text"):
        assert _problems(Condition.parse(f"{text}~{name}")) == []


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"x": ""}, "the text is empty"),
        ({"x": "\u200b"}, "the text is empty"),
        ({"x": "Say {question}."}, r"\{question\} would be sent as it stands"),
        ({"x": "Say {{query}}."}, r"\{\{query\}\} would be sent"),
        ({"x": "Say $query and ${text}."}, r"\$query would be sent.*\n.*\$\{text\} would be sent"),
        ({"x": "Say [query]."}, r"\[query\] would be sent"),
        ({"x": {"text": "Say {query}", "beside": "See {query}"}}, "beside = .* holds"),
        ({"x": {"text": "Say {query}", "besides": "See"}}, "did you mean beside"),
        ({"x": {"beside": "See."}}, "text"),
        ({"x": 3}, "neither a text nor a table"),
        ({"X y": "Say {query}"}, "is no name"),
        ({"query": "Say {query}"}, "is no name"),
        ({"own": "Say {query}"}, "is no name"),
    ],
)
def test_what_is_no_wording_is_refused(own: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_wordings(own)


def test_signs_that_are_no_places_are_sent_as_they_are() -> None:
    text = 'It costs $5. Answer as {"answer": …}, please: {query}'
    assert load_wordings({"json": text})["json"].text == text


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("Answer what the picture says.", ("image",)),
        ("Use the attached photos, and This short Clip.", ("audio", "image")),
        ("Picture this: a clip art image of audio equipment. {query}", ()),
        ("Text is the best.", ()),
    ],
)
def test_the_media_that_a_text_points_at_are_told_from_its_words(text: str, media: tuple[str, ...]) -> None:
    assert tuple(sorted(speaks_of(text))) == media


def test_a_table_says_which_media_its_text_speaks_of() -> None:
    tables = {
        "a": {"text": "Crop this picture: {query}", "media": []},
        "b": {"text": "看图：{query}", "media": ["image"]},
    }
    wordings = load_wordings(tables)
    assert _problems(Condition("text", wording="a"), wordings) == []
    assert "speaks of image" in _problems(Condition("text", wording="b"), wordings)[0]


# --- which are asked for


def asked(**values: Any) -> RunConfig:
    return make_config("test", data="starter", target="reference", out="runs/x", **values)


def test_every_condition_that_names_none_is_asked_under_each(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'formal = "Sir, {PLACE}"\n[warm]\ntext = "Friend, {PLACE}"\nbeside = "Friend, see here."\n')
    config = asked(conditions=["text", "image~look"], wordings=["own", "bare", f"short=So: {PLACE} a=b", str(file)])
    assert config.conditions == ("text~own", "text~bare", "text~short", "text~formal", "text~warm", "image~look")
    assert {name: load_wordings(config.wording)[name].text for name in config.wording} == {
        "short": f"So: {PLACE} a=b", "formal": f"Sir, {PLACE}", "warm": f"Friend, {PLACE}",
    }  # fmt: skip
    assert config.wordings == ()
    assert str(resolve_condition("text~own", load_recipes())) == "text"


@pytest.mark.parametrize("given", ["Please answer: {query}", "missing.toml", "=x", ""])
def test_another_form_of_a_wording_is_one_clear_line(given: str) -> None:
    with pytest.raises(BadInput, match=r"is not written NAME, NAME=TEXT or FILE\.toml|missing\.toml"):
        asked(conditions=["text"], wordings=[given])


def test_a_wording_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="unknown wording 'polit' in condition 'text~polit'; did you mean polite"):
        resolve_condition("text~polit", load_recipes())


def test_the_shipped_study_asks_all_its_wordings_under_each_condition() -> None:
    study = make_config("study", **read_toml(data_path("studies/wordings.toml")), target="reference", out="runs/x")
    asked = [str(resolve_condition(text, load_recipes())) for text in study.conditions]
    assert len(asked) == 10
    assert all(_problems(Condition.parse(text)) == [] for text in asked)
