"""Run folders written straight into the store, with the outcomes that a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from safebench.files import write_toml
from safebench.runs.config import RUN_FILE
from safebench.store.store import Store
from safebench.types import (
    Ballot,
    Comprehension,
    Condition,
    Fidelity,
    Intent,
    Item,
    Label,
    Outcome,
    Purpose,
    Query,
    Rendering,
    Response,
)

OutcomeOf = Callable[[Item], Outcome | None]  # None: the item is still pending
ProbeOf = Callable[[Item], str | None]  # None: not probed; `withheld`: declined, and repeated as text
VotesOf = Callable[[Item], Sequence[Sequence[Label]]]  # the votes of each round
AnswerOf = Callable[[Item], str]
FidelityOf = Callable[[Item], Fidelity]


def condition(text: str) -> Condition:
    asked, _, recipe = text.partition(":")
    medium, _, written = asked.partition("+")
    return Condition(medium, bool(written), recipe or None)


def twins(count: int) -> list[Query]:
    """`count` harmful queries h0, h1, … and their benign twins b0, b1, …"""
    pairs = [
        (Query(f"h{n}", "?", twin=f"b{n}"), Query(f"b{n}", "?", Intent.BENIGN, twin=f"h{n}")) for n in range(count)
    ]
    return [query for pair in pairs for query in pair]


def record(
    folder: Path,
    queries: Sequence[Query],
    conditions: Sequence[str],
    outcome: OutcomeOf,
    *,
    repeats: int = 1,
    probe: ProbeOf = lambda item: None,
    votes: VotesOf = lambda item: (),
    answer: AnswerOf = lambda item: f"Help with {item.key}.",
    fidelity: FidelityOf = lambda item: Fidelity("passed"),
    target: str = "reference",
    deliveries: Sequence[dict[str, Any]] = (),
) -> Path:
    """A finished run. Items that are not plain text have a rendering; what ended as `safe` has an answer."""
    folder.mkdir(parents=True)
    asked = {
        "data": "made",
        "target": target,
        "jury": {"protocol": {"rounds": 1}, "jurors": []},
        "seed": 3,
        "repeats": repeats,
        "resolved": {},
    }
    write_toml(folder / RUN_FILE, {**asked, "conditions": list(conditions)})
    items = [
        Item(query, condition(name), repeat) for query in queries for name in conditions for repeat in range(repeats)
    ]
    with Store(folder) as store:
        store.plan(queries, {}, items)
        store.keep_deliveries(deliveries)
        store._db.execute("BEGIN")
        for id, item in enumerate(items, start=1):
            _keep(store, id, item, outcome(item), probe(item), votes(item))
            if item.condition.medium != "text":
                store.record_rendering(item.query, Rendering("made", f"r{id}", None, fidelity(item)))
            if outcome(item) is Outcome.SAFE:
                store.keep_exchange(f"e{id}", id, Purpose("target"), {}, Response("answered", answer(item)))
        store._db.execute("COMMIT")
    return folder


def _keep(
    store: Store, id: int, item: Item, outcome: Outcome | None, probe: str | None, votes: Sequence[Sequence[Label]]
) -> None:
    if outcome is not None:
        rendering = None if item.condition.medium == "text" else f"r{id}"
        exchange = f"e{id}" if outcome is Outcome.SAFE else None
        sql = "UPDATE items SET outcome = ?, reason = 'made', rating = ?, rendering = ?, exchange = ? WHERE id = ?"
        store._db.execute(sql, (outcome, 3 if outcome.decided else None, rendering, exchange, id))
    if probe is not None:
        store.keep_probe(id, Comprehension("declined" if probe == "withheld" else probe))  # type: ignore[arg-type]
        control = "declined" if probe == "declined" else "understood"  # what is missed counts
        store.keep_control(item.query.id, Comprehension(control))  # type: ignore[arg-type]
    rows = ((id, b.round, b.juror, b.label, b.rating, b.reason, "[]", 0, b.absence) for b in _ballots(votes))
    store._db.executemany("INSERT INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _ballots(votes: Sequence[Sequence[Label]]) -> Iterable[Ballot]:
    return (Ballot(f"juror {n}", turn, label) for turn, round in enumerate(votes) for n, label in enumerate(round))
