"""Runs work in a forked child, for engines whose output depends on what the process said before."""

from __future__ import annotations

import errno
import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from typing import NoReturn

DONE, FAILED, OF_THE_SYSTEM = b"\0", b"\1", b"\2"  # before an answer, a reason why there is none, a number of errno


class ChildFailed(Exception):
    """The work raised, crashed, or did not end in time; nothing of it is left.

    One of the system, such as no more files that may be open, is its cause.
    """


def reason(error: BaseException) -> bytes:
    """How an error travels; `raise_reason` is the other end."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    if isinstance(number, int):
        return OF_THE_SYSTEM + str(number).encode()
    return FAILED + (str(error) or type(error).__name__).encode("utf-8", "replace")


def raise_reason(sent: bytes) -> NoReturn:
    """Raises ChildFailed."""
    text = sent[1:].decode("utf-8", "replace")
    if sent[:1] == OF_THE_SYSTEM:
        error = OSError(int(text), os.strerror(int(text)))
        raise ChildFailed(error.strerror) from error
    raise ChildFailed(text)


def run_forked(work: Callable[[], bytes], timeout: float) -> bytes:
    """What `work` returns in a child of this process. Raises ChildFailed when it fails or takes over `timeout` s."""
    read, write = os.pipe()
    child = _fork()
    if child == 0:
        os.close(read)
        _work_and_leave(work, write)
    os.close(write)
    try:
        answer = _read_all(read, time.monotonic() + timeout)
    except BaseException:  # interrupted or out of time: the child must not outlive the call
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(read)
        _, status = os.waitpid(child, 0)
    return _result(answer, os.waitstatus_to_exitcode(status))


def _fork() -> int:
    # Python 3.12 warns of forks beside threads: a lock that one of them holds stays held. The child takes none.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _work_and_leave(work: Callable[[], bytes], pipe: int) -> NoReturn:
    """Leaves by os._exit whatever happens: the parent's exit handlers and buffers are not the child's to run."""
    status = 1
    try:
        status = _work(work, pipe)
    finally:
        os._exit(status)


def _work(work: Callable[[], bytes], pipe: int) -> int:
    try:
        answer, status = DONE + work(), 0
    except BaseException as error:  # noqa: BLE001  it travels to the parent
        answer, status = reason(error), 1
    with os.fdopen(pipe, "wb") as out:
        out.write(answer)
    return status


def _read_all(pipe: int, deadline: float) -> bytes:
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    chunks: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            raise ChildFailed("it did not end in time")
        chunk = os.read(pipe, 1 << 20)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _result(answer: bytes, status: int) -> bytes:
    if status < 0:
        raise ChildFailed(f"it crashed: {signal.Signals(-status).name}")
    if not answer:
        raise ChildFailed(f"it ended with exit status {status}")
    if status or answer[:1] != DONE:
        raise_reason(answer)
    return answer[1:]
