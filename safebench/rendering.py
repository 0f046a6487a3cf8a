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
from safebench.plugins import Checking, Converter, Notes, Recogniser, Work
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
    of: Query | None = None  # the query that is rendered in place of this one

    @property
    def key(self) -> str:
        """Names the rendering by what it is made from. Two conditions of one query share it."""
        how = [self.recipe.fingerprint(), str(self.check), str(self.seed), str(self.recogniser)]
        of = [] if self.of is None else [self.of.id, self.of.text]
        made_from = "\0".join([*how, self.query.id, self.query.text, *of])
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
    return replace(rendering, seconds=time.perf_counter() - started, tries=attempt + 1)


def prepare(recipe: Recipe) -> None:
    """Make the recipe's converters ready in this process. Raises BadInput when one of them could make nothing."""
    for step in recipe.steps:
        _converter(step.model_dump_json()).check()


@dataclass(slots=True)
class _Chain:
    """One try: what the steps have made so far."""

    query: Query
    text: str  # to be rendered by the next step
    wanted: str  # to be found in the media
    notes: Notes
    media: Media | None = None
    component: str = "?"

    def go(self, job: RenderJob, attempt: int) -> Media:
        for number, step in enumerate(job.recipe.steps):
            self.component = step.use
            converter = _converter(step.model_dump_json())
            made = converter.convert(Work(self.query, self.text, self.media, job.seed, attempt, number, self.notes))
            if made.medium == TEXT:
                self.text = made.read().decode("utf-8")
                self.wanted = self.text if converter.rewords else self.wanted
            self.media = made
        assert self.media is not None
        self.component = f"check of {self.media.medium}"
        return self.media


def _render_once(job: RenderJob, attempt: int) -> Rendering:
    query = job.of or job.query
    chain = _Chain(query, query.text, query.text, Notes())
    failure, media = None, None
    try:
        media = chain.go(job, attempt)
        fidelity = _check(job, chain, media)
    except Exception as error:  # noqa: BLE001  the one boundary: any engine's failure becomes data
        message = str(error) if isinstance(error, SafeBenchError) else f"{error} (query {job.query.id!r})"
        failure, media = Failure(chain.component, type(error).__name__, message), None
        fidelity = Fidelity("failed", reason=str(failure))
    return Rendering(
        job.recipe.name,
        job.key,
        media,
        fidelity,
        failure,
        said=chain.text if chain.text != job.query.text else None,
        written=chain.notes.written,
        drafts=tuple(chain.notes.drafts),
    )


def _check(job: RenderJob, chain: _Chain, media: Media) -> Fidelity:
    measures = chain.notes.measures
    if job.recipe.control:
        return Fidelity("unchecked", measures, reason="a control is not meant to carry the query")
    if not job.check:
        return Fidelity("unchecked", measures, reason="not in the checked sample")
    query = replace(chain.query, text=chain.wanted)
    checking = Checking(query, media, job.recipe.gate, recognise, job.recogniser, chain.text, measures)
    found = registry.modality(media.medium).check(checking)
    return replace(found, measures={**measures, **found.measures})
