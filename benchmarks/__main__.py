"""`python -m benchmarks [NAME …]`: measures the suite, or some of it, and writes `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import page
from benchmarks.measured import Failed, keep, measure, missing, once
from benchmarks.suite import SUITE, Benchmark


def main() -> int:
    by_name = {benchmark.name: benchmark for benchmark in SUITE}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all when not given: {', '.join(by_name)}")
    parser.add_argument("--repetitions", type=int, help="in place of those that the suite says")
    parser.add_argument("--smoke", action="store_true", help="once at a tiny size, to see that it works; no page")
    options = parser.parse_args()
    unknown = set(options.names) - set(by_name)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    chosen = [by_name[name] for name in options.names or by_name]
    failed = False
    with tempfile.TemporaryDirectory() as place:
        for benchmark in chosen:
            started = time.perf_counter()
            try:
                (smoke if options.smoke else run)(benchmark, options.repetitions, Path(place))
            except Failed as error:
                sys.stderr.write(f"{error}\n")
                failed = True
            sys.stdout.write(f"({time.perf_counter() - started:.0f} s)\n")
    if not options.smoke:
        page.write()
    return int(failed)


def run(benchmark: Benchmark, repetitions: int | None, folder: Path) -> None:
    measured = []
    for name, result in measure(benchmark, repetitions, folder):
        sys.stdout.write(f"{benchmark.name}: {name}: {result['seconds']:.2f} s\n")
        sys.stdout.flush()
        measured.append((name, result))
    keep(benchmark, measured)
    results = {name: [result for named, result in measured if named == name] for name, _ in measured}
    lines = [page.table(benchmark, results), *(page.goal_row(goal, results) for goal in benchmark.goals)]
    sys.stdout.write("\n".join(lines) + "\n")


def smoke(benchmark: Benchmark, repetitions: int | None, folder: Path) -> None:
    for variant in benchmark.variants if benchmark.smoke else ():
        if not missing(variant):
            result = once(benchmark.script, variant, benchmark.smoke, folder)
            sys.stdout.write(f"{benchmark.name}: {variant.name}: {result['seconds']:.2f} s\n")


if __name__ == "__main__":
    sys.exit(main())
