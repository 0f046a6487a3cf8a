"""The end of work: Ctrl-C, the first of which stops in order and the second at once; what was opened is closed."""

from __future__ import annotations

import asyncio
import shlex
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from safebench.errors import Interrupted, Stopping


def command_line(*words: object) -> str:
    """A command of ours as one types it, whatever is in its paths."""
    return shlex.join(["safebench", *map(str, words)])


@contextmanager
def on_interrupt(stop: asyncio.Event, command: str, kill: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Inside, SIGINT and SIGTERM set `stop`; a second one calls `kill` and cancels the running task.

    What is inside raises Stopping when it ended early because of `stop`. That, and being cancelled after `stop` was
    set, becomes Interrupted with the command that continues. Needs a running event loop.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def handle() -> None:
        if not stop.is_set():
            stop.set()
        elif task is not None:
            kill()
            task.cancel()

    signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in signals:
            loop.add_signal_handler(number, handle)
    except (RuntimeError, ValueError):  # not in the main thread: whoever runs us handles signals
        signals = ()
    try:
        yield
    except (Stopping, asyncio.CancelledError):
        if not stop.is_set():
            raise
        raise Interrupted(command) from None
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


class Closable(Protocol):
    """A target or a jury."""

    async def close(self) -> None: ...


async def close_all(*opened: Closable) -> None:
    """Close every one. What one of them raises is a warning: the work is done, and the others are closed as well."""
    for one in opened:
        try:
            await one.close()
        except Exception as error:  # noqa: BLE001  a third party's target may raise anything
            name = getattr(one, "name", type(one).__name__)
            warnings.warn(f"{name} could not be closed: {type(error).__name__}: {error}", stacklevel=2)
