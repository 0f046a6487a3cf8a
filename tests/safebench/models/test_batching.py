from __future__ import annotations

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from safebench.models.batching import Batcher


class OutOfMemoryError(RuntimeError):
    """As torch's."""


class Machine:
    """Doubles numbers, as many at once as fit; remembers its batches."""

    def __init__(self, fits: int = 100) -> None:
        self.fits = fits
        self.batches: list[list[int]] = []

    async def work(self, asked: list[int]) -> list[int]:
        self.batches.append(asked)
        if len(asked) > self.fits:
            raise OutOfMemoryError
        if 13 in asked:
            raise ValueError("13 cannot be doubled")
        return [2 * number for number in asked]


async def put(machine: Machine, numbers: list[int], batch_size: int) -> list[int | BaseException]:
    batcher: Batcher[int, int] = Batcher(machine.work, batch_size, size=lambda number: number)
    try:
        return await asyncio.gather(*(batcher.put(number) for number in numbers), return_exceptions=True)
    finally:
        await batcher.close()


async def test_what_is_asked_together_goes_together_sorted_by_size() -> None:
    machine = Machine()
    assert await put(machine, [5, 3, 9, 1, 7], 2) == [10, 6, 18, 2, 14]
    assert machine.batches == [[1, 3], [5, 7], [9]]


async def test_a_batch_that_does_not_fit_is_halved_and_the_smaller_size_kept() -> None:
    machine = Machine(fits=2)
    assert await put(machine, list(range(1, 13)), 8) == [2 * n for n in range(1, 13)]
    assert [len(batch) for batch in machine.batches] == [8, 4, 2, 2, 4, 2, 2, 2, 2]


async def test_a_failed_batch_leaves_the_memory_before_its_halves_are_tried() -> None:
    class Tensor:
        pass

    held: weakref.WeakSet[Tensor] = weakref.WeakSet()
    found_held: list[int] = []

    def generate(asked: list[int]) -> list[int]:
        found_held.append(len(held))
        tensor = Tensor()
        held.add(tensor)
        if len(asked) > 1:
            raise OutOfMemoryError
        return asked

    async def work(asked: list[int]) -> list[int]:
        return await asyncio.get_running_loop().run_in_executor(thread, generate, asked)

    thread = ThreadPoolExecutor(1)  # as the target has: of several, one may still hold the error when the next begins
    batcher: Batcher[int, int] = Batcher(work, 8)
    gc.disable()  # a reference that only a collection finds is one too many: the next attempt comes at once
    try:
        assert await asyncio.gather(*(batcher.put(number) for number in range(8))) == list(range(8))
    finally:
        gc.enable()
        thread.shutdown()
    assert found_held == [0] * 15


async def test_only_the_one_that_cannot_be_answered_fails() -> None:
    machine = Machine()
    found = await put(machine, [12, 13, 14, 15], 4)
    assert [found[0], *found[2:]] == [24, 28, 30]
    assert isinstance(found[1], ValueError)


async def test_one_that_does_not_fit_alone_fails_with_the_reason() -> None:
    (found,) = await put(Machine(fits=0), [1], 4)
    assert isinstance(found, OutOfMemoryError)


@pytest.mark.parametrize("size", [1, 3])
async def test_later_ones_get_a_batch_of_their_own(size: int) -> None:
    machine = Machine()
    batcher: Batcher[int, int] = Batcher(machine.work, size)
    assert await batcher.put(1) == 2
    assert await batcher.put(2) == 4
    assert machine.batches == [[1], [2]]


class Slow(Machine):
    """Holds every batch until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def work(self, asked: list[int]) -> list[int]:
        answers = await super().work(asked)
        await self.go.wait()
        return answers


def put_into(batcher: Batcher[int, int], *numbers: int) -> asyncio.Future[list[int]]:
    return asyncio.gather(*(batcher.put(number) for number in numbers))


async def test_a_full_batch_goes_at_once_and_the_rest_waits_for_others() -> None:
    machine = Slow()
    batcher: Batcher[int, int] = Batcher(machine.work, 3, lanes=2, gathered=0.05)
    first = put_into(batcher, 1, 2, 3, 4)
    await asyncio.sleep(0.01)
    assert machine.batches == [[1, 2, 3]]
    second = put_into(batcher, 5)
    await asyncio.sleep(0.2)
    assert machine.batches == [[1, 2, 3], [4, 5]]
    machine.go.set()
    assert [*await first, *await second] == [2, 4, 6, 8, 10]


async def test_what_waits_fills_on_while_no_lane_is_free() -> None:
    machine = Slow()
    batcher: Batcher[int, int] = Batcher(machine.work, 3, gathered=0.01)
    first = put_into(batcher, 1)
    await asyncio.sleep(0.1)
    second = put_into(batcher, 2)
    await asyncio.sleep(0.1)
    third = put_into(batcher, 3)
    machine.go.set()
    assert [*await first, *await second, *await third] == [2, 4, 6]
    assert machine.batches == [[1], [2, 3]]


async def test_one_who_waits_no_longer_leaves_the_others_their_answers() -> None:
    machine = Slow()
    batcher: Batcher[int, int] = Batcher(machine.work, 2)
    gone, stays = asyncio.create_task(batcher.put(1)), asyncio.create_task(batcher.put(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    machine.go.set()
    assert await stays == 4


async def test_too_few_answers_leave_nobody_waiting() -> None:
    async def work(asked: list[int]) -> list[int]:
        return asked[1:]

    batcher: Batcher[int, int] = Batcher(work, 2)
    found = await asyncio.gather(batcher.put(1), batcher.put(2), return_exceptions=True)
    assert all(isinstance(one, ValueError) for one in found)
