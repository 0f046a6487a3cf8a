"""What rendering and reading back ask of models, and what that costs, before anything is rendered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from safebench import registry
from safebench.models.prices import HERE, Prices, Range, RoleEstimate, total
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe
from safebench.rendering.renderer import RenderSettings

MediaCalls = defaultdict[str, Range]  # by NAME:ARGUMENT of a model


def models_asked(recipes: Iterable[Recipe], readers: Iterable[str]) -> set[str]:
    """NAME:ARGUMENT of the models that render, refine, read back or transcribe."""
    rendering = {one.model for recipe in recipes for one in recipe.asks()}
    return rendering | {one.model for spec in readers for one in registry.recogniser_asks(spec)}


def calls_to_render(recipes: Sequence[Recipe], reader: str | None, share: float, queries: Range) -> MediaCalls:
    """Of so many queries, each by one of the recipes. `share`: of those that are read back; all is read in each try."""
    calls: MediaCalls = defaultdict(Range)
    for recipe in recipes:
        for one in recipe.asks():
            calls[one.model] += queries.times(1 if len(recipes) == 1 else 0, one.most)
    tries = max((recipe.tries for recipe in recipes), default=1)
    add_reading(calls, reader, queries.times(share if recipes else 0, tries))
    return calls


def add_reading(calls: MediaCalls, reader: str | None, times: Range) -> None:
    """What a recogniser asks of models."""
    for one in registry.recogniser_asks(reader) if reader else ():
        calls[one.model] += times.times(1, one.most)


def estimate_media(
    condition: str, calls: Mapping[str, Range], prices: Prices, characters: float
) -> Iterable[RoleEstimate]:
    """A row for each model. `characters`: of a query, on average. Where tokens are paid for nobody knows how many."""
    units = {
        "calls": Range(1, 1),
        "characters": Range(characters, characters),
        "seconds": prices.assumed.seconds(characters),
    }
    for model, times in calls.items():
        price, cost, tokens = prices.of(model), None, None
        if price is HERE or (price and price.each):
            cost = total(units[unit].times(dear) for unit, dear in price.each.items()).scaled(times)
            tokens = Range()
        yield RoleEstimate(condition, "media", model, times, tokens, Range(), cost)


def estimate_renderings(jobs: Sequence[RenderJob], how: RenderSettings, prices: Prices) -> list[RoleEstimate]:
    """By recipe; nothing of those that ask nobody."""
    characters = sum(len(job.query.text) for job in jobs) / max(len(jobs), 1)
    recipes = {job.recipe.condition: job.recipe for job in jobs}
    rows: list[RoleEstimate] = []
    for name, n in Counter(job.recipe.condition for job in jobs).items():
        recipe = recipes[name]
        calls = calls_to_render([recipe], how.recognisers.get(recipe.medium), how.check_share, Range(n, n))
        rows += estimate_media(name, calls, prices, characters)
    return rows
