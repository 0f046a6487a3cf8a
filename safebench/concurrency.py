"""Work in event loops: many pieces at once, of which the first error is raised itself; and one that is waited for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from safebench.errors import Stopping, one_error

Given = TypeVar("Given")
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


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


def block_on(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work results in, also where an event loop is running already, as in a notebook.

    There it has a loop of its own in a thread, to which the caller, who waits, passes ctrl-C on.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    loop = _ThreadLoop()
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(copy_context().run, _run, loop, work)
        while True:
            try:
                return ended.result()
            except KeyboardInterrupt:
                if ended.done():
                    raise
                with suppress(RuntimeError):  # it ended in this very moment
                    loop.call_soon_threadsafe(loop.interrupt)


class _ThreadLoop(asyncio.SelectorEventLoop):
    """Signals come to the main thread alone: this loop handles those that it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers: dict[int, Callable[[], object]] = {}

    def add_signal_handler(self, sig: int, callback: Callable[[*Arguments], Any], *args: *Arguments) -> None:
        self._handlers[sig] = partial(callback, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self._handlers.pop(sig, None) is not None

    def interrupt(self) -> None:
        """As SIGINT does in a main thread: what is to be done about it or, without that, an end of all tasks."""
        if signal.SIGINT in self._handlers:
            self._handlers[signal.SIGINT]()
            return
        for task in asyncio.all_tasks(self):
            task.cancel()


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            return runner.run(work)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
