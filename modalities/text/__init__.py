"""The query as plain text, or in what a recipe writes of it. Alone it is not rendered, so nothing can go wrong."""

from __future__ import annotations

from dataclasses import replace

from safebench.plugins import PLACE, Asking, Checking, Modality
from safebench.types import TEXT, Fidelity, Media, Part, Text

__all__ = ["TextModality"]


class TextModality(Modality):
    name = "text"
    summary = "the query as text, or in a text of yours"
    medium = TEXT

    def check(self, checking: Checking) -> Fidelity:
        """Text is what it is; only what is no text, or an empty one, asks nothing."""
        try:
            self.check_whole(checking.media)
        except ValueError as error:
            return Fidelity("failed", reason=str(error))
        return Fidelity("passed")

    def check_whole(self, media: Media) -> None:
        """Raises ValueError for what is no text, was cut off inside of a character, or says nothing."""
        try:
            text = media.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"the text is not UTF-8: {error}") from error
        if not any(character.isprintable() and not character.isspace() for character in text):
            raise ValueError("the text is empty")

    def wording(self, *, with_text: bool) -> str:
        return PLACE

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The text that was made of the query, or the query, in its wording."""
        made = None if asking.media is None else asking.media.read().decode("utf-8")
        return (Text(replace(asking, made=made).written(PLACE)),)
