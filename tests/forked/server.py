"""Commands in processes of their own that have imported the product already: imports are most of a short command.

A command is forked by a server that does nothing else. `client.py` stands for it: who kills the client kills the
command, and the client ends as the command did. Two servers have the commands in turn, so that two commands, like any
two processes, do not have their sets in one order. What a command's own workers import they import anew, so it has
one where it is told nothing else: the tests themselves keep the other cores busy.

That the program starts from nothing is tested by tests/wheel.sh and tests/test_examples.py.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path

CLIENT = Path(__file__).with_name("client.py")
IMPORTED = (  # what commands import when they are called, where it is installed; pyarrow looks for pandas
    "aiohttp", "jinja2", "pandas", "pyarrow.parquet", "scipy.optimize", "scipy.sparse.csgraph", "scipy.special",
    "safebench.cli.main", "safebench.datasets.conversion", "safebench.reports.report", "safebench.runs.rejudge",
    "safebench.runs.run", "modalities.audio.modality", "modalities.image.modality", "safebench.targets.openai",
    "converters.text_to_image.typographic", "converters.text_to_speech.espeak",
)  # fmt: skip
SOCKET = "socket"
SERVERS = 2
_environment = dict(os.environ)
_started: dict[int, Path] = {}
_turns = count()
_lock = threading.Lock()


def forked(*arguments: object) -> Sequence[str]:
    """What to start for `safebench ARGUMENTS`."""
    return [*client(), *map(str, arguments)]


def client() -> Sequence[str]:
    """What to start with the arguments of a command."""
    if not hasattr(os, "pidfd_open"):  # Linux has it
        return [sys.executable, "-c", "from safebench.cli.main import main; main()"]
    with _lock:
        number = next(_turns) % SERVERS
        place = _started[number] = _started.get(number) or _start()
    return [sys.executable, "-I", "-S", str(CLIENT), str(place / SOCKET)]


def write_command(folder: Path) -> None:
    """A `safebench` for the PATH."""
    command = folder / "safebench"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(client())} "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def _start() -> Path:
    """Its folder. It ends with its input, so at the latest with this process."""
    place = Path(tempfile.mkdtemp(prefix="commands-"))
    process = subprocess.Popen(
        [sys.executable, "-c", f"from tests.forked.server import main; main({str(place)!r})"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        env={**_environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.communicate)
    return place


# --- in the process of the server, and of a command


@dataclass(frozen=True, slots=True)
class Asked:
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]


def main(place: str) -> None:
    for name in IMPORTED:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    import_module("safebench.cli.main")._command()
    import_module("safebench.rendering.pool").default_workers = lambda: 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = _Server(Path(place)).serve()
    _become(asked)
    from safebench.cli.main import main as safebench

    safebench()


class _Server:
    def __init__(self, place: Path) -> None:
        self._place = place
        self._running: set[int] = set()
        self._ready = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(place / SOCKET))
        self._listening.listen(100)
        self._when(self._listening, self._fork)
        self._when(sys.stdin, self._end)
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def serve(self) -> Asked:
        """Returns in the process of a command alone."""
        while True:
            key, _ = self._ready.select()[0]
            if asked := key.data():
                return asked  # type: ignore[no-any-return]

    def _when(self, ready: object, do: Callable[[], Asked | None]) -> None:
        self._ready.register(ready, selectors.EVENT_READ, do)  # type: ignore[arg-type]

    def _end(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self._place)
        os._exit(0)

    def _fork(self) -> Asked | None:
        connection, _ = self._listening.accept()
        asked = _read(connection)
        if asked is None:
            connection.close()
            return None
        pid = os.fork()
        if not pid:
            return asked
        for stream in asked.streams:
            os.close(stream)
        self._running.add(pid)
        ended = os.pidfd_open(pid)
        self._when(ended, partial(self._tell, pid, ended, connection))
        self._when(connection, partial(self._pass_on, pid, connection))
        return None

    def _pass_on(self, pid: int, connection: socket.socket) -> None:
        """A signal; the client that was killed sends none."""
        number = b""
        with suppress(ConnectionError):
            number = connection.recv(1)
        os.kill(pid, number[0] if number else signal.SIGKILL)
        if not number:
            self._ready.unregister(connection)

    def _tell(self, pid: int, ended: int, connection: socket.socket) -> None:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._running.discard(pid)
        self._ready.unregister(ended)
        os.close(ended)
        with suppress(KeyError):
            self._ready.unregister(connection)
        with suppress(ConnectionError):
            connection.sendall(str(status).encode())
        connection.close()


def _read(connection: socket.socket) -> Asked | None:
    """None of a client that is gone already."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    told, whole = b"", int.from_bytes(size, "big")
    with suppress(ConnectionError):
        while more := connection.recv(whole - len(told)):
            told += more
    if len(told) == whole > 0:
        return Asked(**json.loads(told), streams=streams)
    for stream in streams:
        os.close(stream)
    return None


def _become(asked: Asked) -> None:
    os.setsid()
    for number, stream in enumerate(asked.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv[1:] = asked.arguments
    for name, number in (("stdout", 1), ("stderr", 2)):
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", buffering=1))
    sys.stdin = os.fdopen(0, encoding="utf-8")
    signal.signal(signal.SIGINT, signal.default_int_handler)
