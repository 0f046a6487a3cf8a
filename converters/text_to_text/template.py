"""Puts the query into a text of the user's, or replaces it by one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import model_validator

from safebench.errors import BadInput
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

PLACE = "{query}"
MEANT = ("prompt", "question", "text", "input", "goal", "behavior", "behaviour", "request", "instruction")  # elsewhere
_PLACES = re.compile(r"\{+\s*[\w-]+\s*\}+")


class Template(Converter):
    name = "template"
    summary = "a text of yours with the query where it says {query}, or in place of it"
    takes = TEXT
    gives = TEXT

    class Options(PluginOptions):
        text: str | None = None
        file: str | None = None  # path of a UTF-8 file that holds the text

        def files(self) -> list[Path]:
            return [Path(self.file)] if self.file else []

        @model_validator(mode="after")
        def _one_source(self) -> Template.Options:
            if (self.text is None) == (self.file is None):
                raise ValueError("give either text or file")
            return self

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._text = self.options.text if self.options.file is None else _read(Path(self.options.file))
        if not self._text.strip():
            raise BadInput("template: the text is empty")
        if misspelt := [place for place in map(re.Match.group, _PLACES.finditer(self._text)) if _is_misspelt(place)]:
            raise BadInput(
                f"template: {misspelt[0]} would be sent as it stands: write {PLACE} where the query is to be"
            )

    def convert(self, work: Work) -> Media:
        return Media.of(TEXT, "text/plain", self._text.replace(PLACE, work.text).encode("utf-8"))


def _is_misspelt(place: str) -> bool:
    """Whether something in braces is meant for the query and is not how it is written."""
    name = place.strip("{} \t\r\n").casefold()
    return place != PLACE and (name in MEANT or "query" in name or bool(get_close_matches(name, ["query"], cutoff=0.7)))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"template file {path}: {error}") from error
