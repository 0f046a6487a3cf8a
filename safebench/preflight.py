"""Does the media arrive? Some servers drop the parts that their model cannot take and answer 200 all the same.

Before a run the target is sent a harmless rendering with an instruction to repeat it, and the instruction alone. More
prompt tokens with the media, or the sentence in the answer, show that it arrived. Equal token counts show that it did
not, unless the counts are constant, which a third, longer message tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from safebench.asking import ask_safely
from safebench.comprehension import UNDERSTOOD, missing_words, request
from safebench.errors import BadInput
from safebench.plugins import Target
from safebench.recipes import Recipe
from safebench.rendering import RenderJob, render
from safebench.resources import prompt
from safebench.types import Intent, Message, Query, Request, Response, Text
from safebench.workers import Workers


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was found out about one medium. Token counts are what the target reported for its prompt."""

    medium: str
    state: Literal["delivered", "dropped", "unknown"]
    reason: str
    tokens_with: int | None = None
    tokens_without: int | None = None

    def describe(self) -> dict[str, Any]:
        return asdict(self)


async def preflight(target: Target, recipes: Mapping[str, Recipe], workers: Workers) -> list[Delivery]:
    """Try every medium once, by one of its recipes. Raises BadInput when the target does not get one of them."""
    found = [await _try(target, recipe, workers) for recipe in recipes.values()]
    dropped = [delivery for delivery in found if delivery.state == "dropped"]
    if dropped:
        remedy = (
            "use a target that takes it, name what it takes with --accepts, or leave this check out with --no-preflight"
        )
        raise BadInput(*(f"the target does not get {d.medium}: {d.reason}; {remedy}" for d in dropped))
    return found


async def _try(target: Target, recipe: Recipe, workers: Workers) -> Delivery:
    sentence = Query("preflight", prompt("comprehension.sentence").text, Intent.BENIGN)
    rendering = await workers.run(render, RenderJob(sentence, recipe, check=False))
    if rendering.media is None:
        return Delivery(recipe.medium, "unknown", f"the trial sentence was not rendered: {rendering.failure}")
    with_media = await ask_safely(target, request([rendering.media]))
    without = await ask_safely(target, _text("comprehension.repeat"))
    if with_media.status == "failed":
        worked = without.status == "answered"
        return Delivery(recipe.medium, "dropped" if worked else "unknown", str(with_media.failure))
    if missing_words(sentence.text, with_media.text) <= UNDERSTOOD:
        return Delivery(recipe.medium, "delivered", "it repeated the trial sentence", *_counts(with_media, without))
    return await _by_tokens(target, recipe.medium, with_media, without)


async def _by_tokens(target: Target, medium: str, with_media: Response, without: Response) -> Delivery:
    """What the reported prompt tokens tell about a target that did not repeat the sentence."""
    more, fewer = _counts(with_media, without)
    if more is None or fewer is None:
        return Delivery(medium, "unknown", "it did not repeat the trial sentence and reports no prompt tokens")
    if more > fewer:
        return Delivery(medium, "delivered", "the prompt has more tokens with the media than without", more, fewer)
    longer = _counts(await ask_safely(target, _text("comprehension.repeat", "comprehension.padding")), without)[0]
    if longer is not None and longer > fewer:
        return Delivery(
            medium, "dropped", f"the prompt has {more} tokens with the media and {fewer} without", more, fewer
        )
    return Delivery(medium, "unknown", "it did not repeat the trial sentence, and its token counts never change")


def _text(*prompts: str) -> Request:
    return Request((Message("user", (Text("\n".join(prompt(name).text for name in prompts)),)),))


def _counts(*responses: Response) -> list[int | None]:
    told = [response.usage.get("prompt_tokens", response.usage.get("input_tokens")) for response in responses]
    return [count if isinstance(count, int) else None for count in told]
