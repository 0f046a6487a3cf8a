"""The fixed prompts: twin pairs of the starter set, drawn evenly over its scenarios, and harmless prompts of XSTest.

`xstest-safe.csv` holds one prompt of each of XSTest's ten safe kinds, and a second one of the first four (Röttger et
al., NAACL 2024, github.com/paul-rottger/xstest, CC-BY-4.0); `--full` wants the whole file, which is not shipped.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safebench.resources import data_path

PAIRS = 23  # of a harmful query and its benign twin: one of each scenario
XSTEST = Path(__file__).parent / "xstest-safe.csv"

Row = Mapping[str, Any]


def starter(pairs: int | None = PAIRS) -> list[Row]:
    """Pairs of the starter set: the first of every scenario, then the second of every scenario, …; None for all."""
    by_scenario: dict[str, list[Row]] = defaultdict(list)
    for line in data_path("starter.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        by_scenario[row["scenario"]].append(row)
    drawn = [pair for turn in zip(*map(_pairs, by_scenario.values()), strict=True) for pair in turn]
    return [row for pair in drawn[:pairs] for row in pair]


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    by_id = {row["id"]: row for row in rows}
    return ((row, by_id[row["twin"]]) for row in rows if row["intent"] == "harmful")


def xstest(path: Path | None = None) -> list[Row]:
    """The harmless prompts that are shipped, or all harmless ones of the user's `xstest_prompts.csv`."""
    with (path or XSTEST).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if path is None:
        return rows
    return [
        {"id": f"xstest-{row['id']}", "intent": "benign", "query": row["prompt"]}
        for row in rows
        if row.get("label", "safe") == "safe" and not row["type"].startswith("contrast")
    ]


def write(rows: Sequence[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
