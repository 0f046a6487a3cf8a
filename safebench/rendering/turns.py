"""Turns at endpoints for what worker processes ask: among those of all that is asked beside it, attempt by attempt."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from safebench.errors import Stopping
from safebench.models.pacing import Paces
from safebench.serialisation import read_json

LONGEST_FOLDER = 70  # characters of the usual place for such folders; a socket may have about a hundred in all


class Lender:
    """Behind a socket in a folder that nobody else may enter: a worker names the endpoint, is sent one byte when it may
    begin, and tells what came of the attempt. Where it is sent nothing, the work is being stopped.
    """

    def __init__(self, paces: Paces) -> None:
        self._paces = paces
        self._folder: Path | None = None
        self._server: asyncio.Server | None = None
        self._lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._opening = asyncio.Lock()

    async def place(self) -> str:
        """Where the socket is, which is opened when it is first asked for."""
        async with self._opening:
            if self._folder is None:
                short = "/tmp" if len(tempfile.gettempdir()) > LONGEST_FOLDER else None  # noqa: S108  a folder in it
                self._folder = Path(tempfile.mkdtemp(dir=short))
                self._server = await asyncio.start_unix_server(self._meet, self._folder / "turns")
        return str(self._folder / "turns")

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The task is ours: of one that asyncio makes here it prints a traceback where the work is interrupted."""
        task = asyncio.create_task(self._lend(reader, writer))
        self._lines[task] = writer
        task.add_done_callback(lambda task: self._lines.pop(task).close())

    async def _lend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(Stopping, OSError, ValueError):
            endpoint = read_json(await reader.readline())
            async with self._paces.of(endpoint).turn() as turn:
                writer.write(b"\n")
                if not (result := await reader.readline()):
                    raise ConnectionError("the worker had no answer, or ended")
                status, wait, left = read_json(result)
                turn.heed(status, wait, left)

    def close(self) -> None:
        """At once, for whoever waits for a turn, too: its job may be waited for where no event loop goes on.

        Who has come and is not met yet finds the folder gone.
        """
        if self._server is not None:
            self._server.close()
        for line in self._lines.values():
            with suppress(OSError):
                line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        if self._folder is not None:
            rmtree(self._folder, ignore_errors=True)
