"""A server with a model on disk, that of transformers or another: a real endpoint on loopback."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

LONGEST_START = 90  # s
COMMAND = Path(sys.executable).with_name("transformers")


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The base URL of a server that ends with the context; the model's name is its folder."""
    with listening([COMMAND, "serve", folder, "--device", "cpu"], {}, LONGEST_START) as url:
        yield url


@contextmanager
def listening(command: Sequence[str | Path], variables: Mapping[str, str], longest_start: float) -> Iterator[str]:
    """Started with a host and a port; it and what it started end with the context."""
    port = _free_port()
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], env={**os.environ, "HF_HUB_OFFLINE": "1", **variables},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until_healthy(process, port, longest_start)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, longest_start: float) -> None:
    until = time.monotonic() + longest_start
    while time.monotonic() < until and process.poll() is None:
        if _is_healthy(port):
            return
        time.sleep(0.2)
    pytest.fail(f"the server did not start within {longest_start:g} s (exit status {process.poll()})")


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
