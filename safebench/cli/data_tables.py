"""Data sets in the terminal: what is in one, and what a conversion made of it: fidelity, and why renderings failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table

from safebench import registry
from safebench.cli.style import OutputConsole, plain_table
from safebench.datasets.conversion_card import LONG
from safebench.datasets.load import BUILT_IN, load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.variety import LARGEST_COMPARED, distinct_n, nearest_pairs
from safebench.rendering.fidelity import COUNTS, UNCHECKED, shown_mean, shown_measures
from safebench.targets.lengths import long_clips
from safebench.taxonomy import UNASSIGNED
from safebench.types import Condition, Intent

if TYPE_CHECKING:
    from safebench.datasets.conversion import Conversion

SHOWN_FAILURES = 20
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
    title = f"{dataset.name}: {len(dataset.queries)} queries"
    table = plain_table("scenario", *(Column(intent.value, justify="right") for intent in Intent), title=title)
    for scenario, cell in counts.items():
        table.add_row(scenario, *(str(cell[intent]) for intent in Intent))
    return table


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
