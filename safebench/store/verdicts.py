"""What is asked about a run's ballots and verdicts, and about answers that are to be judged anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from safebench.store.store import Store, query_from
from safebench.types import Absence, Intent, Label, Outcome, Query, Transcript


def votes(store: Store, condition: str, *, decided: bool = False) -> Iterator[list[list[Label]]]:
    """The votes of each round of every item, without abstentions; `decided`: of harmful items that the jury decided."""
    rows = store.rows(_VOTES, condition, decided, Intent.HARMFUL, Outcome.UNDECIDED)
    for _, ballots in groupby(rows, lambda row: row["item"]):
        rounds: dict[int, list[Label]] = {}
        for row in ballots:
            rounds.setdefault(row["round"], []).extend([Label(row["label"])] if row["label"] != Label.ABSTAIN else [])
        yield list(rounds.values())


_VOTES = """
SELECT b.item, b.round, b.label FROM ballots b JOIN items i ON i.id = b.item JOIN queries q ON q.id = i.query
WHERE i.condition = ? AND (NOT ? OR q.intent = ? AND i.outcome IS NOT NULL AND i.outcome <> ?)
ORDER BY b.item, b.round
"""


class Deliberated(NamedTuple):
    """`skipped`: rounds that were not needed; `shortened`: items whose answer a juror saw without its middle."""

    skipped: int
    shortened: int


def deliberated(store: Store, rounds: int) -> Deliberated:
    """`rounds`: of deliberation, as many as the protocol allows."""
    return Deliberated(*store.one(_DELIBERATED, rounds))


_DELIBERATED = """
SELECT coalesce(sum(? - held), 0), coalesce(sum(left_out > 0), 0)
FROM (SELECT max(round) AS held, max(left_out) AS left_out FROM ballots GROUP BY item)
"""


class Cast(NamedTuple):
    """`n` ballots of a juror over all rounds that are votes, or that are none for the same reason."""

    juror: str
    absence: Absence | None
    n: int


def cast_ballots(store: Store) -> Iterator[Cast]:
    for juror, absence, n in store.rows(_CAST, Label.ABSTAIN, Absence.DECLINED):
        yield Cast(juror, Absence(absence) if absence else None, n)


_CAST = """
SELECT juror, CASE label WHEN ? THEN coalesce(absence, ?) END AS why, count(*) FROM ballots
GROUP BY juror, why ORDER BY juror, why
"""


def short_handed(store: Store) -> tuple[int, float | None]:
    """Verdicts on which not all jurors voted, and how many votes they rest on, on average; None without any.

    By the last rounds of items that a jury decided.
    """
    verdicts, votes = store.one(_SHORT_HANDED, Label.ABSTAIN, Outcome.UNDECIDED)
    return verdicts, votes


_SHORT_HANDED = """
SELECT count(*), avg(votes) FROM (
    SELECT sum(b.label <> ?) AS votes, count(*) AS seats FROM ballots b JOIN items i ON i.id = b.item
    WHERE i.outcome <> ? AND b.round = (SELECT max(round) FROM ballots WHERE item = b.item) GROUP BY b.item)
WHERE votes < seats
"""


def judged_items(store: Store) -> tuple[int, dict[str, int]]:
    """How many items a jury judged, and each juror of it, in any round."""
    (items,) = store.one("SELECT count(DISTINCT item) FROM ballots")
    rows = store.rows("SELECT juror, count(DISTINCT item) FROM ballots GROUP BY juror")
    return items, dict(map(tuple, rows))


# --- judged anew


class Unjudged(NamedTuple):
    """An answered item without a verdict. `heard`: in a spoken answer; `missed`: its comprehension probe shows so."""

    item: int
    query: Query
    condition: str
    repeat: int
    rendering: str | None
    exchange: str
    heard: Transcript | None
    missed: bool
    uncounted: bool


def unjudged(store: Store) -> Iterator[Unjudged]:
    for row in store.rows(_UNJUDGED):
        heard = (
            Transcript(row["transcript"], row["recogniser"], row["failure"]) if row["recogniser"] is not None else None
        )
        where = (row["condition"], row["repeat"], row["rendering"], row["exchange"])
        yield Unjudged(row["item"], query_from(row), *where, heard, row["probe"] == "missed", bool(row["uncounted"]))


_UNJUDGED = """
SELECT i.id AS item, i.repeat, i.condition, i.rendering, i.exchange, p.state AS probe, p.uncounted,
    s.transcript, s.recogniser, s.failure, q.*
FROM items i JOIN queries q ON q.id = i.query LEFT JOIN comprehended p ON p.item = i.id
LEFT JOIN spoken s ON s.item = i.id
WHERE i.outcome IS NULL ORDER BY i.id
"""


class ToJudge(NamedTuple):
    """Answers that a jury is to judge under a condition: mean bytes of a query and its answer together, and how many
    were spoken, which may be judged twice.
    """

    condition: str
    answers: int
    size: float
    spoken: int


def to_judge(store: Store, *, again: bool) -> list[ToJudge]:
    """Those without an outcome, or, to be judged `again`, those that a jury judged."""
    which = "i.id IN (SELECT item FROM ballots)" if again else "i.outcome IS NULL"
    return [ToJudge(*row) for row in store.rows(_TO_JUDGE.format(which))]


_TO_JUDGE = """
SELECT i.condition, count(*),
    avg(length(CAST(q.text AS BLOB)) + length(CAST(coalesce(json_extract(e.response, '$.text'), '') AS BLOB))),
    count(s.item)
FROM items i JOIN queries q ON q.id = i.query LEFT JOIN exchanges e ON e.key = i.exchange
LEFT JOIN spoken s ON s.item = i.id
WHERE {} GROUP BY i.condition ORDER BY min(i.id)
"""


class JudgedOutcome(NamedTuple):
    outcome: str
    intent: str


def judged_outcomes(store: Store) -> list[JudgedOutcome]:
    """Of all items that a jury judged, in planned order."""
    return [JudgedOutcome(*row) for row in store.rows(_JUDGED)]


_JUDGED = """
SELECT i.outcome, q.intent FROM items i JOIN queries q ON q.id = i.query
WHERE EXISTS (SELECT 1 FROM ballots b WHERE b.item = i.id) ORDER BY i.id
"""
