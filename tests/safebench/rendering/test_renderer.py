from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.text_to_image.typographic import Typographic
from safebench.datasets import conversion as converting
from safebench.datasets.config import make_convert_config
from safebench.errors import BudgetSpent
from safebench.models.calls import Budget, CallLimits, MediaCalls
from safebench.models.prices import read_prices
from safebench.plugins import ModelCalls
from safebench.rendering import chain as rendering
from safebench.rendering import renderer
from safebench.rendering.chain import RenderJob, recognise, render_batch
from safebench.rendering.pool import WorkerDied, Workers
from safebench.rendering.recipes import load_recipes
from safebench.rendering.recognition import RecogniserCache
from safebench.rendering.renderer import Renderer, RenderSettings, at_once
from safebench.runs import run as running
from safebench.runs.config import make_config
from safebench.store.store import Store
from safebench.types import Fidelity, Media, Query, Rendering
from tests.fixture_types import WriteJsonl
from tests.media_files import recorded

RECIPE = load_recipes()["image", "typographic"]
CLIP = Media.of("audio", "audio/wav", b"a clip")
SOUND = np.random.default_rng(1).normal(0, 0.1, 16_000) * (np.arange(16_000) // 2_000 % 2)
WHISPER = "openai-transcriptions:whisper-1"


class Here(Workers):
    """Works in this process, and dies of every batch with a certain query."""

    def __init__(self, deadly: str = "") -> None:
        super().__init__(2)
        self.deadly = deadly
        self.batches: list[str] = []

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if function is recognise:
            return "nothing"
        if function is not render_batch:
            return function(*arguments)
        texts = [job.query.text for job in arguments[0]]
        self.batches.append("".join(texts))
        await asyncio.sleep(0)
        if self.deadly in texts:
            raise WorkerDied("the worker process ended")
        return function(*arguments)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run") as store:
        yield store


@pytest.fixture
def in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    class Batching(Typographic):
        batch = 4

    monkeypatch.setattr(rendering, "_converter", lambda step: Batching())
    monkeypatch.setattr(renderer, "GATHERED", 0.5)  # longer than any pause of a busy machine


async def render(texts: str, workers: Workers, store: Store) -> list[Any]:
    rendering_all = Renderer(store, RecogniserCache(workers), None, RenderSettings(check_share=0.0))
    jobs = [RenderJob(Query(f"q-{text}", text), RECIPE) for text in texts]
    return list(await asyncio.gather(*(rendering_all.rendering(job) for job in jobs)))


async def test_one_at_a_time_is_one_call_for_each(store: Store) -> None:
    workers = Here()
    assert at_once([RECIPE], workers) == at_once([], workers) == 4
    found = await render("abc", workers, store)
    assert workers.batches == ["a", "b", "c"]
    assert all(one.faithful for one in found)


@pytest.mark.usefixtures("in_batches")
async def test_queries_of_one_recipe_are_gathered_and_each_keeps_its_own(store: Store) -> None:
    workers = Here()
    assert at_once([RECIPE], workers) == 16
    found = await render("abcdef", workers, store)
    assert workers.batches == ["abcd", "ef"]
    alone = [Typographic().convert(rendering.Work(Query("x", text), text)) for text in "abcdef"]
    assert [one.media.sha256 for one in found] == [media.sha256 for media in alone]
    assert [store.rendering(one.key) is not None for one in found] == [True] * 6


@pytest.mark.usefixtures("in_batches")
async def test_a_query_that_kills_its_worker_takes_no_other_with_it(store: Store) -> None:
    workers = Here(deadly="c")
    found = await render("abcd", workers, store)
    assert workers.batches == ["abcd", "ab", "cd", "c", "d"]
    assert [one.failure.type if one.failure else None for one in found] == [None, None, "WorkerDied", None]
    assert "q-c" in str(found[2].failure)


@pytest.mark.usefixtures("in_batches")
async def test_what_is_kept_or_under_way_is_in_no_batch_again(store: Store) -> None:
    workers = Here()
    first = await render("aab", workers, store)
    again = await render("abc", workers, store)
    assert workers.batches == ["ab", "c"]
    assert [one.key for one in first[1:]] == [one.key for one in again[:2]]


class Brought:
    """Speech that came with the data."""

    def rendering(self, job: RenderJob) -> Rendering:
        return Rendering(job.recipe.name, job.key, CLIP, Fidelity("unchecked"))


class Folder:
    """Speech that passed before, in a form that a decoder reads, or a plain one."""

    def __init__(self, samples: Any, kind: str = "FLAC") -> None:
        self.media = Media.of("audio", f"audio/{kind.lower()}", recorded(samples, kind=kind))

    def rendering(self, job: RenderJob) -> Rendering:
        return Rendering(job.recipe.name, job.key, self.media, Fidelity("passed"))


async def test_what_passed_before_is_looked_at_by_a_worker_from_its_file(store: Store) -> None:
    class Sending(Here):
        async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
            result = await super().run(function, *arguments)
            ways.extend((len(pickle.dumps(arguments)), len(pickle.dumps(result))))
            return result

    ways: list[int] = []  # bytes to the worker, and back
    job = RenderJob(Query("q1", "a"), load_recipes()["audio", "us-female"])
    for samples, status in ((SOUND, "passed"), (np.zeros(16_000), "failed")):
        rendering_all = Renderer(store, RecogniserCache(Sending()), Folder(samples), RenderSettings())
        job = replace(job, query=replace(job.query, id=status))
        assert (await rendering_all.rendering(job)).fidelity.status == status
    assert len(ways) == 4
    assert max(ways) < 10_000  # a second of sound is 32,000


async def test_what_passed_before_and_takes_no_decoder_is_looked_at_without_a_worker(store: Store) -> None:
    class Nobody(Here):
        async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
            raise AssertionError(function)

    job = RenderJob(Query("q1", "a"), load_recipes()["audio", "us-female"])
    for samples, status in ((SOUND, "passed"), (np.zeros(16_000), "failed")):
        rendering_all = Renderer(store, RecogniserCache(Nobody()), Folder(samples, "WAV"), RenderSettings())
        job = replace(job, query=replace(job.query, id=status))
        made = await rendering_all.rendering(job)
        assert made.fidelity.status == status
        assert made.media is not None
        assert isinstance(made.media.source, Path)


async def test_what_passed_before_and_kills_its_worker_costs_its_own_query_alone(store: Store) -> None:
    class Killing(Workers):
        async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
            return await super().run(os._exit, 1)

    workers = Killing(1)
    rendering_all = Renderer(store, RecogniserCache(workers), Folder(np.zeros(16_000)), RenderSettings())
    made = await rendering_all.rendering(RenderJob(Query("q1", "a"), load_recipes()["audio", "us-female"]))
    workers.close()
    assert made.failure is not None
    assert (made.failure.type, made.media) == ("WorkerDied", None)


async def test_a_control_that_was_brought_is_sent_whole_or_not_at_all(store: Store) -> None:
    control = load_recipes()["audio", "silence"]
    for samples, size, sent in ((np.zeros(16_000), 32_044, True), (np.zeros(16_000), 20_000, False)):
        made = Folder(samples, "WAV")
        made.media = Media.of("audio", "audio/wav", made.media.read()[:size])
        rendering_all = Renderer(store, RecogniserCache(Here()), made, RenderSettings())
        rendered = await rendering_all.rendering(RenderJob(Query(f"q{size}", "a"), control))
        assert rendered.faithful is sent
        assert (rendered.failure is None) is sent


async def test_nothing_is_read_back_or_transcribed_beyond_the_budget(store: Store) -> None:
    workers, recipe = Here(), load_recipes()["audio", "us-female"]
    budget = Budget(store, CallLimits(calls=2), read_prices())
    workers.calls = MediaCalls(store, budget)
    cache = RecogniserCache(workers)
    assert await cache.recognise(WHISPER, CLIP) == "nothing"
    for _ in range(2):
        budget.admit()
        budget.returned()
    with pytest.raises(BudgetSpent):
        await cache.recognise(WHISPER, Media.of("audio", "audio/wav", b"another"))
    rendering_all = Renderer(store, cache, Brought(), RenderSettings(recognisers={"audio": WHISPER}))
    with pytest.raises(BudgetSpent):
        await rendering_all.rendering(RenderJob(Query("q", "How?"), recipe))


def test_what_a_rendering_asks_is_what_it_asks_in_all_its_tries() -> None:
    recipe = load_recipes()["audio", "us-female"].model_copy(update={"tries": 3})
    job = RenderJob(Query("q", "How?"), recipe, recogniser=WHISPER)
    assert rendering.asked_by(job) == [ModelCalls("openai:whisper-1", 3)]
    assert rendering.asked_in_reading(job) == [ModelCalls("openai:whisper-1", 1)]
    assert rendering.asked_by(replace(job, check=False)) == []


@pytest.fixture
def data(write_jsonl: WriteJsonl) -> str:
    return str(write_jsonl([{"query": letter} for letter in "abcdefghijklmnopq"]))


@pytest.mark.usefixtures("in_batches")
def test_a_conversion_fills_its_batches(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Here()
    monkeypatch.setattr(converting, "Workers", lambda count: workers)
    wanted = {"data": data, "conditions": ["image"], "out": str(tmp_path / "out"), "check_share": 0.0}
    converting.convert(make_convert_config("test", **wanted))
    assert workers.batches == ["abcd", "efgh", "ijkl", "mnop", "q"]


@pytest.mark.usefixtures("in_batches")
def test_a_run_fills_its_batches(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Here()
    monkeypatch.setattr(running, "Workers", lambda count: workers)
    told = {"data": data, "target": "reference", "out": str(tmp_path / "run"), "check_share": 0.0, "max_open": 1.0}
    running.run(make_config("test", conditions=["image", "text"], **told))
    assert workers.batches == ["abcd", "efgh", "ijkl", "mnop", "q"]
