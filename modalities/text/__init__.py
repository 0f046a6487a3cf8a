"""The query as plain text: nothing is rendered, so nothing can go wrong on the way."""

from __future__ import annotations

from safebench.plugins import Asking, Checking, Modality
from safebench.types import TEXT, Fidelity, Part, Text

__all__ = ["TextModality"]


class TextModality(Modality):
    name = "text"
    summary = "the query as plain text"
    medium = TEXT

    def check(self, checking: Checking) -> Fidelity:
        return Fidelity("passed")

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        return (Text(asking.query.text),)
