"""Our query pairs as inspect's samples, rendered and checked before the evaluation begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser

from safebench.bridges.inspect.messages import chat_messages
from safebench.concurrency import each
from safebench.errors import BadInput
from safebench.rendering.pool import Workers
from safebench.rendering.recognition import RecogniserCache
from safebench.rendering.renderer import Renderer, at_once, ready
from safebench.runs.compose import Unsayable, compose
from safebench.runs.outcomes import before_asking, unsayable
from safebench.runs.plan import RunPlan
from safebench.serialisation import rendering_to
from safebench.stopping import close_all
from safebench.store.store import Store
from safebench.taxonomy import Scenario
from safebench.types import Intent, Item, Query, Rendering, Request

DEFINITION = "definition"  # key of a sample's metadata: its scenario, as jurors are shown it
NOT_RENDERED = "not_rendered"  # key of a sample's metadata: why nothing may be sent, or None


async def samples_of(plan: RunPlan) -> list[Sample]:
    """One sample for each query and condition, `QUERY/CONDITION`; `plan.folder` is used while they are made.

    Raises BadInput when the jury cannot work, a recipe can render nothing, or a medium has no way through inspect.
    """
    if plan.asking.skipped:
        raise BadInput(*(f"condition {condition}: {why}" for condition, why in plan.asking.skipped.items()))
    workers = Workers(plan.config.workers)
    cache = RecogniserCache(workers)
    try:
        await plan.asking.jury.check()
        await ready(plan.rendering.to_render, plan.rendering.settings.recognisers.values(), workers)
        with Store(plan.folder) as store:
            renderer = Renderer(store, cache, plan.rendering.made, plan.rendering.settings)
            width = at_once(plan.rendering.to_render, workers)
            return await each(plan.items(), lambda item: _sample(plan, item, renderer), width)
    finally:
        workers.close()
        await close_all(plan.asking.jury)


async def _sample(plan: RunPlan, item: Item, renderer: Renderer) -> Sample:
    recipe = plan.recipe(item)
    rendering = await renderer.rendering(plan.rendering.assignments[item.condition].job(item.query)) if recipe else None
    ending = before_asking(rendering)
    try:
        request = compose(item, rendering, recipe, plan.carrier(item)) if ending is None else None
    except Unsayable as error:
        ending, request = unsayable(error), None
    messages = await chat_messages(request) if request else [ChatMessageUser(content="(not rendered: not sent)")]
    scenario = plan.data.dataset.taxonomy.find(item.query.scenario)
    metadata = {**_metadata(item, scenario, rendering, request), NOT_RENDERED: ending.reason if ending else None}
    return Sample(input=messages, id=f"{item.query.id}/{item.condition}", metadata=metadata)


def _metadata(
    item: Item, scenario: Scenario | None, rendering: Rendering | None, request: Request | None
) -> dict[str, Any]:
    query = item.query
    return {
        "query_id": query.id,
        "query": query.text,
        "intent": query.intent.value,
        "category": scenario.category if scenario else None,
        "scenario": query.scenario,
        DEFINITION: asdict(scenario) if scenario else None,
        "twin": query.twin,
        "language": query.language,
        "certainty": query.certainty,
        "condition": str(item.condition),
        "rendering": {"key": rendering.key, **rendering_to(rendering)} if rendering else None,
        "request": request.describe() if request else None,
    }


def query_of(metadata: Mapping[str, Any]) -> Query:
    """The query of a sample of ours."""
    intent = Intent(metadata["intent"])
    told = (metadata["language"], metadata["certainty"])
    return Query(metadata["query_id"], metadata["query"], intent, metadata["scenario"], metadata["twin"], *told)


def scenario_of(metadata: Mapping[str, Any]) -> Scenario | None:
    """The scenario of a sample of ours, where its query has one."""
    definition = metadata[DEFINITION]
    return Scenario(**definition) if definition else None
