"""The same query asked in two ways: where are the answers equal, and where not, why?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.real import arms

Item = Mapping[str, Any]  # a row of items.parquet


@dataclass(frozen=True, slots=True)
class Way:
    """`problems`: a line for each pair of equal texts that ended otherwise."""

    data: str
    name: str
    pairs: int
    same_text: int
    same_outcome: int
    reasons: Mapping[str, int]
    problems: tuple[str, ...]


def ways(items: Mapping[arms.Arm, Sequence[Item]]) -> Iterator[Way]:
    """Every other way and condition beside text to the server."""
    for data in dict.fromkeys(arm.data for arm in items):
        reference = {row["query_id"]: row for row in items[arms.Arm(data, arms.SERVED)]}
        for way in (arms.IN_PROCESS, arms.CASCADE):
            rows = items.get(arms.Arm(data, way), ())
            for condition in dict.fromkeys(row["condition"] for row in rows):
                asked = [row for row in rows if row["condition"] == condition]
                yield _compare(data, f"{way}, {condition}", [(reference[row["query_id"]], row) for row in asked], way)


def _compare(data: str, name: str, pairs: Sequence[tuple[Item, Item]], way: str) -> Way:
    both = [(a, b) for a, b in pairs if a["answer"] is not None and b["answer"] is not None]
    same = [(a, b) for a, b in both if a["answer"] == b["answer"]]
    return Way(
        data=data,
        name=name,
        pairs=len(pairs),
        same_text=len(same),
        same_outcome=sum(a["outcome"] == b["outcome"] for a, b in pairs),
        reasons=Counter(_why(a, b, way) for a, b in pairs if a["answer"] != b["answer"]),
        problems=tuple(
            f"{name}: {a['query_id']} got the same answer twice, and ended {a['outcome']} and {b['outcome']}"
            for a, b in same
            if {a["outcome"], b["outcome"]} <= {"safe", "unsafe", "refused"} and a["outcome"] != b["outcome"]
        ),
    )


def _why(reference: Item, other: Item, way: str) -> str:
    if other["answer"] is None:
        return f"not asked ({other['outcome'].replace('_', ' ')})"
    if way == arms.IN_PROCESS:
        return "computed with other weights and rounding"
    given = (other["given"] or "").strip()
    if other["condition"].startswith("image"):
        return "asked with the sentence that goes with every picture"
    if given in ("", other["query"].strip()):
        return "the same words, rounded otherwise"
    letters = ["".join(filter(str.isalnum, text.casefold())) for text in (given, other["query"])]
    return "written otherwise, the same letters" if letters[0] == letters[1] else "heard or read otherwise"
