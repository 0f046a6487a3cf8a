"""The stages *render* and *check*: a recipe's chain of converters, then the modality's fidelity check.

`render` runs in worker processes; converters and recognisers live there, one of each kind and options per process.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import isfinite
from weakref import WeakKeyDictionary

from safebench import registry
from safebench.errors import BadInput, ConversionError, SafeBenchError, TargetRefusesService, raise_of_the_system
from safebench.models.batching import BatchSize, Halving
from safebench.models.languages import tell, unfit
from safebench.plugins import Checking, Converter, ModelCalls, Notes, Recogniser, Step, Work
from safebench.rendering.recipes import Recipe
from safebench.types import CONTROL, TEXT, Failure, Fidelity, Media, Query, Rendering


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One query to be rendered by one recipe; `check` says whether this one is in the sample that is checked."""

    query: Query
    recipe: Recipe
    check: bool = True
    seed: int = 0
    recogniser: str | None = None  # NAME[:ARGUMENT] of who reads the medium back; None: nobody does
    of: Query | None = None  # the query that is rendered in place of this one
    other_texts: tuple[str, ...] = ()  # of other queries, from which the check has to tell this one

    @property
    def key(self) -> str:
        """Names the rendering by what it is made from and read back by. Two conditions of one query share it."""
        language = [] if self.query.language is None else [self.query.language, str(self.query.certainty)]
        read_by = registry.recogniser_facts(self.recogniser) if self.recogniser else {}
        gate = str(sorted(self.recipe.gate.items()))  # media that come with data have the fingerprint of the time
        how = [self.recipe.fingerprint(), gate, str(self.check), str(self.seed), str(read_by)]
        of = [] if self.of is None else [self.of.id, self.of.text]
        made_from = "\0".join([*how, self.query.id, self.query.text, *language, *of, *self.other_texts])
        return hashlib.sha256(made_from.encode()).hexdigest()


_SIZES: WeakKeyDictionary[Converter, BatchSize] = WeakKeyDictionary()  # how many works go together


@lru_cache(maxsize=32)
def _converter(step: str) -> Converter:
    parsed = Step.model_validate_json(step)
    return registry.create(Converter, parsed.use, "recipe", **parsed.options)


@lru_cache(maxsize=8)
def _recogniser(spec: str) -> Recogniser:
    return registry.create(Recogniser, spec.partition(":")[0], f"recogniser {spec}", **registry.argument_of(spec))


def _read_language(spec: str) -> str | None:
    """The one language that the recogniser NAME[:ARGUMENT] takes, if there is one."""
    plugin: type[Recogniser] = registry.load(Recogniser, spec.partition(":")[0])
    return plugin.language(plugin.Options(**registry.argument_of(spec)))


def recognise(spec: str, media: Media) -> str:
    """The text that the recogniser NAME[:ARGUMENT] finds. Raises MissingPackage, or ValueError for broken media."""
    return _recogniser(spec).recognise(media)


def render(job: RenderJob) -> Rendering:
    """Render and check one query. See `render_batch`."""
    return render_batch([job])[0]


def render_batch(jobs: Sequence[RenderJob]) -> list[Rendering]:
    """Render and check queries by one recipe, each as often as the recipe allows until its rendering is faithful.

    A failure is data: it comes back in the rendering. Raises TargetRefusesService where a model that takes part would
    answer nothing at all, BadInput where
    no rendering could be checked, and an error of the system: those are no faults of a query. The time taken is shared
    out evenly.
    """
    started = time.perf_counter()
    renderings: dict[int, Rendering] = {}
    missing = list(range(len(jobs)))
    for attempt in range(jobs[0].recipe.tries):
        for n, made in zip(missing, _render_once([jobs[n] for n in missing], attempt), strict=True):
            before = renderings[n].drafts if n in renderings else ()
            renderings[n] = replace(made, drafts=(*before, *made.drafts))
        missing = [n for n in missing if not renderings[n].faithful]
        if not missing:
            break
    seconds = (time.perf_counter() - started) / len(jobs)
    return [replace(renderings[n], seconds=seconds) for n in range(len(jobs))]


def check_brought(brought: Sequence[tuple[RenderJob, Rendering]]) -> list[Rendering]:
    """Media that came with the data, checked as if they had been rendered now; the data keep what they say of them.

    What was checked before is believed, but for media that are not whole or can carry no query at all. Raises as
    `render_batch` does.
    """
    return [_check_brought(job, rendering) for job, rendering in brought]


