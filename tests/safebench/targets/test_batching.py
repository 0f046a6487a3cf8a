from __future__ import annotations

import asyncio

import pytest

from safebench.targets.batching import Batcher


class OutOfMemoryError(RuntimeError):
    """As torch's."""


class Machine:
    """Doubles numbers, as many at once as fit; remembers its batches."""

    def __init__(self, fits: int = 100) -> None:
        self.fits = fits
        self.batches: list[list[int]] = []

    def work(self, asked: list[int]) -> list[int]:
        self.batches.append(asked)
        if len(asked) > self.fits:
            raise OutOfMemoryError
        if 13 in asked:
            raise ValueError("13 cannot be doubled")
        return [2 * number for number in asked]


async def put(machine: Machine, numbers: list[int], batch_size: int) -> list[int | BaseException]:
    batcher: Batcher[int, int] = Batcher(machine.work, lambda number: number, batch_size)
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
    batcher: Batcher[int, int] = Batcher(machine.work, lambda number: number, size)
    assert await batcher.put(1) == 2
    assert await batcher.put(2) == 4
    assert machine.batches == [[1], [2]]
