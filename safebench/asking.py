"""The stage *ask*: the message that a condition makes of a query and its rendering."""

from __future__ import annotations

from safebench import registry
from safebench.plugins import Asking
from safebench.recipes import Recipe
from safebench.types import Item, Message, Rendering, Request


def compose(item: Item, rendering: Rendering | None, recipe: Recipe | None) -> Request:
    """One user message, made by the modality: no system prompt, no example turns, no length limit of ours."""
    media = rendering.media if rendering is not None else None
    made = rendering.written if rendering is not None else None
    carrier, layout = (recipe.carrier, recipe.layout) if recipe is not None else (None, {})
    asking = Asking(item.query, media, item.condition.with_text, carrier, made, layout)
    return Request((Message("user", registry.modality(item.condition.medium).compose(asking)),))
