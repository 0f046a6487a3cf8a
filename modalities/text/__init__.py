"""The query as plain text, or in what a recipe writes of it. Alone it is not rendered, so nothing can go wrong."""

from __future__ import annotations

from safebench.plugins import Asking, Checking, Modality
from safebench.types import TEXT, Fidelity, Part, Text

__all__ = ["TextModality"]


class TextModality(Modality):
    name = "text"
    summary = "the query as text, or in a text of yours"
    medium = TEXT

    def check(self, checking: Checking) -> Fidelity:
        """Text is what it is; only what is no text, or an empty one, asks nothing."""
        try:
            text = checking.media.read().decode("utf-8")
        except UnicodeDecodeError as error:
            return Fidelity("failed", reason=f"the text is not UTF-8: {error}")
        if any(character.isprintable() and not character.isspace() for character in text):
            return Fidelity("passed")
        return Fidelity("failed", reason="the text is empty")

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The text that was made of the query, or the query."""
        return (Text(asking.query.text if asking.media is None else asking.media.read().decode("utf-8")),)
