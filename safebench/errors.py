"""Errors a user can act on. Each names the value, where it came from and what to do."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

EXHAUSTED = frozenset(  # disk, quota, memory, or files that may be open
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
)


class SafeBenchError(Exception):
    """Base of all errors that end a command with one clear line."""


class BadInput(SafeBenchError):
    """Wrong input, found before work begins. `problems` has one line for each thing that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


OWN_ENVIRONMENT = frozenset({"inspect", "vllm"})  # extras whose versions do not go with those of the others


class MissingPackage(BadInput):
    """A plug-in was chosen whose Python packages are not installed."""

    def __init__(self, what: str, packages: Sequence[str], extra: str | None) -> None:
        command = f"pip install 'safebench[{extra}]'" if extra else f"pip install {' '.join(packages)}"
        if extra in OWN_ENVIRONMENT:
            command += " in an environment of its own"
        super().__init__(f"{what} needs {', '.join(packages)}, which is not installed: {command}")
        self.command = command
        self._made_from = (what, packages, extra)

    def __reduce__(self) -> tuple[type[MissingPackage], tuple[str, Sequence[str], str | None]]:
        return MissingPackage, self._made_from  # so that it can come back from a worker process


class BrokenMedia(SafeBenchError):
    """A picture or clip has not the length that it was recorded with, in bytes."""

    def __init__(self, where: str, size: int, length: int) -> None:
        super().__init__(
            f"media {where}: {length} bytes in place of {size}; put the file back from a copy, or make it again"
        )
        self._made_from = (where, size, length)

    def __reduce__(self) -> tuple[type[BrokenMedia], tuple[str, int, int]]:
        return BrokenMedia, self._made_from


class ConversionError(SafeBenchError):
    """A converter could not make faithful media from this text. The item ends as `not_rendered`; the run goes on."""


class TargetRefusesService(SafeBenchError):
    """The endpoint will answer nothing at all (wrong key, unknown model): the run stops, nothing is lost."""


class Stopping(SafeBenchError):
    """The work is being stopped: nothing new is begun."""


class BudgetSpent(Stopping):
    """No further call may be made; what was recorded stays."""


class Interrupted(SafeBenchError):
    """The user stopped a run; `command` continues it."""

    def __init__(self, command: str) -> None:
        super().__init__(f"interrupted; continue with: {command}")
        self.command = command


def is_of_the_system(error: BaseException) -> bool:
    """Whether the machine has run out of something: nobody's answer, and no fault of what was at work."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in EXHAUSTED)


def raise_of_the_system(error: BaseException) -> None:
    """At a boundary that makes data of errors: raises the error of the system that it is, or was made from.

    Memory that a decoder could not get is left to what the decoder made of it: damaged media ask for far too much.
    """
    if isinstance(error, MemoryError):
        raise error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and is_of_the_system(cause):
            raise cause
        cause = cause.__cause__


@contextmanager
def one_error() -> Iterator[None]:
    """Around a task group: raises the first error of its tasks itself, whatever it is, and not the group around it."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from error.__cause__


def unknown(kind: str, value: str, known: Iterable[str], where: str = "") -> BadInput:
    """An error for a name that is not known, with the nearest known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return BadInput(f"unknown {kind} {value!r}{f' in {where}' if where else ''}; {hint}")


def check_known(kind: str, value: str, known: Collection[str], where: str = "") -> None:
    """Raises that error for a name that is not known."""
    if value not in known:
        raise unknown(kind, value, known, where)
