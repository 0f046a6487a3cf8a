"""The query in another language, as a target of the user's translates it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from pydantic import Field

from converters.naming import naming
from converters.roles import Role, quoted
from safebench.models.refusal import refuses
from safebench.models.roles import Declined, RoleOptions, Unreadable, last_object, schema_of
from safebench.plugins import Converter, ModelCalls, PluginOptions, Work
from safebench.resources import prompt
from safebench.serialisation import storable
from safebench.types import TEXT, Media, Text

PROMPT = prompt("translation.translate")
ANSWER = schema_of(translation={"type": "string"})


class Translate(Converter):
    name = "translate"
    summary = "the query in another language, translated by a target of yours"
    version = f"1 prompt {PROMPT.version}"
    takes = TEXT
    gives = TEXT
    varies = True

    class Options(PluginOptions):
        translator: RoleOptions  # the target that translates
        language: str = Field(min_length=1)  # into which, as one would tell the translator: "Zulu"

        def versions(self) -> Iterable[str]:
            return [Role("translator", self.translator).version()]

        def asks(self) -> Iterable[ModelCalls]:
            return (ModelCalls(self.translator.model),)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._translator = Role("translator", self.options.translator)

    def check(self) -> None:
        self._translator.check(TEXT)

    def convert(self, work: Work) -> Media:
        asked = PROMPT.fill(language=quoted(self.options.language), text=quoted(work.text))
        with naming(work):
            read = partial(read_translation, text=work.text)
            translation = self._translator.ask((Text(asked),), ANSWER, read)
        return Media.of(TEXT, "text/plain", translation.encode("utf-8"))


def read_translation(answer: str, text: str) -> str:
    """The translation. Raises Declined for an excuse, and Unreadable where there is none."""
    value = (last_object(answer, "translation") or {}).get("translation")
    translation = storable(value).strip() if isinstance(value, str) else ""
    if refuses(translation or answer, text):
        raise Declined
    if not translation:
        raise Unreadable("holds no translation")
    return translation
