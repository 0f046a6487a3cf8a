"""The steps of a large data set: import, check, deduplicate, export, load.

    python benchmarks/data_scale.py VARIANT [--size 100000]

| variant | what is done |
| --- | --- |
| import | rows of a table become queries, checked, and are written |
| check | the set is loaded again, and checked as a whole |
| deduplicate | near duplicates are searched |
| export | it is written as a folder for a hub, with its card |
| load | that folder is loaded |

The rows are made up: sentences of random words, a tenth of which are others with a word or two changed. What a step
needs of the others is made before, in a process of its own. `peak_mib` is all that the process held, packages included.
"""

from __future__ import annotations

import csv
import multiprocessing
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import arguments, measuring, peak_mib

from safebench.datasets.card import read_card
from safebench.datasets.duplicates import among_sets
from safebench.datasets.exporting import export
from safebench.datasets.importing import import_dataset, load_importer
from safebench.datasets.load import load_dataset

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


STEPS: dict[str, Step] = {
    "import": bring_in,
    "check": check,
    "deduplicate": deduplicate,
    "export": send_out,
    "load": load_hub,
}
NEEDS = {
    "import": (),
    "check": (bring_in,),
    "deduplicate": (bring_in,),
    "export": (bring_in,),
    "load": (bring_in, send_out),
}


def make_ready(folder: Path, rows: int, steps: tuple[Step, ...]) -> None:
    write_source(folder / "source.csv", rows, seed=0)
    for step in steps:
        step(folder)


def main() -> None:
    options = arguments(__doc__, list(STEPS), 100_000).parse_args()
    with tempfile.TemporaryDirectory() as place:
        needed = (Path(place), options.size, NEEDS[options.variant])
        before = multiprocessing.get_context("spawn").Process(target=make_ready, args=needed)
        before.start()
        before.join()
        with measuring(options.size) as more:
            STEPS[options.variant](Path(place))
            more["peak_mib"] = peak_mib()


if __name__ == "__main__":
    main()
