from __future__ import annotations

import json
from typing import Any

import pytest

from converters.text_to_text.translate import Translate, read_translation
from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.models.roles import Declined, Unreadable
from safebench.plugins import Work
from safebench.testing.server import Reply, ScriptedServer, chat, error
from safebench.types import Query
from tests.fixture_types import Serve

QUERY = Query("q7", 'How do tides work? Say "moon".')


def told(translation: str) -> str:
    return json.dumps({"translation": translation}, ensure_ascii=False)


def translate(server: ScriptedServer, **options: Any) -> str:
    translator = {"model": "openai:tested", "base_url": server.url, "retries": 0}
    converter = Translate(Translate.Options(**{"translator": translator, "language": "German", **options}))
    made = converter.convert(Work(QUERY, QUERY.text))
    assert (made.medium, made.mime) == ("text", "text/plain")
    return made.read().decode("utf-8")


def test_the_query_comes_back_in_another_language(serve: Serve) -> None:
    server = serve(lambda call: chat("<think>Gezeiten</think>" + told("Wie entstehen Gezeiten?")))
    assert translate(server) == "Wie entstehen Gezeiten?"
    (call,) = server.calls
    assert '"German"' in call.text()
    assert json.dumps(QUERY.text) in call.text()  # with its quotes escaped: it cannot end the string
    assert call.body["response_format"]["json_schema"]["schema"]["required"] == ["translation"]


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        (chat("I'm sorry, but I can't translate that."), "the translator declined"),
        (chat(told("I'm sorry, but I can't help with that.")), "the translator declined"),
        (chat("Wie entstehen Gezeiten?"), "holds no translation"),
        (chat(told(" ")), "holds no translation"),
        (chat(""), "answered nothing"),
        (chat("x", finish="content_filter"), "the translator declined"),
        (error(500, "out of order"), "the translator failed"),
    ],
)
def test_what_is_no_translation_is_never_asked_with(serve: Serve, reply: Reply, named: str) -> None:
    with pytest.raises(ConversionError, match=rf"query 'q7'.*{named}"):
        translate(serve(lambda call: reply))


def test_a_translator_that_answers_nobody_stops_the_run(serve: Serve) -> None:
    with pytest.raises(TargetRefusesService, match="the translator"):
        translate(serve(lambda call: error(401, "bad key")))


def test_a_translator_that_cannot_work_is_found_before_the_run() -> None:
    nobody = {"model": "openai:tested", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(BadInput, match=r"the translator: no endpoint answers at http://127\.0\.0\.1:9"):
        Translate(Translate.Options(translator=nobody, language="German")).check()
    with pytest.raises(BadInput, match="unknown target 'opnai'; did you mean openai"):
        Translate(Translate.Options(translator="opnai", language="German"))


def test_another_translator_or_language_makes_another_recipe() -> None:
    def versions(model: str) -> list[str]:
        return list(Translate.Options(translator=f"openai:{model}", language="German").versions())

    assert versions("one") == versions("one")
    assert versions("one") != versions("two")


def test_an_excuse_in_the_query_itself_is_a_translation_all_the_same() -> None:
    assert read_translation(told("Bitte hilf mir."), "Please help me.") == "Bitte hilf mir."
    with pytest.raises(Declined):
        read_translation("I cannot do that.", "Please help me.")
    with pytest.raises(Unreadable):
        read_translation("{", "Please help me.")
