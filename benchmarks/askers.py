"""Who asks in the benchmarks of calls: SafeBench, loops around clients, inspect_ai.

Each function imports what it needs and gives back `ask(items)`, which puts the first so many items to the server.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from asked import AT_ONCE, CARRIERS, JURORS, MEDIA, RECIPES, SCHEMA, Prompts, data, media_file, messages, pack

Ask = Callable[[int], None]
Call = Callable[[dict[str, Any]], Awaitable[str]]  # the body of a request -> the answer
Open = Callable[[str], tuple[Call, Callable[[], Awaitable[None]]]]  # a URL -> a client's call, and what closes it


def safebench(folder: Path, job: str, url: str, texts: list[str]) -> Ask:
    """A run as `safebench run` makes it. What it needs is packed in another process, whose memory is not counted."""
    packing = multiprocessing.get_context("spawn").Process(target=pack, args=(folder, job, texts))
    packing.start()
    packing.join()

    from safebench.runs.config import RunConfig
    from safebench.runs.run import run

    jurors = [{"model": "openai:fast", "name": f"juror-{n}", "role": role} for n, role in enumerate(JURORS)]
    runs = count()

    def ask(items: int) -> None:
        config = RunConfig(
            data=str(data(folder, job)),
            limit=items,
            conditions=(f"{job}:{RECIPES[job]}" if job in MEDIA else "text",),
            target="openai:fast",
            base_url=url,
            jury={"defaults": {"base_url": url}, "jurors": jurors} if job == "jury" else {"jurors": [RULE]},
            out=str(folder / f"run-{next(runs)}"),
            concurrency=AT_ONCE,
            preflight=False,  # once a run, whatever its size, as a recogniser's start is
            recognisers=("none",),  # nobody else reads back what passed, or has one ready for answers in speech
        )
        result = run(config)
        assert [*result.counts.values()] == [{"refused": items}], result.counts

    return ask


RULE = {"juror": "opening"}


def bare(open: Open) -> Callable[[Path, str, str, list[str]], Ask]:
    """A loop around a client's call, as many items at once as calls may be in flight. Nothing is checked or kept."""

    def make(folder: Path, job: str, url: str, texts: list[str]) -> Ask:
        prompts = Prompts()

        async def go(items: int) -> None:
            call, close = open(url)
            slots = asyncio.Semaphore(AT_ONCE)
            left = iter(range(items))

            async def put(body: dict[str, Any]) -> str:
                async with slots:
                    return await call({"model": "fast", **body})

            async def juror(role: str, text: str, answer: str) -> None:
                system, user = prompts.ballot(role, text, answer)
                turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
                schema = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
                assert json.loads(await put({"messages": turns, "response_format": schema}))["label"] == "refused"

            async def work() -> None:
                for item in left:
                    answer = await put({"messages": messages(folder, job, texts[item], item)})
                    assert answer.startswith("I'm sorry")
                    if job == "jury":
                        await asyncio.gather(*(juror(role, texts[item], answer) for role in JURORS))

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            await close()

        return lambda items: asyncio.run(go(items))

    return make


def openai_client(transport: str | None) -> Open:
    """The client on one of its transports; None: the one that it takes by itself."""

    def open(url: str) -> tuple[Call, Callable[[], Awaitable[None]]]:
        import openai

        http = getattr(openai, transport)() if transport else None
        client = openai.AsyncOpenAI(api_key="none", base_url=url, http_client=http)

        async def call(body: dict[str, Any]) -> str:
            return str((await client.chat.completions.create(**body)).choices[0].message.content)

        return call, client.close

    return open


def aiohttp_client(url: str) -> tuple[Call, Callable[[], Awaitable[None]]]:
    import aiohttp

    session = aiohttp.ClientSession()

    async def call(body: dict[str, Any]) -> str:
        async with session.post(f"{url}/chat/completions", json=body) as reply:
            return str((await reply.json())["choices"][0]["message"]["content"])

    return call, session.close


def inspect(folder: Path, job: str, url: str, texts: list[str]) -> Ask:
    """An evaluation as `inspect eval` makes it: `generate`, a scorer, and the log."""
    os.environ |= {"BENCH_BASE_URL": url, "BENCH_API_KEY": "none", "INSPECT_LOG_DIR": str(folder / "logs")}
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import (
        ChatMessageSystem,
        ChatMessageUser,
        ContentAudio,
        ContentImage,
        ContentText,
        GenerateConfig,
        ResponseSchema,
        get_model,
    )
    from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
    from inspect_ai.solver import TaskState, generate
    from inspect_ai.util import JSONSchema

    prompts, model = Prompts(), "openai-api/bench/fast"
    schema = ResponseSchema(name="answer", json_schema=JSONSchema.model_validate(SCHEMA), strict=True)

    def asked_with(item: int) -> str | list[ChatMessageUser]:
        if job not in MEDIA:
            return texts[item]
        file = str(media_file(folder, job, item))
        part = ContentImage(image=file) if job == "image" else ContentAudio(audio=file, format="wav")
        return [ChatMessageUser(content=[ContentText(text=CARRIERS[job]), part])]

    async def juror(role: str, text: str, answer: str) -> bool:
        system, user = prompts.ballot(role, text, answer)
        asked = [ChatMessageSystem(content=system), ChatMessageUser(content=user)]
        reply = await get_model(model).generate(asked, config=GenerateConfig(response_schema=schema))
        return bool(json.loads(reply.completion)["label"] == "refused")

    @scorer(metrics=[accuracy()])
    def judged() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            answer = state.output.completion
            if job != "jury":
                return Score(value=answer.startswith("I'm sorry"))
            votes = await asyncio.gather(*(juror(role, target.text, answer) for role in JURORS))
            return Score(value=sum(votes) > 2)

        return score

    def ask(items: int) -> None:
        samples = [Sample(id=n + 1, input=asked_with(n), target=texts[n]) for n in range(items)]
        task = Task(MemoryDataset(samples), solver=generate(), scorer=judged())
        (log,) = eval(task, model, display="none", max_connections=AT_ONCE, max_samples=AT_ONCE)
        assert log.results is not None, log.error
        assert log.results.scores[0].metrics["accuracy"].value == 1

    return ask


ASKERS: dict[str, Callable[[Path, str, str, list[str]], Ask]] = {
    "safebench": safebench,
    "openai": bare(openai_client("DefaultAioHttpClient")),
    "openai-default": bare(openai_client(None)),
    "aiohttp": bare(aiohttp_client),
    "inspect": inspect,
}
