"""How often the 95 % intervals of a modality gap hold the true gap, from many made-up runs.

    python benchmarks/gap_intervals.py [--runs 2000] [--draws 1000] [--seed 0]

Every query has its own chance to be answered unsafely, drawn from a beta distribution, and under the other condition a
chance smaller by a fixed share; repeats of a query share its chance. `unlike`: mean number of queries whose difference
is not the most common one. `reported` is what the report gives: the bootstrap, or the score interval where fewer than
ten queries are unlike the others.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from safebench.statistics import score
from safebench.statistics.clusters import bootstrap
from safebench.statistics.gap import Pairs

CASES = [  # queries, repeats, rate under the reference, share of it that is lost under the other condition
    (queries, repeats, rate, lost)
    for queries, repeats in ((23, 1), (50, 1), (115, 1), (500, 1), (50, 5), (115, 3))
    for rate, lost in ((0.5, 0.4), (0.2, 0.5), (0.1, 0.0), (0.05, 0.2))
]
CORRELATION = 0.4  # of the repeats of a query: a beta distribution with parameters that add up to 1 / 0.4 - 1


def draw(random: np.random.Generator, queries: int, repeats: int, rate: float, lost: float) -> Pairs:
    weight = 1 / CORRELATION - 1
    chance = random.beta(weight * rate, weight * (1 - rate), queries)[:, None]
    before = random.random((queries, repeats)) < chance
    differences = (random.random((queries, repeats)) < chance * (1 - lost)).astype(np.int64) - before
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return Pairs(differences.sum(axis=1), np.full(queries, repeats), int(before.sum()), up, down)


def unlike(pairs: Pairs) -> int:
    return int(len(pairs.sums) - np.unique(pairs.sums, return_counts=True)[1].max())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("--runs", 2000), ("--draws", 1000), ("--seed", 0)):
        options.add_argument(name, type=int, default=value)
    arguments = options.parse_args()
    random = np.random.default_rng(arguments.seed)
    sys.stdout.write("queries repeats  rate   gap  unlike  bootstrap  score  reported\n")
    for queries, repeats, rate, lost in CASES:
        runs = [draw(random, queries, repeats, rate, lost) for _ in range(arguments.runs)]
        counts = np.full((queries, arguments.runs), repeats)
        ends = bootstrap(np.stack([one.sums for one in runs], axis=1), counts, arguments.draws, arguments.seed)
        reported = np.array([one.interval(ends[:, n])[0] for n, one in enumerate(runs)]).T
        scores = np.array([score.interval(*one.effective) for one in runs]).T
        shares = [np.mean((low <= -rate * lost) & (-rate * lost <= high)) for low, high in (ends, scores, reported)]
        sys.stdout.write(
            f"{queries:7d} {repeats:7d} {rate:5.2f} {-rate * lost:5.2f} {np.mean([unlike(one) for one in runs]):7.1f} "
            + "{:9.1f}% {:5.1f}% {:8.1f}%\n".format(*(100 * share for share in shares))
        )


if __name__ == "__main__":
    main()
