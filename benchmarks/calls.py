"""Calls to models: processor time, wall clock and memory, against a server on this machine.

    python benchmarks/calls.py VARIANT [--job jury] [--size 300] [--latency 0.05]

| variant | who asks |
| --- | --- |
| safebench | a run: plan, target, jury, and all of it in the store |
| openai | a loop around the `openai` client on its aiohttp transport; nothing is checked or kept |
| openai-default | the same on the transport that the client takes by itself |
| aiohttp | a loop around aiohttp alone |
| inspect | `inspect_ai.eval`: `generate`, a scorer that asks the jurors, and its log |

| job | what one item is |
| --- | --- |
| text | one call with the query, judged by a rule |
| image, audio | one call with a picture of 60 KB or a clip of 150 KB, judged by a rule |
| jury | one call with the query, and five jurors who are asked for a ballot each |

All send the same bytes: every item has media of its own, which lie in files, for ours in a folder as `convert` makes
it. 64 calls are in flight. The server is a process of its own, whose time is not counted. One item is asked before the
clock starts, so that imports are not counted. `items` are calls; `peak_mib` is what the process held at most, above
what it held before; `times_ideal` is the time over calls x latency / 64.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asked import AT_ONCE, JOBS, calls_per_item, prepare
from askers import ASKERS
from measuring import ROOT, arguments, measuring, peak_mib, sentences


@contextmanager
def serving(latency: float) -> Iterator[tuple[str, int]]:
    """The URL of a server that answers after so many seconds, and its process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, str(ROOT / "benchmarks" / "server.py"), str(port), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}/v1", server.pid
        finally:
            server.terminate()


def resident_mib() -> float:
    """What this process holds now; what it has held at its peak, where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except FileNotFoundError:
        return peak_mib()


def main() -> None:
    parser = arguments(__doc__, list(ASKERS), 300)
    parser.add_argument("--job", choices=JOBS, default="jury")
    parser.add_argument("--latency", type=float, default=0.05, help="s that the server takes for an answer (0.05)")
    options = parser.parse_args()
    calls = options.size * calls_per_item(options.job)
    with tempfile.TemporaryDirectory() as place, serving(options.latency) as (url, server):
        if options.variant != "safebench":
            prepare(Path(place), options.job, options.size)
        ask = ASKERS[options.variant](Path(place), options.job, url, sentences(options.size))
        ask(1)
        before = resident_mib()
        with measuring(calls, server) as more:
            started = time.perf_counter()
            ask(options.size)
            more["times_ideal"] = (time.perf_counter() - started) / (calls * options.latency / AT_ONCE)
            more["peak_mib"] = peak_mib() - before


if __name__ == "__main__":
    main()
