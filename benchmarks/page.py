"""Writes `docs/benchmarks.md` from what was measured, and from what was found, which stands in findings.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from statistics import median
from typing import Any

from benchmarks.measured import ROOT, kept, versions
from benchmarks.suite import SIZES, SUITE, Benchmark, Figure, Goal, Result

PAGE = ROOT / "docs" / "benchmarks.md"
ON_PAPER = 10_000_000  # items
FINDINGS = [ROOT / "benchmarks" / name for name in ("findings.md", "findings-converters.md")]
INTRODUCTION = """\
# Speed and memory

How fast SafeBench is beside the bare client, inspect_ai and PyRIT, and where its time goes. `make bench` measures the
goals and the tables below; the findings between them were written by people. `python -m benchmarks NAME …` measures
some of it again.

Each figure is the median of a few repetitions, with the smallest and the largest one behind it. Every repetition of
every variant is a fresh process, and the variants of a table take turns, so that other work on the machine meets all of
them. What counts are ratios: absolute times are those of one machine.
"""

Results = Mapping[str, Sequence[Result]]  # by variant


def write() -> None:
    records = {benchmark.name: record for benchmark in SUITE if (record := kept(benchmark)) is not None}
    findings = "\n".join(file.read_text(encoding="utf-8") for file in FINDINGS)
    PAGE.write_text(page(records, versions(), findings), encoding="utf-8")


def page(records: Mapping[str, Any], packages: Mapping[str, Mapping[str, str]], findings: str) -> str:
    parts = [INTRODUCTION, *_machines(records, packages), "## Goals\n", _goals(records), findings.strip() + "\n"]
    for benchmark in SUITE:
        record = records.get(benchmark.name)
        parts += [f"## {benchmark.title}\n", *([f"{benchmark.about}\n"] if benchmark.about else [])]
        parts += [table(benchmark, record["results"]) if record else "Not measured.\n"]
        parts += [on_paper(benchmark, record["results"])] if record and benchmark.growing else []
    return "\n".join(parts)


def _machines(records: Mapping[str, Any], packages: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    days = sorted({record["at"].split()[0] for record in records.values()})
    for machine in {tuple(record["machine"].items()): None for record in records.values()}:
        yield f"Measured on {' and '.join(days)}: {'; '.join(value for _, value in machine)}.\n"
    for environment, names in packages.items():
        yield f"- {environment}: {', '.join(f'{name} {version}' for name, version in names.items())}"
    yield ""


def _goals(records: Mapping[str, Any]) -> str:
    lines = ["| what | goal | measured | holds |", "| --- | --- | --- | --- |"]
    for benchmark in SUITE:
        results = records[benchmark.name]["results"] if benchmark.name in records else {}
        lines += [goal_row(goal, results) for goal in benchmark.goals]
    return "\n".join(lines) + "\n"


def goal_row(goal: Goal, results: Results) -> str:
    values = goal_values(goal, results)
    if not values:
        return f"| {goal.what} | {goal.bound} | | not measured |"
    value = median(values)
    missed = goal.missed_by(value)
    holds = "yes" if missed == 0 else f"**no**, by {missed:.2g}"
    return f"| {goal.what} | {goal.bound} | {spread(values, 2)} | {holds} |"


def goal_values(goal: Goal, results: Results) -> list[float]:
    """The figure, or its ratios: of the same repetition, where both were repeated as often, else of all with all."""
    ours = [goal.figure.of(result) for result in results.get(goal.of, ())]
    if goal.over is None:
        return ours
    theirs = [goal.figure.of(result) for result in results.get(goal.over, ())]
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else product(ours, theirs)
    return [one / other for one, other in pairs]


def table(benchmark: Benchmark, results: Results) -> str:
    lines = [f"| | {' | '.join(figure.name for figure in benchmark.figures)} |"]
    lines.append("| --- |" + " --- |" * len(benchmark.figures))
    for variant in benchmark.variants:
        repetitions = results.get(variant.name)
        cells = [_cell(figure, repetitions) for figure in benchmark.figures] if repetitions else ["not installed"]
        lines.append(f"| {variant.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def on_paper(benchmark: Benchmark, results: Results) -> str:
    """What ON_PAPER items would take, were the last slope to go on."""
    smaller, larger = SIZES[-2:]
    lines = [f"On paper, by the slope from {smaller:,} to {larger:,} items, {ON_PAPER:,} items would take:\n"]
    lines += ["| | hours | holds, GiB |", "| --- | --- | --- |"]
    for way in benchmark.growing:
        low, high = (results[f"{way}, {size:,} items"][-1] for size in (smaller, larger))
        steps = (ON_PAPER - larger) / (larger - smaller)
        seconds, held = (high[of] + steps * (high[of] - low[of]) for of in ("seconds", "peak_mib"))
        lines.append(f"| {way} | {seconds / 3600:,.2f} | {held / 1024:,.1f} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure, repetitions: Sequence[Result]) -> str:
    return spread([figure.of(result) for result in repetitions], figure.digits)


def spread(values: Sequence[float], digits: int) -> str:
    """The median, and smallest and largest where there are several."""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}–{high})"
