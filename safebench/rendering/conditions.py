"""Conditions held against the media and recipes that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.rendering.recipes import Recipes
from safebench.types import TEXT, Condition


def in_full(text: str) -> Condition:
    """The condition that is written so, with its modality's default recipe, if there is one, where it names none.

    Raises BadInput for an unknown medium or another form.
    """
    asked = Condition.parse(text.strip())
    return replace(asked, recipe=asked.recipe or registry.modality(asked.medium).default_recipe)


def resolve_condition(text: str, recipes: Recipes) -> Condition:
    """The condition that is written so, in full. Raises BadInput for an unknown medium or recipe, or another form."""
    asked = in_full(text)
    medium, recipe = asked.medium, asked.recipe
    if asked.with_text and registry.modality(medium).default_recipe is None:
        raise BadInput(f"condition {text!r}: {medium} alone is not rendered, so it takes no +{TEXT}")
    if recipe and (medium, recipe) not in recipes:
        raise unknown(f"{medium} recipe", recipe, [name for m, name in recipes if m == medium], f"condition {text!r}")
    return asked


def resolve_conditions(texts: Sequence[str], recipes: Recipes) -> tuple[Condition, ...]:
    """All conditions, in order; raises BadInput for none or for one that is named twice."""
    conditions = tuple(resolve_condition(text, recipes) for text in texts)
    if not conditions:
        raise BadInput("no condition given: add --condition text, or another one of `safebench list recipes`")
    twice = sorted({str(c) for c in conditions if conditions.count(c) > 1})
    if twice:
        raise BadInput(f"condition {', '.join(twice)} is given more than once")
    return conditions
