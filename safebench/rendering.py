"""The stages *render* and *check*: a recipe's chain of converters, then the modality's fidelity check.

`render` runs in worker processes; converters and recognisers live there, one of each kind and options per process.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import lru_cache

from safebench import registry
from safebench.errors import SafeBenchError
from safebench.plugins import Checking, Converter, Recogniser, Work
from safebench.recipes import Recipe, Step
from safebench.types import Failure, Fidelity, Media, Query, Rendering


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One query to be rendered by one recipe; `check` says whether this one is in the sample that is checked."""

    query: Query
    recipe: Recipe
    check: bool = True
    seed: int = 0

    @property
    def key(self) -> str:
        """Names the rendering by what it is made from. Two conditions of one query share it."""
        made_from = "\0".join(
            [self.recipe.fingerprint(), self.query.id, self.query.text, str(self.check), str(self.seed)]
        )
        return hashlib.sha256(made_from.encode()).hexdigest()


@lru_cache(maxsize=32)
def _converter(step: str) -> Converter:
    parsed = Step.model_validate_json(step)
    return registry.create(Converter, parsed.use, "recipe", **parsed.options)


@lru_cache(maxsize=8)
def _recogniser(name: str) -> Recogniser:
    return registry.create(Recogniser, name, "recogniser")


def recognise(name: str, media: Media) -> str:
    """The text that the named recogniser finds. Raises MissingPackage, or ValueError for broken media."""
    return _recogniser(name).recognise(media)


def render(job: RenderJob) -> Rendering:
    """Render and check one query. A failure is data: it comes back in the rendering and is never raised."""
    started = time.perf_counter()
    component = "?"
    media: Media | None = None
    try:
        for step in job.recipe.steps:
            component = step.use
            media = _converter(step.model_dump_json()).convert(Work(job.query, job.query.text, media, job.seed))
        assert media is not None
        component = f"check of {media.medium}"
        fidelity = _check(job, media) if job.check else Fidelity("unchecked", reason="not in the checked sample")
    except Exception as error:  # noqa: BLE001  the one boundary: any engine's failure becomes data
        return _failed(job, component, error, time.perf_counter() - started)
    return Rendering(job.recipe.name, job.key, media, fidelity, None, time.perf_counter() - started)


def _check(job: RenderJob, media: Media) -> Fidelity:
    return registry.modality(media.medium).check(Checking(job.query, media, job.recipe.gate, recognise))


def _failed(job: RenderJob, component: str, error: Exception, seconds: float) -> Rendering:
    message = str(error) if isinstance(error, SafeBenchError) else f"{error} (query {job.query.id!r})"
    failure = Failure(component, type(error).__name__, message)
    return Rendering(job.recipe.name, job.key, None, Fidelity("failed", reason=str(failure)), failure, seconds)
