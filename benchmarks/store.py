"""The store of a run: what a call, an item's end and its ballots cost to record, safe from a crash of the process.

    python benchmarks/store.py VARIANT [--size 2000]

| variant | what is written |
| --- | --- |
| ours | for each item six calls, its outcome and five ballots: 12 rows in seven transactions, as in a run |
| sqlite | the same rows as ready strings through sqlite3 alone, with the same transactions and the same durability |

`items` are rows. Goal: ours <= 40 µs a row. Smoke: --size 20.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from pathlib import Path

from measuring import arguments, measuring

from safebench.serialisation import compact, response_to
from safebench.store.schema import SCHEMA
from safebench.store.store import Store
from safebench.types import (
    TEXT,
    Attempt,
    Ballot,
    Condition,
    Item,
    Label,
    Message,
    Outcome,
    Purpose,
    Query,
    Request,
    Response,
    Text,
)  # fmt: skip

CALLS, JURORS = 6, 5
ROWS = CALLS + 1 + JURORS
REQUEST = Request((Message("user", (Text("Which plants need little water? " * 12),)),))
TOLD = {"target": {"target": "openai", "version": "1", "argument": "a-model"}, "request": REQUEST.describe()}
RESPONSE = Response(
    "answered",
    "Cacti, lavender and rosemary need little. " * 8,
    finish="stop",
    model="a-model",
    usage={"prompt_tokens": 120, "completion_tokens": 80},
    attempts=(Attempt(0.5, status=200),),
)


def keys(item: int) -> list[str]:
    return [hashlib.sha256(f"{item} {call}".encode()).hexdigest() for call in range(CALLS)]


def ballots(item: int) -> list[Ballot]:
    return [Ballot(f"juror {n}", 0, Label.SAFE, 5, "it helps", (key,)) for n, key in enumerate(keys(item)[1:])]


def ours(folder: Path, size: int) -> None:
    queries = [Query(f"q{n}", "Which plants need little water?") for n in range(size)]
    with Store(folder) as store:
        store.plan(queries, {}, (Item(query, Condition(TEXT)) for query in queries))
        with measuring(size * ROWS):
            for item in range(1, size + 1):
                for call, key in enumerate(keys(item)):
                    store.keep_exchange(key, item, Purpose("jury", number=call), TOLD, RESPONSE)
                store.keep_outcome(item, Outcome.SAFE, "the jury agrees", 5, None, keys(item)[0], ballots(item))


def bare(folder: Path, size: int) -> None:
    request, answer = compact(TOLD), compact(response_to(RESPONSE))
    database = sqlite3.connect(folder / "run.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(SCHEMA)
    database.executemany("INSERT INTO items (id) VALUES (?)", ((n,) for n in range(1, size + 1)))
    with measuring(size * ROWS):
        for item in range(1, size + 1):
            for call, key in enumerate(keys(item)):
                values = (key, item, "jury", None, 0, call, "", "answered", request, answer, 0.0)
                database.execute("INSERT INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            database.execute("BEGIN")
            database.execute("UPDATE items SET outcome = 'safe', rating = 5 WHERE id = ?", (item,))
            rows = [(item, 0, b.juror, "safe", 5, b.reason, f'["{b.exchanges[0]}"]', 0, None) for b in ballots(item)]
            database.executemany("INSERT INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute("COMMIT")


def main() -> None:
    options = arguments(__doc__, ["ours", "sqlite"], 2000).parse_args()
    with tempfile.TemporaryDirectory() as place:
        (ours if options.variant == "ours" else bare)(Path(place), options.size)


if __name__ == "__main__":
    main()
