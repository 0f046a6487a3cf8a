"""Puts the query into a text of the user's, or replaces it by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import model_validator

from safebench.errors import BadInput
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

PLACE = "{query}"


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

    def convert(self, work: Work) -> Media:
        return Media.of(TEXT, "text/plain", self._text.replace(PLACE, work.text).encode("utf-8"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"template file {path}: {error}") from error
