"""How often the 95 % intervals of rates hold the true rate, and how wide they are, from many made-up runs.

    python benchmarks/coverage.py [--runs 2000] [--seed 0]

Writes two tables in Markdown; a cell is the coverage and the mean width. `before` is what reports gave without the
corrections for few clusters. Every query has its own chance from a beta distribution; `alike` is the correlation of
the items of one query. The corrected rate: 200 items that a jury judges which errs on labels as named; a run that the
labels contradict has no corrected rate and is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from math import sqrt

import numpy as np

from safebench.jury.calibration.correction import Errors, rogan_gladen, why_not_corrected
from safebench.statistics.clusters import Integers, design_effect, effective_number
from safebench.statistics.precision import Z, wilson

RATES = (0.02, 0.1, 0.3, 0.5, 0.9)
REPEATS = ((1, 0.0), (5, 0.1), (5, 0.6))  # with their correlation
JUDGES = ((0.85, 0.85), (0.95, 0.9), (0.7, 0.97))  # sensitivity, specificity
LABELS = (
    (50, 1, 0.0),
    (25, 4, 0.4),
    (100, 4, 0.4),
    (50, 8, 0.4),
)  # queries, answers to each, correlation
SHARES = (0.0, 0.02, 0.1, 0.3, 0.6, 0.95)
JUDGED = 200

Ends = list[float]


def events(random: np.random.Generator, runs: int, queries: int, repeats: int, rate: float, alike: float) -> Integers:
    """Events of each query: runs × queries."""
    if not alike:
        return random.binomial(repeats, rate, (runs, queries))
    weight = 1 / alike - 1
    return random.binomial(repeats, random.beta(weight * rate, weight * (1 - rate), (runs, queries)))


def interval(rate: float, n: float) -> Ends:
    return wilson(rate * n, n) or []


def rate_before(sums: Integers, counts: Integers) -> Ends:
    n, rate = counts.sum(), sums.sum() / counts.sum()
    return interval(rate, n / design_effect(sums, counts, rate * (1 - rate)))


def rate_now(sums: Integers, counts: Integers) -> Ends:
    return interval(sums.sum() / counts.sum(), effective_number(sums, counts))


def lang_reiczigel(called: int, errors: Errors) -> Ends:
    """Their interval, with every label taken for independent of the others."""
    p, n_p = (called + Z**2 / 2) / (JUDGED + Z**2), JUDGED + Z**2
    (se, of_se), (sp, of_sp) = Errors(errors.detected, errors.positives, errors.left, errors.negatives).adjusted
    share = (p + sp - 1) / (se + sp - 1)
    centre = share + 2 * Z**2 * (share * of_se - (1 - share) * of_sp)
    half = Z * sqrt(p * (1 - p) / n_p + share**2 * of_se + (1 - share) ** 2 * of_sp) / (se + sp - 1)
    return [min(1.0, max(0.0, end)) for end in (centre - half, centre + half)]


def judges(
    random: np.random.Generator, runs: int, se: float, sp: float, labels: tuple[int, int, float]
) -> list[Errors]:
    """A measured jury for each run: half of the queries have unsafe answers, half have others."""
    queries, answers, alike = labels
    counts = np.full(queries // 2, answers)
    drawn = [events(random, runs, queries // 2, answers, rate, alike) for rate in (se, sp)]
    n = int(counts.sum())

    def judge(detected: Integers, left: Integers) -> Errors:
        effective = effective_number(detected, counts), effective_number(left, counts)
        return Errors(int(detected.sum()), n, int(left.sum()), n, effective)

    return [judge(detected, left) for detected, left in zip(*drawn, strict=True)]


def summed(ends: Iterable[Ends], true: float) -> tuple[float, float]:
    """Coverage and mean width."""
    low, high = np.array(list(ends)).T
    return float(np.mean((low <= true + 1e-12) & (true <= high + 1e-12))), float(np.mean(high - low))


def rates(random: np.random.Generator, runs: int) -> Iterator[tuple[str, ...]]:
    for queries in (23, 50, 230):
        for repeats, alike in REPEATS:
            counts = np.full(queries, repeats)
            for rate in RATES:
                drawn = events(random, runs, queries, repeats, rate, alike)
                before, now = (summed((way(sums, counts) for sums in drawn), rate) for way in (rate_before, rate_now))
                yield f"{queries} × {repeats}", f"{alike:.1f}", f"{rate:.2f}", *map(cell, (before, now))


def corrected(random: np.random.Generator, runs: int) -> Iterator[tuple[str, ...]]:
    for labels in LABELS:
        for se, sp in JUDGES:
            for share in SHARES:
                called = random.binomial(JUDGED, share * se + (1 - share) * (1 - sp), runs).tolist()
                drawn = list(zip(called, judges(random, runs, se, sp, labels), strict=True))
                usual = [(k, errors) for k, errors in drawn if errors.informs]
                kept = [(k, errors) for k, errors in usual if not why_not_corrected(k, JUDGED, errors)]
                before = summed((lang_reiczigel(k, errors) for k, errors in usual), share)
                now = summed((rogan_gladen(k, JUDGED, errors)[1] for k, errors in kept), share)
                none = f"{1 - len(kept) / runs:.1%}"
                yield (f"{labels[0]} × {labels[1]}", f"{labels[2]:.1f}", f"{se:.2f}, {sp:.2f}", f"{share:.2f}",
                       cell(before), cell(now), none)  # fmt: skip


def cell(covered_and_width: tuple[float, float]) -> str:
    return "{:.1%} ({:.3f})".format(*covered_and_width)


Rows = Callable[[np.random.Generator, int], Iterator[tuple[str, ...]]]
TABLES: tuple[tuple[tuple[str, ...], Rows], ...] = (
    (("queries × repeats", "alike", "rate", "before", "now"), rates),
    (("labelled queries × answers", "alike", "Se, Sp", "true share", "before", "now", "no rate"), corrected),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("--runs", 2000), ("--seed", 0)):
        options.add_argument(name, type=int, default=value)
    chosen = options.parse_args()
    for head, rows in TABLES:
        random = np.random.default_rng(chosen.seed)
        for row in (head, ("---",) * len(head), *rows(random, chosen.runs)):
            sys.stdout.write(f"| {' | '.join(row)} |\n")
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
