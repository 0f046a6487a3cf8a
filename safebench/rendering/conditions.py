"""Conditions held against the media, recipes and wordings that there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.plugins import MADE, PLACE, QUERY
from safebench.rendering.recipes import Recipe, Recipes
from safebench.rendering.wordings import OWN, Wordings, is_name, load_wordings, speaks_of, wording
from safebench.types import TEXT, Condition


def in_full(text: str) -> Condition:
    """The condition that is written so, with its modality's default recipe, if there is one, where it names none.

    Raises BadInput for an unknown medium or another form.
    """
    asked = Condition.parse(text.strip())
    recipe = asked.recipe or registry.modality(asked.medium).default_recipe
    return replace(asked, recipe=recipe, wording=None if asked.wording == OWN else asked.wording)


def resolve_condition(text: str, recipes: Recipes, wordings: Wordings | None = None) -> Condition:
    """The condition that is written so, in full; `wordings`: those of ours if not given.

    Raises BadInput for an unknown medium, recipe or wording, or another form.
    """
    asked = in_full(text)
    medium, recipe = asked.medium, asked.recipe
    if asked.with_text and registry.modality(medium).default_recipe is None:
        raise BadInput(f"condition {text!r}: {medium} alone is not rendered, so it takes no +{TEXT}")
    if recipe and (medium, recipe) not in recipes:
        raise unknown(f"{medium} recipe", recipe, [name for m, name in recipes if m == medium], f"condition {text!r}")
    if asked.wording:
        wording(asked.wording, load_wordings() if wordings is None else wordings, f"condition {text!r}")
    return asked


def resolve_conditions(
    texts: Sequence[str], recipes: Recipes, wordings: Wordings | None = None
) -> tuple[Condition, ...]:
    """All conditions, in order; raises BadInput for none or for one that is named twice."""
    conditions = tuple(resolve_condition(text, recipes, wordings) for text in texts)
    if not conditions:
        raise BadInput("no condition given: add --condition text, or another one of `safebench list recipes`")
    twice = sorted({str(c) for c in conditions if conditions.count(c) > 1})
    if twice:
        raise BadInput(f"condition {', '.join(twice)} is given more than once")
    return conditions


# --- what is written


@dataclass(frozen=True, slots=True)
class Carrier:
    """What is written under a condition, with PLACE where the query stands. `source`: where the text is from; `media`:
    those that it speaks of, None where its words tell.
    """

    source: str
    text: str
    media: tuple[str, ...] | None = ()

    def fingerprint(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def carrier_of(condition: Condition, recipe: Recipe | None, wordings: Wordings) -> Carrier:
    """The condition's wording, or else the recipe's carrier, or else what the modality writes."""
    own = registry.modality(condition.medium).wording(with_text=condition.with_text)
    said = recipe.carrier if recipe and (own or recipe.makes_text) else None  # where nothing is written it says nothing
    name = condition.wording or said
    if name in (QUERY, MADE) or (name is None and recipe and recipe.makes_text):
        return Carrier(QUERY, PLACE)
    if name is None:
        return Carrier(f"modality {replace(condition, recipe=None)}", own)
    if recipe and not is_name(name):
        return Carrier(f"{recipe.medium}.{recipe.name}", name, None)
    known = wording(name, wordings, f"condition {str(condition)!r}")
    return Carrier(name, known.written(query=condition.with_text or _is_written(condition, recipe)), known.media)


def carrier_problems(condition: Condition, recipe: Recipe | None, carrier: Carrier) -> list[str]:
    """A line where the query would be lost, or written where it is said to be in the medium alone, and where the text
    speaks of a medium that is not sent.
    """
    return [f"condition {condition}: {problem}" for problem in _problems(condition, recipe, carrier)]


def _is_written(condition: Condition, recipe: Recipe | None) -> bool:
    """Whether the query, or a part of it, is in what is written and nowhere else."""
    return condition.medium == TEXT or (recipe is not None and (recipe.control or recipe.makes_text))


def _problems(condition: Condition, recipe: Recipe | None, carrier: Carrier) -> Iterator[str]:
    about = f"what is written, {carrier.source} ({carrier.text!r}),"
    is_written, with_text = _is_written(condition, recipe), replace(condition, with_text=True)
    usual = registry.modality(condition.medium).wording(with_text=True)
    if PLACE not in carrier.text and (is_written or (condition.with_text and PLACE in usual)):
        yield f"{about} leaves out the query, which has to stand there: say {PLACE} in it, or take another wording"
    alone = condition.medium != TEXT and not condition.with_text
    if alone and recipe and recipe.reworded != "media":
        yield f"recipe {recipe.name} has a part that is written: write {with_text}"
    elif alone and PLACE in carrier.text and not is_written:
        yield (
            f"{about} holds the query, which is to be in the {condition.medium} alone: write {with_text}, or give the"
            " wording a text without it (`beside`)"
        )
    for medium in speaks_of(carrier.text) if carrier.media is None else carrier.media:
        if medium not in (condition.medium, TEXT):
            yield f"{about} speaks of {medium}, which is not sent; if it does not, its table says so by `media = []`"
