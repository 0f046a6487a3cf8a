"""Turns at endpoints for what worker processes ask; the workers are threads here but for one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from safebench.errors import ConversionError, Stopping
from safebench.models.calls import Budget, CallLimits, MediaCalls
from safebench.models.client import Endpoint, EndpointOptions
from safebench.models.pacing import FIRST, Paces, lent_turns, turn_at
from safebench.models.prices import read_prices
from safebench.plugins import ModelCalls
from safebench.progress import NoProgress
from safebench.rendering.pool import Workers
from safebench.rendering.turns import Lender
from safebench.store.store import Store
from safebench.testing.server import Reply, dropped, error
from tests.fixture_types import Serve

SOON = 30.0  # s in which whoever is sent home is there


@asynccontextmanager
async def lending(paces: Paces) -> AsyncIterator[str]:
    lender = Lender(paces)
    yield await lender.place()
    lender.close()


def spoken(url: str, retries: int = 0) -> bytes:
    one = Endpoint(EndpointOptions(model="m", base_url=url, retries=retries), "converter 'any'")
    return bytes(one.ask(one.client.audio.speech.with_raw_response.create, model="m", voice="v", input="Hi.").content)


def in_turn(place: str, url: str, retries: int = 0) -> bytes:
    with lent_turns(place):
        return spoken(url, retries)


def replying(serve: Serve, *replies: Reply) -> str:
    return serve(lambda call: replies[call.number]).url


async def test_each_attempt_takes_a_turn_and_a_wait_that_is_told_is_one_for_all(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = replying(serve, error(429, retry_after="1"), error(503), Reply(b"RIFF"))
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    paces, begun = Paces("auto"), time.monotonic()
    async with lending(paces) as place:
        assert await asyncio.to_thread(in_turn, place, url, 2) == b"RIFF"
        rule = paces.of(url).rule
        await until(lambda: not rule.in_flight)  # the last answer is told when it is there
    assert (rule.begun, rule.refusals) == (3, 2)
    assert time.monotonic() - begun >= 1
    assert slept[0] < 0.01  # its turn comes after that
    assert slept[1] > 0.1  # of this nothing is told


async def test_an_attempt_without_an_answer_is_in_flight_no_more(serve: Serve) -> None:
    paces, url = Paces("auto"), replying(serve, dropped())
    lost: list[object] = []
    paces.of(url).rule.lost = lambda *told: lost.append(told)  # type: ignore[method-assign]
    async with lending(paces) as place:
        with pytest.raises(ConversionError):
            await asyncio.to_thread(in_turn, place, url)
        await until(lambda: lost)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not is_so():  # noqa: ASYNC110  a worker sets no event
            await asyncio.sleep(0.01)


async def test_a_model_that_is_chatted_with_takes_its_turns_as_well() -> None:
    async def chat() -> None:
        with lent_turns(place):
            async with turn_at("http://a/v1") as one, turn_at("http://a/v1") as other:
                one.replied(200, {}, b"")
                other.replied(429, {"retry-after": "7"}, b"")

    paces = Paces("auto")
    async with lending(paces) as place:
        await asyncio.to_thread(asyncio.run, chat())
        await until(lambda: paces.of("http://a/v1").rule.refusals)
    rule = paces.of("http://a/v1").rule
    assert (rule.begun, rule.refusals) == (2, 1)


def waiting(place: str, url: str) -> tuple[threading.Thread, list[object]]:
    """A worker, and how it ended."""
    ended: list[object] = []

    def work() -> None:
        try:
            ended.append(in_turn(place, url))
        except Stopping as stopping:
            ended.append(stopping)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, ended


async def paused(paces: Paces, url: str) -> None:
    async with paces.of(url).turn() as turn:
        turn.replied(429, {"retry-after": "500"}, b"")


@pytest.mark.parametrize("how", ["interrupted", "closed"])
async def test_whoever_waits_for_a_turn_is_sent_home(serve: Serve, how: str) -> None:
    """Where the work is closed no event loop goes on: it waits for the workers."""
    stop = asyncio.Event()
    paces, url = Paces("auto", stop), replying(serve)
    await paused(paces, url)
    lender = Lender(paces)
    thread, ended = waiting(await lender.place(), url)
    await until(lambda: lender._lines)
    await asyncio.sleep(0.2)
    if how == "interrupted":
        stop.set()
        await asyncio.to_thread(thread.join, SOON)
    else:
        lender.close()
        thread.join(SOON)
    lender.close()
    assert [type(one) for one in ended] == [Stopping]


@pytest.mark.parametrize("steps", range(6))
async def test_whoever_comes_while_the_work_is_closed_is_sent_home(serve: Serve, steps: int) -> None:
    """At some of these steps of the event loop the connection is taken, and no task has it yet."""
    lender, url = Lender(Paces(1)), replying(serve)
    thread, ended = waiting(await lender.place(), url)
    time.sleep(0.3)  # noqa: ASYNC251  it comes, and nobody meets it
    for _ in range(steps):
        await asyncio.sleep(0)
    lender.close()
    thread.join(5)
    assert [type(one) for one in ended] == [Stopping]


def test_what_closes_after_its_event_loop_sends_all_home_and_prints_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    url = replying(serve)

    async def work() -> tuple[Lender, list[tuple[threading.Thread, list[object]]]]:
        paces = Paces(1)
        await paused(paces, url)
        lender = Lender(paces)
        workers = [waiting(await lender.place(), url) for _ in range(3)]
        await until(lambda: len(lender._lines) == 3)
        return lender, workers

    lender, workers = asyncio.run(work())
    lender.close()
    for thread, ended in workers:
        thread.join(5)
        assert [type(one) for one in ended] == [Stopping]
    assert not caplog.records


async def test_after_the_work_nobody_begins_an_attempt(serve: Serve) -> None:
    async with lending(Paces("auto")) as place:
        pass
    with pytest.raises(Stopping):
        in_turn(place, replying(serve))
    assert not Path(place).parent.exists()


async def test_what_a_worker_process_asks_takes_its_turn(serve: Serve, tmp_path: Path) -> None:
    url, workers = replying(serve, Reply(b"RIFF")), Workers(1)
    asks: Sequence[ModelCalls] = [ModelCalls("openai:m")]
    lines: list[str] = []

    class Listening(NoProgress):
        def paced(self, line: str) -> None:
            lines.append(line)

    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(), read_prices(None), progress=Listening())
        workers.calls = MediaCalls(store, budget)
        async with workers.admitted(lambda: asks):
            assert await workers.run(spoken, url) == b"RIFF"
        workers.close()
        assert workers.calls.paces.of(url).rule.begun == 1
    assert lines == [f"at most {FIRST} at {url}"]
