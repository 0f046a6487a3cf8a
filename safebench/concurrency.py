"""Many pieces of work at once, no more than so many, of which the first error is raised itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from safebench.errors import Stopping, one_error

Given = TypeVar("Given")
Result = TypeVar("Result")


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """All parts, until every one has ended. Raises the first error of theirs itself, and ends the others."""
    with one_error():
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)


async def each(
    given: Iterable[Given], work: Callable[[Given], Awaitable[Result]], width: int, stop: asyncio.Event | None = None
) -> list[Result]:
    """The results of all, in their order; at most `width` are at work.

    Once `stop` is set or one raises Stopping, nothing new is begun, those at work end, and Stopping is raised. Whatever
    else one raises ends the others.
    """
    results: dict[int, Result] = {}
    waiting = iter(enumerate(given))
    stopped: list[Stopping] = []

    async def go_on() -> None:
        for number, one in waiting:
            if stopped or (stop is not None and stop.is_set()):
                return
            try:
                results[number] = await work(one)
            except Stopping as error:
                stopped.append(error)

    await together(*(go_on() for _ in range(width)))
    if stop is not None and stop.is_set():
        raise Stopping
    if stopped:
        raise stopped[0]
    return [results[number] for number in range(len(results))]
