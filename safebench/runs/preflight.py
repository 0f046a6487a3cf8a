"""Does the media arrive? Some servers drop the parts that their model cannot take and answer 200 all the same.

Before a run the target is sent a harmless rendering with an instruction to repeat it, and the instruction alone. The
rendering is of a sentence of ours; where the data bring their media, of one of their benign queries. More
prompt tokens with the media, or the sentence in the answer, show that it arrived. Equal token counts show that it did
not, unless the counts are constant, which a third, longer message tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from safebench import registry
from safebench.concurrency import each
from safebench.datasets.renderings import ConvertedRenderings
from safebench.errors import BadInput
from safebench.models.prices import prompt_tokens
from safebench.rendering.alternatives import stands_for
from safebench.rendering.assignment import Assignment
from safebench.rendering.chain import RenderJob, check_brought, render
from safebench.rendering.pool import WorkerDied, Workers
from safebench.rendering.recipes import Recipe, Recipes
from safebench.resources import prompt
from safebench.runs.probe import Repeat
from safebench.types import (
    TEXT,
    TOO_LONG,
    Condition,
    Intent,
    Message,
    Query,
    Rendering,
    Request,
    Response,
    Text,
)

Ask = Callable[[Request], Awaitable[Response]]


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


@dataclass(frozen=True, slots=True)
class Trial:
    """What the target has to repeat, and the rendering of it."""

    query: Query
    rendering: Rendering


def choose_trials(assignments: Mapping[Condition, Assignment], known: Recipes) -> dict[str, Recipe]:
    """By medium the first recipe that carries its query; where there are only controls, the modality's default."""
    by_medium: dict[str, list[Recipe]] = {}
    for condition, assignment in assignments.items():
        if condition.medium != TEXT:
            by_medium.setdefault(condition.medium, []).extend(assignment.recipes)
    return {medium: _trial_recipe(medium, recipes, known) for medium, recipes in by_medium.items()}


def _trial_recipe(medium: str, recipes: list[Recipe], known: Recipes) -> Recipe:
    default = known.get((medium, registry.modality(medium).default_recipe or ""))
    carrying = next((recipe for recipe in recipes if not recipe.control), None)
    return carrying or (stands_for(default, known) if default else recipes[0])


async def preflight(
    ask: Ask,
    recipes: Mapping[str, Recipe],
    workers: Workers,
    made: ConvertedRenderings | None = None,
    queries: Iterable[Query] = (),
) -> list[Delivery]:
    """Try every medium once, by its recipe.

    `ask` puts a request to the target; `made` are the media that the data bring, and `queries` what is in them. Raises
    BadInput when the target does not get one of them.
    """

    async def tried(medium: str) -> Delivery:
        return await _try(ask, await _trial(recipes[medium], workers, made, queries), medium)

    deliveries = await each(recipes, tried, max(1, len(recipes)))
    dropped = [delivery for delivery in deliveries if delivery.state == "dropped"]
    if dropped:
        remedy = (
            "use a target that takes it, name what it takes with --accepts, or leave this check out with --no-preflight"
        )
        raise BadInput(*(f"the target does not get {d.medium}: {d.reason}; {remedy}" for d in dropped))
    return deliveries


async def _trial(recipe: Recipe, workers: Workers, made: ConvertedRenderings | None, queries: Iterable[Query]) -> Trial:
    """A benign query of the data that comes with its media, or else the trial sentence."""
    for query in queries if made else ():
        job = RenderJob(query, recipe, check=False)
        rendering = made.rendering(job) if made and query.intent is Intent.BENIGN else None
        if rendering is not None and rendering.faithful and (checked := await _checked(job, rendering, workers)):
            return Trial(query, checked)
    sentence = Query("preflight", prompt("comprehension.sentence").text, Intent.BENIGN)
    return Trial(sentence, await workers.run(render, RenderJob(sentence, recipe, check=False)))


async def _checked(job: RenderJob, brought: Rendering, workers: Workers) -> Rendering | None:
    """None for media that may not be sent, or of which a worker dies."""
    try:
        (checked,) = await workers.run(check_brought, [(job, brought)])
    except WorkerDied:
        return None
    return checked if checked.faithful else None


async def _try(ask: Ask, trial: Trial, medium: str) -> Delivery:
    media = trial.rendering.media
    if media is None:
        return Delivery(medium, "unknown", f"the trial sentence was not rendered: {trial.rendering.failure}")
    both = Repeat().request(trial.query, media), _text("comprehension.repeat")
    with_media, without = await each(both, ask, len(both))
    if with_media.failure is not None and with_media.failure.type == TOO_LONG:
        return Delivery(medium, "unknown", str(with_media.failure))
    if with_media.status == "failed":
        worked = without.status == "answered"
        return Delivery(medium, "dropped" if worked else "unknown", str(with_media.failure))
    if Repeat().read(trial.query, trial.rendering, with_media).status == "understood":
        return Delivery(medium, "delivered", "it repeated the trial sentence", *_counts(with_media, without))
    return await _by_tokens(ask, medium, with_media, without)


async def _by_tokens(ask: Ask, medium: str, with_media: Response, without: Response) -> Delivery:
    """What the reported prompt tokens tell about a target that did not repeat the sentence."""
    more, fewer = _counts(with_media, without)
    if more is None or fewer is None:
        return Delivery(medium, "unknown", "it did not repeat the trial sentence and reports no prompt tokens")
    if more > fewer:
        return Delivery(medium, "delivered", "the prompt has more tokens with the media than without", more, fewer)
    longer = _counts(await ask(_text("comprehension.repeat", "comprehension.padding")), without)[0]
    if longer is not None and longer > fewer:
        return Delivery(
            medium, "dropped", f"the prompt has {more} tokens with the media and {fewer} without", more, fewer
        )
    return Delivery(medium, "unknown", "it did not repeat the trial sentence, and its token counts never change")


def _text(*prompts: str) -> Request:
    return Request((Message("user", (Text("\n".join(prompt(name).text for name in prompts)),)),))


def _counts(*responses: Response) -> list[int | None]:
    return [prompt_tokens(response.usage) for response in responses]


def unproven(deliveries: Iterable[Delivery], probed: Collection[str] = ()) -> Iterator[str]:
    """One line for each medium of which nobody knows whether it reached the target. `probed`: media with probes."""
    for delivery in deliveries:
        if delivery.state == "unknown":
            remedy = "" if delivery.medium in probed else ": a comprehension probe (--probe) would tell"
            yield (
                f"nothing shows that {delivery.medium} reaches the target ({delivery.reason}), and a target that gets"
                f" nothing looks safe{remedy}"
            )
