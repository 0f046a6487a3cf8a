"""Data sets in the terminal: what is in one, and what a conversion made of it: fidelity, and why renderings failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table

from safebench import registry
from safebench.cli.style import OutputConsole, plain_table
from safebench.datasets.conversion_packing import LONG
from safebench.datasets.importing import MISSING, Imported
from safebench.datasets.load import BUILT_IN, load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.variety import LARGEST_COMPARED, distinct_n, nearest_pairs
from safebench.rendering.fidelity import COUNTS, UNCHECKED, shown_mean, shown_measures
from safebench.targets.lengths import long_clips
from safebench.taxonomy import UNASSIGNED, paper
from safebench.types import Condition, Intent

if TYPE_CHECKING:
    from safebench.datasets.conversion import Conversion
    from safebench.generation.dataset_scores import DatasetScores, ScoredSets

SHOWN_FAILURES = 20
SHOWN_MISSING = 10  # ids
LONGEST_REASON = 300  # characters


def show_built_in(console: OutputConsole) -> None:
    rows = [_built_in(name) for name in BUILT_IN]
    table = plain_table(*(Column(head, justify="left" if head in ("name", "sha256") else "right") for head in rows[0]))
    for row in rows:
        table.add_row(*map(str, (row | {"sha256": row["sha256"][:16]}).values()))
    console.print(table)
    console.result({"data": rows})


def _built_in(name: str) -> dict[str, Any]:
    dataset = load_dataset(name)
    by_intent = Counter(query.intent for query in dataset.queries)
    counts = {intent.value: by_intent[intent] for intent in Intent}
    return {"name": name, "queries": len(dataset.queries), **counts, "sha256": dataset.sha256}


def show_dataset(console: Console, dataset: Dataset) -> None:
    """Counts by scenario, variety of wording, nearest pairs."""
    console.print(_queries_table(dataset))
    texts = [query.text for query in dataset.queries]
    lengths = sorted(len(text.split()) for text in texts)
    console.print(f"sha256 {dataset.sha256}")
    console.print(f"words a query: {lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}")
    console.print(f"distinct-1 {distinct_n(texts, 1):.3f}, distinct-2 {distinct_n(texts, 2):.3f}")
    if len(texts) <= LARGEST_COMPARED:
        console.print("nearest pairs that are no twins (Jaccard index of their words):")
        for index, a, b in nearest_pairs(dataset.queries, 5):
            console.print(f"  {index:.2f}  {a.id}  {b.id}", highlight=False)


def _queries_table(dataset: Dataset) -> Table:
    counts: dict[str, Counter[Intent]] = {}
    for query in dataset.queries:
        counts.setdefault(query.scenario or UNASSIGNED, Counter())[query.intent] += 1
    known = dataset.taxonomy
    more = ["category", "severity"] if known != paper() else []  # of a taxonomy of its own
    title = f"{dataset.name}: {len(dataset.queries)} queries"
    table = plain_table("scenario", *more, *(Column(intent.value, justify="right") for intent in Intent), title=title)
    for id in known.in_order(counts):
        scenario = known.scenarios.get(id)
        facts = (str(getattr(scenario, name, None) or "") for name in more)
        table.add_row(id, *facts, *(str(counts[id][intent]) for intent in Intent))
    return table


# --- scores


def show_scores(console: OutputConsole, scored: ScoredSets) -> None:
    """Sets side by side: means with intervals and agreement, distributions, how often a judge gave scores, notes."""
    console.result({"folder": scored.folder, "sets": scored.sets, "judges": scored.judges})
    names = _set_names(scored)
    console.print(_scores_table(scored), soft_wrap=True)
    table = plain_table("scores given", "set", *(Column(str(n), justify="right") for n in range(10)))
    for dimension in scored.sets[0].dimensions:
        for name, one in zip(names, scored.sets, strict=True):
            table.add_row(dimension, name, *map(str, one.dimensions[dimension].counts))
    console.print(table)
    if len(names) == 1:
        console.print(_means_table(scored.sets[0]))
    for judge in scored.judges:
        why = {"could not be read": judge.unreadable, "declined": judge.declined, "failed": judge.failed}
        parts = [f"{judge.scored} scored", *(f"{n} {what}" for what, n in why.items() if n)]
        same = "; it gave every query the same scores" * judge.constant
        console.print(f"judge {judge.judge}: {', '.join(parts)}{same}", soft_wrap=True, highlight=False)
    for note in (note for one in scored.sets for note in one.notes):
        console.print(f"note: {note}", soft_wrap=True, highlight=False)
    console.print(f"scores: {scored.folder}", soft_wrap=True, highlight=False)


def _set_names(scored: ScoredSets) -> list[str]:
    """Without their folders, where that tells them apart."""
    short = [Path(one.data).name for one in scored.sets]
    return short if len(set(short)) == len(short) else [one.data for one in scored.sets]


def _scores_table(scored: ScoredSets) -> Table:
    """Mean, interval and α of each dimension; 0 to 9."""
    table = plain_table("0 to 9", *(Column(name, justify="right") for name in _set_names(scored)))
    table.add_row("queries scored", *(f"{one.scored} of {one.harmful}" for one in scored.sets))
    table.add_row("without a score", *(str(one.unscored) for one in scored.sets))
    for dimension in scored.sets[0].dimensions:
        columns = [one.dimensions[dimension] for one in scored.sets]
        table.add_row(dimension, *("–" if one.mean is None else f"{one.mean:.2f}" for one in columns))
        table.add_row(
            "  95 % interval", *(f"{one.ci95[0]:.2f} to {one.ci95[1]:.2f}" if one.ci95 else "–" for one in columns)
        )
        table.add_row("  agreement, α", *("–" if one.alpha is None else f"{one.alpha:.2f}" for one in columns))
    if any(one.breaks for one in scored.sets):
        broken = (", ".join(f"{rule} {n}" for rule, n in one.breaks.items()) or "–" for one in scored.sets)
        table.add_row("a judge finds", *broken)
    return table


def _means_table(one: DatasetScores) -> Table:
    """Of one set, by category and by scenario."""
    table = plain_table("mean over", *(Column(name, justify="right") for name in one.dimensions))
    for parts in (one.by_category, one.by_scenario):
        for id, means in parts.items():
            table.add_row(id, *(f"{mean:.2f}" for mean in means.values()))
    return table


# --- imports


def counted_lines(imported: Imported, folder: Path) -> Iterator[str]:
    """Of a release: what there is against what the paper says, and what is missing."""
    if imported.labelled_by:
        yield f"scenarios by {imported.labelled_by}"
    for one in imported.counted:
        shown = ", ".join(one.missing[:SHOWN_MISSING]) + ", …" * (len(one.missing) > SHOWN_MISSING)
        yield f"{one.what}: {one.there:,} of {one.wanted:,}{f'; missing: {shown}' if shown else ''}"
    if any(len(one.missing) > SHOWN_MISSING for one in imported.counted):
        yield f"all that is missing: {folder / MISSING}"


# --- conversions


def show_conversion(console: Console, conversion: Conversion) -> None:
    """Renderings by recipe, for each medium by scenario, and the first failures. `unchecked` is no pass."""
    cells = conversion.cells
    console.print(f"Renderings ({UNCHECKED})", style="bold")
    console.print(_table(["condition"], {(name,): cell for name, cell in cells.items()}))
    if len(conversion.by_scenario) > 1:
        for medium in dict.fromkeys(Condition.parse(name).medium for name in cells):
            console.print(f"Renderings by scenario: {medium}", style="bold")
            console.print(_scenario_table(medium, conversion.by_scenario))
    for name, cell in cells.items():
        if cell.get(LONG):
            console.print(f"{name}: {long_clips(cell[LONG])}", style="yellow", soft_wrap=True)
    _show_failures(console, conversion)


def _scenario_table(medium: str, by_scenario: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """With the first measure of the medium that there is."""
    rows: dict[tuple[str, ...], Mapping[str, Any]] = {
        (scenario, condition.recipe or ""): cell
        for scenario, cells in by_scenario.items()
        for name, cell in cells.items()
        if (condition := Condition.parse(name)).medium == medium
    }
    return _table(["scenario", "recipe"], rows, medium)


def _table(heads: list[str], rows: Mapping[tuple[str, ...], Mapping[str, Any]], medium: str | None = None) -> Table:
    """`medium`: only the first measure that this one shows, not all that occur."""
    measures = shown_measures(dict(cell) for cell in rows.values())
    if medium is not None:
        measures = [name for name in registry.modality(medium).shown if name in measures][:1]
    figures = (*COUNTS, *(f"mean {name}" for name in measures))
    texts = (Column(head, overflow="fold") for head in heads)
    table = plain_table(*texts, *(Column(head, justify="right") for head in figures))
    for names, cell in rows.items():
        table.add_row(*names, *(str(cell[count]) for count in COUNTS), *(shown_mean(cell, name) for name in measures))
    return table


def _show_failures(console: Console, conversion: Conversion) -> None:
    if not conversion.failed:
        return
    console.print("Failed (without media in the data set)", style="bold")
    for one in islice(conversion.failures(), SHOWN_FAILURES):
        reason = one.reason if len(one.reason) <= LONGEST_REASON else one.reason[:LONGEST_REASON] + "…"
        console.print(f"{one.query}, {one.condition}: {reason}", soft_wrap=True, highlight=False)
    hidden = conversion.failed - SHOWN_FAILURES
    more = f"… and {hidden} more; all" if hidden > 0 else "all"
    where = f"{more} reasons: columns `failure` and `fidelity` of {conversion.folder}/*/train-*.parquet"
    console.print(where, soft_wrap=True, style="dim", highlight=False)
