"""`safebench data list` and `safebench data show`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from safebench.cli.style import OutputConsole, plain_table
from safebench.datasets.load import BUILT_IN, load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.variety import LARGEST_COMPARED, distinct_n, nearest_pairs
from safebench.taxonomy import UNASSIGNED
from safebench.types import Intent


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
    console.print(_scenario_table(dataset))
    texts = [query.text for query in dataset.queries]
    lengths = sorted(len(text.split()) for text in texts)
    console.print(f"sha256 {dataset.sha256}")
    console.print(f"words a query: {lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}")
    console.print(f"distinct-1 {distinct_n(texts, 1):.3f}, distinct-2 {distinct_n(texts, 2):.3f}")
    if len(texts) <= LARGEST_COMPARED:
        console.print("nearest pairs that are no twins (Jaccard index of their words):")
        for index, a, b in nearest_pairs(dataset.queries, 5):
            console.print(f"  {index:.2f}  {a.id}  {b.id}", highlight=False)


def _scenario_table(dataset: Dataset) -> Table:
    counts: dict[str, Counter[Intent]] = {}
    for query in dataset.queries:
        counts.setdefault(query.scenario or UNASSIGNED, Counter())[query.intent] += 1
    title = f"{dataset.name}: {len(dataset.queries)} queries"
    table = plain_table("scenario", *(Column(intent.value, justify="right") for intent in Intent), title=title)
    for scenario, cell in counts.items():
        table.add_row(scenario, *(str(cell[intent]) for intent in Intent))
    return table
