"""All 23 scenarios × 100 queries with twins, against a scripted server: killed twice, continued, and compared.

    python -m benchmarks.generate_full OUT [COUNT]

Writes OUT/killed and OUT/whole and tells time, calls, calls made twice, and the command's peak memory.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from safebench.testing.server import Call, Reply, ScriptedServer
from tests.safebench.generation.scripted import answer

MODELS = ["--writer", "openai:writer-a", "--writer", "openai:writer-prose", "--writer", "openai:writer-declines-half"]
MODELS += ["--judge", "openai:judge-a", "--judge", "openai:judge-b", "--judge", "openai:judge-nine"]
KILLS = (0.2, 0.6)  # of the calls


class World:
    """Counts requests by their content; the bodies themselves would fill the memory."""

    def __init__(self) -> None:
        self.made: Counter[bytes] = Counter()

    def answer(self, call: Call) -> Reply:
        self.made[sha256(json.dumps(call.body, sort_keys=True).encode()).digest()] += 1
        return answer(call)


def start(out: Path, count: int, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from safebench.cli.main import main; main()", "generate", "starter"]
    environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
    return subprocess.Popen([*command, *MODELS, "--count", str(count), "--out", str(out)], env=environment)


def timed(out: Path, count: int, server: ScriptedServer) -> float:
    began = time.perf_counter()
    status = start(out, count, server.url).wait()
    say(f"exit status {status}")
    return time.perf_counter() - began


def kill_after(calls: int, out: Path, count: int, server: ScriptedServer, world: World) -> None:
    process = start(out, count, server.url)
    while world.made.total() < calls and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    say(f"killed after {world.made.total()} calls: {process.wait()}")


def contents(folder: Path) -> dict[str, str]:
    files = [*folder.glob("*.jsonl"), *(folder / "dataset").glob("*")]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in files}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(out: Path, count: int) -> None:
    world = World()
    with ScriptedServer(world.answer) as server:
        seconds = timed(out / "whole", count, server)
        needed, world.made = world.made, Counter()
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say(f"uninterrupted: {seconds:.0f} s, {needed.total()} calls, peak memory {peak:.0f} MB")
        for share in KILLS:
            kill_after(int(share * needed.total()), out / "killed", count, server, world)
        rest = timed(out / "killed", count, server)
    again = (world.made - needed).total()
    say(f"continued in {rest:.0f} s; calls made again: {again}; all others: {world.made.total() - again}")
    say(f"same files: {contents(out / 'whole') == contents(out / 'killed')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
