"""What the benchmark scripts share: the clock, and the line of JSON that whoever started them reads.

A script measures one variant in a fresh process: `python benchmarks/NAME.py VARIANT [--size N]`. What is done once
only (imports, models, worker processes that start) comes before the clock, unless it is what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10  # of `ru_maxrss`, which macOS gives in bytes and Linux in KiB


def arguments(about: str | None, variants: Sequence[str], size: int) -> argparse.ArgumentParser:
    """The command line of every script; one may add options of its own."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=variants)
    parser.add_argument("--size", type=int, default=size, help=f"how many ({size})")
    return parser


@contextmanager
def measuring(items: int, server: int | None = None) -> Iterator[dict[str, float]]:
    """Prints the result at the end, with what was put into it on the way. `server`: a process that is not counted."""
    more: dict[str, float] = {}
    cpu, started = cpu_seconds(server), time.perf_counter()
    yield more
    seconds, used = time.perf_counter() - started, cpu_seconds(server) - cpu
    sys.stdout.write(json.dumps({"items": items, "seconds": seconds, "cpu_seconds": used, **more}) + "\n")


def cpu_seconds(server: int | None = None) -> float:
    """User and system time of this process and all below it, also of those that still run; without the server's."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = (process for process in below(os.getpid()) if process != server)
    running = sum(sum(_ticks(process)) for process in others) / os.sysconf("SC_CLK_TCK")
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + running


def peak_mib() -> float:
    """The most memory that this process held at once, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def sentences(count: int) -> list[str]:
    """So many different sentences of about a hundred characters: those of the shipped queries, numbered."""
    rows = (ROOT / "data" / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(row)["query"] for row in rows]
    return [f"{queries[n % len(queries)]} ({n})" for n in range(count)]


def below(process: int) -> Iterator[int]:
    """All processes that it and its children have started and that still run."""
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it ended meanwhile
            for child in map(int, file.read_text().split()):
                yield child
                yield from below(child)


def own_seconds(process: int) -> float:
    """User and system time without that of its children."""
    return sum(_ticks(process)[:2]) / os.sysconf("SC_CLK_TCK")


def _ticks(process: int) -> list[int]:
    """User and system time, the process's own and that of its ended children."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return [0]
    return [int(value) for value in status.rpartition(")")[2].split()[11:15]]
