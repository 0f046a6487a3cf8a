"""The faults as tables of a page: what each plays, what has to be done about it, and how it ends in each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from safebench.testing.faults.fault import ROLES, Fault, FaultEnding

HEAD = ("fault", "what the endpoint does", "what the product must do", *ROLES)


def table(groups: Mapping[str, Sequence[Fault]]) -> str:
    """Markdown, with a line for each reason why a fault cannot occur in a role."""
    faults = [fault for group in groups.values() for fault in group]
    reasons = dict.fromkeys(ending for fault in faults for ending in fault.ends.values() if isinstance(ending, str))
    numbers = {reason: number for number, reason in enumerate(reasons, start=1)}
    lines = [line for title, group in groups.items() for line in (f"### {title}", "", *_rows(group, numbers), "")]
    return "\n".join([*lines, *(f"{number}. {reason}" for reason, number in numbers.items())])


def _rows(group: Sequence[Fault], numbers: Mapping[str, int]) -> Iterator[str]:
    yield _row(HEAD)
    yield _row(["---"] * len(HEAD))
    for fault in group:
        yield _row((f"`{fault.name}`", fault.plays, fault.must, *(_cell(fault.ends[role], numbers) for role in ROLES)))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cell(ending: FaultEnding | str, numbers: Mapping[str, int]) -> str:
    if isinstance(ending, str):
        return f"— ({numbers[ending]})"
    calls = "all" if ending.retried else str(ending.calls)
    return f"{ending.outcome} {calls}{' ↺' if ending.reopened else ''}"
