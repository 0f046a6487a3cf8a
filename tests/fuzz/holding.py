"""What every case of the fuzzer is held to: no traceback, no hang, less than 1 GB, and nothing written elsewhere.

The share of a test is in thousandths of all cases: 500 in the gate, the same each time; as many as FUZZ_CASES says
where `make fuzz` looks for new ones. FUZZ_LOG is then a file that gets a line of JSON for each test.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer.main
from hypothesis import HealthCheck, Phase, settings

from safebench.cli.main import run_command

IN_THE_GATE = 500
CASES = int(os.environ.get("FUZZ_CASES", IN_THE_GATE))
SECONDS, CPU_SECONDS = 120.0, 10.0  # of one case: a hang, and work that grows too fast
MOST_MEMORY = 1_000_000_000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
OF_OTHERS = {"dev", "__pycache__", ".hypothesis"}  # folders in which Python and hypothesis write meanwhile
PLACES = {  # audit events that change files, with the arguments that are paths
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.utime"), (0,)),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink"), (1,)),
}


# --- how often


def fuzz(share: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As many cases of a test of hypothesis as its share is."""
    chosen = settings(
        max_examples=max(1, CASES * share // 1000),
        derandomize=CASES == IN_THE_GATE,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    def as_often(test: Callable[..., None]) -> Callable[..., None]:
        run = chosen(test)

        @wraps(run)
        def counted(*given: Any, **named: Any) -> None:
            before, started, failed = _cases.n, time.perf_counter(), True
            try:
                run(*given, **named)
                failed = False
            finally:
                seconds = round(time.perf_counter() - started, 1)
                _log({"test": test.__name__, "cases": _cases.n - before, "seconds": seconds, "failed": failed})

        return counted

    return as_often


class _Count:
    n = 0


_cases = _Count()


def _log(line: dict[str, Any]) -> None:
    if path := os.environ.get("FUZZ_LOG"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


# --- within which bounds


@contextmanager
def case() -> Iterator[Path]:
    """An empty folder, in which alone a case may write; what it may not do fails."""
    _cases.n += 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "case").resolve()
        folder.mkdir()
        with _in_memory(), _in_time(), _writing_in(folder):
            yield folder


@contextmanager
def _writing_in(folder: Path) -> Iterator[None]:
    """Python tells of each file that is opened, made or moved; what a library in C writes is seen beside the folder."""
    before, temporary = Path.cwd(), tempfile.tempdir
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    _watch.folder, _watch.outside = folder, []
    try:
        yield
    finally:
        _watch.folder = None
        os.chdir(before)
        tempfile.tempdir = temporary
    assert not _watch.outside, f"written outside its folder: {_watch.outside}"
    beside = [path.name for path in folder.parent.iterdir() if path != folder]
    assert not beside, f"written beside its folder: {beside}"


class _Watch:
    folder: Path | None = None
    outside: list[str]

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        for path in _written(event, arguments):
            place = Path(os.path.realpath(os.fsdecode(path)))
            if not (place.is_relative_to(self.folder) or OF_OTHERS & set(place.parts)):
                self.outside.append(f"{event} {path!r}")


def _written(event: str, arguments: tuple[Any, ...]) -> Iterator[Any]:
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes) and flags & WRITING:
            yield path
    elif event == "sqlite3.connect" and "mode=ro" not in str(arguments[0]) and ":memory:" not in str(arguments[0]):
        yield str(arguments[0]).removeprefix("file:").partition("?")[0]
    else:
        yield from (arguments[n] for n in PLACES.get(event, ()) if isinstance(arguments[n], str | bytes))


_watch = _Watch()
sys.addaudithook(_watch.heard)


class Hang(AssertionError):
    """A case that does not end."""


@contextmanager
def _in_time() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise Hang(f"it did not end within {SECONDS:.0f} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    started = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    took = time.process_time() - started
    assert took < CPU_SECONDS, f"it took {took:.1f} s of a processor"


@contextmanager
def _in_memory() -> Iterator[None]:
    """The peak of this process above what it held before; known on Linux alone."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    except OSError:
        yield
        return
    before = _memory("VmRSS")
    yield
    grown = _memory("VmHWM") - before
    assert grown < MOST_MEMORY, f"it took {grown / 1e6:.0f} MB"


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


# --- what a command says


_built = cache(typer.main.get_command)  # which takes longer than most commands


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    out: str
    err: str


def command(*arguments: object) -> Said:
    """A command in this process. It ends with a status of ours, and says why, without what acts on a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), patch("typer.main.get_command", _built):
        status = run_command([str(one) for one in arguments])
    said = Said(status, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.err, said.err
    assert "error: unexpected" not in said.err, said.err
    assert status in (0, 1, 2, 3), said
    assert status == 2 or not said.err.startswith("error: "), said
    assert status == 0 or said.err or said.out, said
    assert not [char for char in said.out + said.err if char not in "\n\t" and unicodedata.category(char) == "Cc"], said
    return said
