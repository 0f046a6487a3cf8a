from __future__ import annotations

import asyncio

import pytest

from safebench.concurrency import each, together
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