def damaged(job: RenderJob, why: Exception) -> Rendering:
    """The rendering of a row that cannot be read, or whose media cannot: it failed, and is never sent."""
    said = f"row of query {job.query.id!r} cannot be read: {' '.join(str(why).split())}"
    failure = Failure("converted folder", "Damaged", said)
    return Rendering(job.recipe.name, job.key, None, Fidelity("failed", reason=str(failure)), failure)


def _check_brought(job: RenderJob, brought: Rendering) -> Rendering:
    started = time.perf_counter()
    assert brought.media is not None
    try:
        registry.modality(brought.media.medium).check_whole(brought.media)
    except Exception as error:  # noqa: BLE001 - of whoever decodes it: a row that cannot be read is data
        raise_of_the_system(error)
        return damaged(job, error)
    if brought.fidelity.status == "passed":
        job = replace(job, check=False)
    checked = _Chain.of_brought(job, brought).finish()
    if checked.faithful and (not job.check or checked.fidelity.recogniser is None):
        return brought  # nobody looked any closer than before
    fidelity, seconds = checked.fidelity, time.perf_counter() - started
    return replace(brought, media=checked.media, fidelity=fidelity, failure=checked.failure, seconds=seconds)


def asked_by(job: RenderJob) -> list[ModelCalls]:
    """The models that are asked in rendering the query and in reading it back, at most in all tries together."""
    read = [one._replace(most=one.most * job.recipe.tries) for one in asked_in_reading(job)]
    return [*job.recipe.asks(), *read]


def asked_in_reading(job: RenderJob) -> list[ModelCalls]:
    """The models that are asked in reading the query back once."""
    is_read = job.check and not job.recipe.control
    return [*registry.recogniser_asks(job.recogniser)] if job.recogniser and is_read else []


def batch_size(recipe: Recipe) -> int:
    """How many queries it is best rendered with at once. Raises BadInput where a step cannot be made."""
    return max(_converter(step.model_dump_json()).batch for step in recipe.steps)


def prepare(recipe: Recipe) -> None:
    """Make the recipe's converters ready in this process. Raises BadInput when one of them could make nothing."""
    for step in recipe.steps:
        _converter(step.model_dump_json()).check()


def prepare_recogniser(spec: str) -> None:
    """Make NAME[:ARGUMENT] ready in this process. Raises BadInput when it could recognise nothing."""
    _recogniser(spec).check()


def _render_once(jobs: Sequence[RenderJob], attempt: int) -> list[Rendering]:
    """One try of each: every step for all of them, then the checks."""
    chains = [_Chain.of(job, attempt) for job in jobs]
    for number, step in enumerate(jobs[0].recipe.steps):
        _take_step(number, step, [chain for chain in chains if chain.failure is None])
    return [chain.finish() for chain in chains]


def _take_step(number: int, step: Step, chains: Sequence[_Chain]) -> None:
    """One step of all chains, as many at once as the converter takes."""
    try:
        converter = _converter(step.model_dump_json())
    except Exception as error:  # noqa: BLE001
        raise_of_the_system(error)
        for chain in chains:
            chain.fail(step.use, error)
        return
    for chain in chains:
        with chain.going(step.use):
            chain.check_language(converter)
    fit = [chain for chain in chains if chain.failure is None]
    batches = _SIZES.setdefault(converter, BatchSize(converter.batch)).batches(fit)
    for batch in batches:
        if len(batch) == 1:
            with batch[0].going(step.use):
                batch[0].take(converter.convert(batch[0].work(number, converter)), converter)
        else:
            _convert(converter, number, step.use, batch, batches)


def _convert(converter: Converter, number: int, use: str, batch: Sequence[_Chain], batches: Halving[_Chain]) -> None:
    """Several in one call. Where it failed, or did not give one result for each, the halves are tried next."""
    try:
        made = converter.convert_batch([chain.work(number, converter) for chain in batch])
    except TargetRefusesService:
        raise
    except Exception as error:  # noqa: BLE001  what it holds on to is free again when this returns
        batches.failed(batch, error)
        return
    if len(made) != len(batch):
        batches.failed(batch)
        return
    for chain, one in zip(batch, made, strict=True):
        with chain.going(use):
            chain.take(one, converter)


