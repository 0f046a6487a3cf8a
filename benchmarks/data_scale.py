"""Time and memory of the steps of a large data set: import, check, deduplicate, export, load.

    python benchmarks/data_scale.py [--rows 100000] [--seed 0]

The rows are made up: sentences of random words, a tenth of which are others with a word or two changed. Every step runs
in a process of its own, so that its peak of resident memory is its own, the interpreter and its packages included.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from safebench.datasets import load_dataset
from safebench.duplicates import among_sets
from safebench.exporting import export, read_card
from safebench.importing import import_dataset, load_importer

Step = Callable[[Path], object]


def write_source(path: Path, rows: int, seed: int) -> None:
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(20_000)]
    recent: list[list[str]] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "prompt", "kind"])
        for n in range(rows):
            sentence = chance.choices(words, k=chance.randint(8, 24))
            if recent and chance.random() < 0.1:
                sentence = list(chance.choice(recent))
                for _ in range(chance.randint(1, 2)):
                    sentence[chance.randrange(len(sentence))] = chance.choice(words)
            recent = [*recent[-999:], sentence]
            writer.writerow([n, " ".join(sentence), chance.choice(["bias", "hate_speech", "physical_harm"])])


def bring_in(folder: Path) -> int:
    importer = load_importer("generic", columns={"text": "prompt", "id": "row-{key}", "scenario": "kind"})
    return len(import_dataset("generic", str(folder / "source.csv"), folder / "imported", importer).dataset.queries)


def check(folder: Path) -> int:
    return len(load_dataset(str(folder / "imported")).queries)


def deduplicate(folder: Path) -> int:
    return sum(1 for _ in among_sets([load_dataset(str(folder / "imported"))]))


def send_out(folder: Path) -> int:
    name = str(folder / "imported")
    dataset = load_dataset(name)
    export(dataset, folder / "hub", read_card(name))
    return len(dataset.queries)


def load_hub(folder: Path) -> int:
    return len(load_dataset(str(folder / "hub")).queries)


def measure(step: Step, folder: Path) -> None:
    """Runs in its own process."""
    start = time.perf_counter()
    result = step(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    row = f"{step.__name__:12s} {result:8d} {time.perf_counter() - start:8.1f} s {peak:8.0f} MB\n"
    sys.stdout.write(row)
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_source(folder / "source.csv", told.rows, told.seed)
        for step in (bring_in, check, deduplicate, send_out, load_hub):
            process = spawn.Process(target=measure, args=(step, folder))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{step.__name__} failed")


if __name__ == "__main__":
    main()
