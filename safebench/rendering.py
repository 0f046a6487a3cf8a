"""The stages *render* and *check*: a recipe's chain of converters, then the modality's fidelity check.

`render` runs in worker processes; converters and recognisers live there, one of each kind and options per process.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from functools import lru_cache

from safebench import registry
from safebench.errors import SafeBenchError
from safebench.plugins import Checking, Converter, Recogniser, Work
from safebench.recipes import Recipe, Step
from safebench.types import TEXT, Failure, Fidelity, Media, Query, Rendering


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One query to be rendered by one recipe; `check` says whether this one is in the sample that is checked."""

    query: Query
    recipe: Recipe
    check: bool = True
    seed: int = 0
    recogniser: str | None = None  # that the user chose for the medium

    @property
    def key(self) -> str:
        """Names the rendering by what it is made from. Two conditions of one query share it."""
        how = [self.recipe.fingerprint(), str(self.check), str(self.seed), str(self.recogniser)]
        made_from = "\0".join([*how, self.query.id, self.query.text])
        return hashlib.sha256(made_from.encode()).hexdigest()


@lru_cache(maxsize=32)
def _converter(step: str) -> Converter:
    parsed = Step.model_validate_json(step)
    return registry.create(Converter, parsed.use, "recipe", **parsed.options)


@lru_cache(maxsize=8)
def _recogniser(spec: str) -> Recogniser:
    name, _, argument = spec.partition(":")
    options = {"argument": argument} if argument else {}
    return registry.create(Recogniser, name, f"recogniser {spec}", **options)


def recognise(spec: str, media: Media) -> str:
    """The text that the recogniser NAME[:ARGUMENT] finds. Raises MissingPackage, or ValueError for broken media."""
    return _recogniser(spec).recognise(media)


def render(job: RenderJob) -> Rendering:
    """Render and check one query, as often as the recipe allows until one rendering is faithful.

    A failure is data: it comes back in the rendering and is never raised.
    """
    started = time.perf_counter()
    for attempt in range(job.recipe.tries):
        rendering = _render_once(job, attempt)
        if rendering.faithful:
            break
    return replace(rendering, seconds=time.perf_counter() - started)


def _render_once(job: RenderJob, attempt: int) -> Rendering:
    component, query = "?", job.query
    media: Media | None = None
    try:
        for step in job.recipe.steps:
            component = step.use
            media = _converter(step.model_dump_json()).convert(Work(query, query.text, media, job.seed, attempt))
            if media.medium == TEXT:  # the text to be rendered from here on, and to be read back
                query, media = replace(query, text=media.read().decode("utf-8")), None
        assert media is not None
        component = f"check of {media.medium}"
        fidelity = _check(job, query, media)
    except Exception as error:  # noqa: BLE001  the one boundary: any engine's failure becomes data
        return _failed(job, component, error)
    return Rendering(job.recipe.name, job.key, media, fidelity)


def _check(job: RenderJob, query: Query, media: Media) -> Fidelity:
    if job.recipe.control:
        return Fidelity("unchecked", reason="a control is not meant to carry the query")
    if not job.check:
        return Fidelity("unchecked", reason="not in the checked sample")
    checking = Checking(query, media, job.recipe.gate, recognise, job.recogniser)
    return registry.modality(media.medium).check(checking)


def _failed(job: RenderJob, component: str, error: Exception) -> Rendering:
    message = str(error) if isinstance(error, SafeBenchError) else f"{error} (query {job.query.id!r})"
    failure = Failure(component, type(error).__name__, message)
    return Rendering(job.recipe.name, job.key, None, Fidelity("failed", reason=str(failure)), failure)
