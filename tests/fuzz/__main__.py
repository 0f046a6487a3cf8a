"""`python -m tests.fuzz [CASES] [SEED]`: so many new cases over all loaders and transports, and what they found.

It writes the result into docs/reliability.md. Exit status 1 where something was found, and pytest shows what.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.results import when_and_where, write_result

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    cases, seed = [int(one) for one in arguments] + [10_000, random.SystemRandom().randrange(2**32)][len(arguments) :]
    sys.stdout.write(f"{cases} cases, seed {seed}\n")
    sys.stdout.flush()
    started = time.monotonic()
    with TemporaryDirectory() as place:
        log = Path(place, "log")
        environment = {**os.environ, "FUZZ_CASES": str(cases), "FUZZ_LOG": str(log)}
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "load", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*pytest, f"--hypothesis-seed={seed}", "tests/fuzz"], cwd=ROOT, env=environment, check=False
        )
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    _write(lines, seed, time.monotonic() - started)
    return int(done.returncode != 0)


def _write(lines: list[dict[str, Any]], seed: int, seconds: float) -> None:
    total, failed = sum(line["cases"] for line in lines), sum(line["failed"] for line in lines)
    told = (
        f"{when_and_where()}: {total:,} cases in {seconds:.0f} s (seed {seed}); {failed} of {len(lines)} properties "
        "did not hold."
    )
    rows = [(_words(line["test"]), line["cases"], f"{line['seconds']:.0f}", int(line["failed"])) for line in lines]
    write_result("fuzz", [told], [("property", "cases", "s", "failed"), *sorted(rows)])
    sys.stdout.write(told + "\n")


def _words(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
