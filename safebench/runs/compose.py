"""The stage *ask*: the message that a condition makes of a query and its rendering, and how it is put to a target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safebench import registry
from safebench.errors import BadInput, TargetRefusesService, raise_of_the_system
from safebench.plugins import Asking
from safebench.rendering.conditions import Carrier
from safebench.rendering.recipes import Recipe
from safebench.types import Failure, Item, Message, Query, Rendering, Request, Text


class Unsayable(Exception):
    """A modality could make no message of an item."""


@contextmanager
def saying(medium: str) -> Iterator[None]:
    """The boundary around a modality: whatever it raises is Unsayable, but what would be so for every item.

    Raises errors of the system as they are.
    """
    try:
        yield
    except (BadInput, TargetRefusesService):
        raise
    except Exception as error:
        raise_of_the_system(error)
        raise Unsayable(str(Failure(f"modality {medium}", type(error).__name__, str(error)))) from error


def compose(item: Item, rendering: Rendering | None, recipe: Recipe | None, carrier: Carrier) -> Request:
    """One user message, made by the modality: no system prompt, no example turns, no length limit of ours.

    Raises Unsayable.
    """
    medium, query = item.condition.medium, item.query
    with saying(medium):
        made = _made(query, rendering) if recipe is not None and recipe.makes_text else None
        media = rendering.media if rendering is not None else None
        layout = recipe.layout if recipe is not None else {}
        asking = Asking(query, media, item.condition.with_text, carrier.text, made, layout)
        parts = registry.modality(medium).compose(asking)
    written = any(isinstance(part, Text) and query.text in part.text for part in parts)
    return Request((Message("user", parts),), written=written)


def _made(query: Query, rendering: Rendering | None) -> str:
    """What stands for the query in the written part: without it the message would ask for nothing, or half of it."""
    if rendering is None or rendering.written is None:
        raise ValueError(f"query {query.id!r} has no written part: none was made with its media")
    return rendering.written