@dataclass(slots=True)
class _Chain:
    """One query in one try: what the steps have made of it so far, or why they made nothing."""

    job: RenderJob
    attempt: int
    query: Query
    text: str  # to be rendered by the next step
    wanted: str  # to be found in the media
    notes: Notes = field(default_factory=Notes)
    media: Media | None = None
    failure: Failure | None = None
    aside: str | None = None  # what was made of the query for the written part, where the recipe wants it there

    @classmethod
    def of(cls, job: RenderJob, attempt: int) -> _Chain:
        query = job.of or job.query
        return cls(job, attempt, query, query.text, query.text)

    @classmethod
    def of_brought(cls, job: RenderJob, brought: Rendering) -> _Chain:
        said = brought.said or job.query.text
        wanted = said if job.recipe.rewords else job.query.text
        return cls(job, 0, job.query, said, wanted, Notes(dict(brought.fidelity.measures)), brought.media)

    def work(self, step: int, converter: Converter) -> Work:
        text = self.aside if self._goes_aside(converter) and self.aside is not None else self.text
        return Work(self.query, text, self.media, self.job.seed, self.attempt, step, self.notes)

    def _goes_aside(self, converter: Converter) -> bool:
        """Whether its text is for the written part alone."""
        return self.job.recipe.reworded == "written" and converter.gives == TEXT and converter.rewords

    def check_language(self, converter: Converter) -> None:
        """Raises ConversionError where the text is in another language than the converter takes."""
        if converter.language is None or self.job.recipe.control:
            return
        why = unfit(self.wanted, converter.language, *self.said_language())
        if why is not None:
            raise ConversionError(f"{why} (query {self.job.query.id!r})")

    def said_language(self) -> tuple[str | None, float | None]:
        """The language of what is to be found in the media, and its certainty: new words may be in another."""
        if self.wanted == self.query.text:
            return self.query.language, self.query.certainty
        return tell(self.wanted) or (None, None)

    def take(self, made: Media | ConversionError, converter: Converter) -> None:
        if isinstance(made, ConversionError):
            raise made
        if made.medium == TEXT:
            self._take_text(made.read().decode("utf-8"), converter)
        self.media = made

    def _take_text(self, text: str, converter: Converter) -> None:
        if converter.rewords and self.job.recipe.reworded != "media":
            self.aside = text
        if not self._goes_aside(converter):
            self.text = text
            self.wanted = text if converter.rewords else self.wanted

    @contextmanager
    def going(self, component: str, stopping: tuple[type[Exception], ...] = (TargetRefusesService,)) -> Iterator[None]:
        """The one boundary: any engine's failure becomes data, but for a service that will answer nobody, and a
        machine that has run out of something.
        """
        try:
            yield
        except stopping:
            raise
        except Exception as error:  # noqa: BLE001
            raise_of_the_system(error)
            self.fail(component, error)

    def fail(self, component: str, error: Exception) -> None:
        message = str(error) if isinstance(error, SafeBenchError) else f"{error} (query {self.job.query.id!r})"
        self.failure, self.media = Failure(component, type(error).__name__, message), None

    def finish(self) -> Rendering:
        """Checked, where there is something to check."""
        fidelity = None
        if self.failure is None:
            with self.going(f"check of {self.job.recipe.medium}", (TargetRefusesService, BadInput)):
                fidelity = self._check()
        return Rendering(
            self.job.recipe.name,
            self.job.key,
            self.media,
            fidelity or Fidelity("failed", reason=str(self.failure)),
            self.failure,
            tries=self.attempt + 1,
            said=self.text if self.text != self.job.query.text else None,
            written=self.notes.written if self.aside is None else self.aside,
            drafts=tuple(self.notes.drafts),
        )

    def _check(self) -> Fidelity:
        job, measures = self.job, self.notes.measures
        assert self.media is not None
        if job.recipe.control:
            return Fidelity("unchecked", measures, reason=CONTROL)
        modality = registry.modality(self.media.medium)
        if not job.check:
            nothing = modality.holds_nothing(self.media)
            if nothing is not None:
                return Fidelity("failed", measures, reason=nothing)
            return all_numbers(Fidelity("unchecked", measures, reason="not in the checked sample"))
        language, certainty = self.said_language()
        query = replace(self.query, text=self.wanted, language=language, certainty=certainty)
        reads = _read_language(job.recogniser) if job.recogniser and language else None
        how = (job.recogniser, self.text, measures, job.other_texts, job.recipe.depicts, reads)
        fidelity = modality.check(Checking(query, self.media, job.recipe.gate, recognise, *how))
        return all_numbers(replace(fidelity, measures={**measures, **fidelity.measures}))


def all_numbers(fidelity: Fidelity) -> Fidelity:
    """The same, or a failed one where a measure is no number: no limit would hold it back."""
    wrong = sorted(name for name, value in fidelity.measures.items() if not isfinite(value))
    if not wrong:
        return fidelity
    measures = {name: value for name, value in fidelity.measures.items() if isfinite(value)}
    return replace(fidelity, status="failed", measures=measures, reason=f"{', '.join(wrong)} is no number")
