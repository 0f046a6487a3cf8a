from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from safebench.concurrency import block_on, each, together
from safebench.errors import Stopping


async def test_results_come_in_order_and_no_more_than_so_many_are_at_work() -> None:
    at_work, most = 0, 0

    async def work(number: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01 / (1 + number))
        at_work -= 1
        return -number

    assert await each(range(7), work, 3) == [0, -1, -2, -3, -4, -5, -6]
    assert most == 3


async def test_after_one_that_stops_nothing_is_begun_and_those_at_work_end() -> None:
    begun, ended = [], []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0)
        if number == 0:
            raise Stopping("the budget is spent")
        await asyncio.sleep(0.01)
        ended.append(number)

    with pytest.raises(Stopping, match="the budget is spent"):
        await each(range(9), work, 3)
    assert (begun, ended) == ([0, 1, 2], [1, 2])


async def test_a_stop_begins_nothing_new_and_is_told() -> None:
    stop, begun = asyncio.Event(), []

    async def work(number: int) -> None:
        begun.append(number)
        stop.set()

    with pytest.raises(Stopping):
        await each(range(9), work, 1, stop)
    assert begun == [0]


async def test_the_first_error_is_raised_itself_and_ends_the_others() -> None:
    ended = []

    async def fail() -> None:
        raise OSError("No space left")

    async def go_on() -> None:
        await asyncio.sleep(5)
        ended.append(True)

    with pytest.raises(OSError, match="No space left"):
        await together(go_on(), fail())
    assert ended == []


async def test_of_nothing_there_is_nothing() -> None:
    async def work(number: int) -> int:
        return number

    assert await each([], work, 4) == []


async def in_which_thread() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


def test_what_is_waited_for_runs_here() -> None:
    assert block_on(in_which_thread()) == threading.get_ident()


async def test_inside_a_running_loop_it_runs_in_a_thread() -> None:
    assert block_on(in_which_thread()) != threading.get_ident()


async def test_what_it_raises_in_a_thread_reaches_the_caller() -> None:
    with pytest.raises(Stopping, match="the budget is spent"):
        block_on(raising(Stopping("the budget is spent")))


async def raising(error: BaseException) -> None:
    raise error


INTERRUPTED = """
import asyncio, os, signal, threading
from safebench.concurrency import block_on
from safebench.errors import Interrupted, Stopping
from safebench.stopping import on_interrupt

def ctrl_c(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()

async def orderly():
    stop = asyncio.Event()
    with on_interrupt(stop, "the same call"):
        await stop.wait()
        raise Stopping

async def stubborn():
    with on_interrupt(asyncio.Event(), "the same call", lambda: print("killed", flush=True)):
        await asyncio.sleep(600)

async def early():
    await asyncio.sleep(600)

async def cell():  # as in a kernel, whose loop leaves SIGINT to Python
    for work, times in ((orderly, [0.3]), (stubborn, [0.3, 0.6]), (early, [0.3])):
        for seconds in times:
            ctrl_c(seconds)
        try:
            block_on(work())
        except (Interrupted, KeyboardInterrupt) as error:
            print(work.__name__, type(error).__name__, flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.new_event_loop().run_until_complete(cell())
"""


def test_ctrl_c_in_a_running_loop_stops_in_order_and_the_second_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "orderly Interrupted", "killed", "stubborn Interrupted", "early KeyboardInterrupt",
    ]  # fmt: skip
