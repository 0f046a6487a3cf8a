"""Ctrl-C: the first one stops in order, the second one at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from safebench.errors import Interrupted, Stopping


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
