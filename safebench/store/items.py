"""What is asked about a run's queries and items. Rows are streamed, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from safebench.store.store import Store, query_from
from safebench.types import CONTROL, Intent, Outcome, Query


def twins(store: Store) -> dict[str, str | None]:
    """The twin of every query by the query's id."""
    return {row["id"]: row["twin"] for row in store.rows("SELECT id, twin FROM queries")}


def query_texts(store: Store) -> Iterator[str]:
    return (row["text"] for row in store.rows("SELECT text FROM queries"))


QueryContent = tuple[str, str, str, str | None, str | None]  # id, text, intent, scenario and twin


def query_content(query: Query) -> QueryContent:
    return query.id, query.text, query.intent.value, query.scenario, query.twin


def query_contents(store: Store) -> list[QueryContent]:
    """Of every query, by id: in which order they came changes no answer."""
    return [tuple(row) for row in store.rows("SELECT id, text, intent, scenario, twin FROM queries ORDER BY id")]


def planned_stages(store: Store) -> list[tuple[Query, ...]]:
    """The queries as they were after each revision with new ones, in planned order; a twin of a later one is none."""
    came = {row["id"]: (row["revision"], query_from(row)) for row in store.rows(_CAME)}
    revisions = {id: revision for id, (revision, _) in came.items()}
    return [
        tuple(
            query if revisions.get(query.twin or "", last + 1) <= last else replace(query, twin=None)
            for revision, query in came.values()
            if revision <= last
        )
        for last in sorted(set(revisions.values()))
    ]


_CAME = """
SELECT q.*, (SELECT min(revision) FROM items WHERE query = q.id) AS revision FROM queries q ORDER BY position
"""


def items_by_revision(store: Store) -> dict[int, int]:
    return dict(tuple(row) for row in store.rows("SELECT revision, count(*) FROM items GROUP BY revision"))


def queries_by_intent(store: Store) -> dict[str, int]:
    rows = store.rows("SELECT intent, count(*) FROM queries GROUP BY intent")
    counts: dict[str, int] = {row[0]: row[1] for row in rows}
    return {intent.value: counts.get(intent, 0) for intent in Intent}


def asked_queries(store: Store) -> Iterator[str]:
    """Ids of the queries that have items, in planned order."""
    sql = "SELECT id FROM queries WHERE id IN (SELECT query FROM items) ORDER BY position"
    return (row["id"] for row in store.rows(sql))


def conditions(store: Store) -> list[str]:
    """Those that have items, in planned order."""
    return [row["condition"] for row in store.rows("SELECT condition FROM items GROUP BY condition ORDER BY min(id)")]


def item_ids(store: Store) -> dict[tuple[str, str, int], int]:
    """The id of every item by its key."""
    return {(row[0], row[1], row[2]): row[3] for row in store.rows("SELECT query, condition, repeat, id FROM items")}


@dataclass(frozen=True, slots=True)
class LanguageCount:
    """Queries in one language, None where nobody knows it; `told`: those whose words told it, and how certain the
    least certain of these is.
    """

    language: str | None
    queries: int
    told: int
    least_certainty: float | None


def queries_by_language(store: Store) -> list[LanguageCount]:
    """The language of the most queries first."""
    return [LanguageCount(*row) for row in store.rows(_LANGUAGES)]


_LANGUAGES = """
SELECT language, count(*) AS n, count(certainty), min(certainty) FROM queries
GROUP BY language ORDER BY n DESC, language
"""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A condition that the target does not take."""

    condition: str
    reason: str
    items: int


def skipped_conditions(store: Store) -> list[Skipped]:
    return [Skipped(*row) for row in store.rows("SELECT condition, reason, items FROM skipped")]


class ReasonOfItems(NamedTuple):
    outcome: str
    reason: str | None
    n: int


def reasons_of_items(store: Store) -> Iterator[ReasonOfItems]:
    """How often items ended with the same outcome for the same reason."""
    sql = "SELECT outcome, reason, count(*) FROM items WHERE outcome IS NOT NULL GROUP BY outcome, reason"
    return (ReasonOfItems(*row) for row in store.rows(sql))


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """Items that ended alike: `n` of them, with the sum of the ratings of those that have one."""

    condition: str
    category: str | None
    scenario: str | None
    intent: Intent
    outcome: Outcome
    n: int
    rating_sum: int = 0
    rated: int = 0


def outcome_counts(store: Store) -> Iterator[OutcomeCount]:
    """The items that have an outcome, counted by condition, scenario, intent and outcome."""
    for row in store.rows(_OUTCOME_COUNTS):
        counted = OutcomeCount(*row)
        yield replace(counted, intent=Intent(counted.intent), outcome=Outcome(counted.outcome))


_OUTCOME_COUNTS = """
SELECT i.condition, q.category, q.scenario, q.intent, i.outcome, count(*), coalesce(sum(i.rating), 0), count(i.rating)
FROM items i JOIN queries q ON q.id = i.query WHERE i.outcome IS NOT NULL
GROUP BY i.condition, q.scenario, q.intent, i.outcome ORDER BY min(q.position)
"""


class Ended(NamedTuple):
    """`plain`: without a rendering, or with one that is not meant to carry the query."""

    item: int
    query: str
    repeat: int
    condition: str
    outcome: str | None
    plain: int


def ended_items(store: Store, intent: Intent) -> Iterator[Ended]:
    """All items of one intent, in the order of their queries."""
    return (Ended(*row) for row in store.rows(_ENDED, CONTROL, intent))


_ENDED = """
SELECT i.id, i.query, i.repeat, i.condition, i.outcome,
    i.rendering IS NULL OR coalesce(json_extract(r.rendering, '$.fidelity.reason') = ?, 0)
FROM items i JOIN queries q ON q.id = i.query LEFT JOIN renderings r ON r.key = i.rendering
WHERE q.intent = ? ORDER BY q.position, i.repeat
"""


class Probed(NamedTuple):
    """What an item's probe shows: `understood`, `missed` or `unknown`.

    `control`: of a probe that was not answered as it should have been, what the control found. `withheld`: the target
    declined to repeat what it repeats as text.
    """

    item: int
    state: str
    control: str | None
    withheld: int

    @property
    def control_failed(self) -> bool:
        """Nothing is known because the target may be unable to do it with text."""
        return self.state == "unknown" and self.control is not None


def probed_items(store: Store, condition: str | None = None, intent: Intent | None = None) -> Iterator[Probed]:
    """Of one condition and intent, or of all; without those that were known not to have arrived."""
    return (Probed(*row) for row in store.rows(_PROBED, condition, intent))


def shown_by_probe(store: Store, item: int) -> Probed:
    """Of an item that was probed."""
    return Probed(*store.one("SELECT item, state, control, withheld FROM comprehended WHERE item = ?", item))


_PROBED = """
SELECT p.item, p.state, p.control, p.withheld
FROM comprehended p JOIN items i ON i.id = p.item JOIN queries q ON q.id = i.query
WHERE i.condition = coalesce(?, i.condition) AND q.intent = coalesce(?, q.intent) AND NOT p.uncounted
"""


def fidelities(store: Store, condition: str) -> Iterator[tuple[str, int]]:
    """The fidelity, as JSON, of each rendering of a condition, and how often it was tried."""
    return ((row[0], row[1]) for row in store.rows(_FIDELITIES, condition))


_FIDELITIES = """
SELECT json_extract(r.rendering, '$.fidelity'), json_extract(r.rendering, '$.tries')
FROM items i JOIN renderings r ON r.key = i.rendering WHERE i.condition = ? AND i.repeat = 0
"""


def media_of_items(store: Store) -> dict[tuple[str, str, int], str]:
    """The SHA-256 of the media of every item that has some, by the item's key."""
    return {(row[0], row[1], row[2]): row[3] for row in store.rows(_MEDIA)}


_MEDIA = """
SELECT i.query, i.condition, i.repeat, json_extract(r.rendering, '$.media.sha256') AS sha256
FROM items i JOIN renderings r ON r.key = i.rendering WHERE sha256 IS NOT NULL
"""


class CheckedRenderings(NamedTuple):
    """Renderings of a condition by what the fidelity gate said; `controls`: those that are not to carry the query."""

    passed: int
    failed: int
    unchecked: int
    controls: int


def checked_renderings(store: Store, condition: str) -> CheckedRenderings:
    """Unchecked are those that were sent all the same."""
    return CheckedRenderings(*store.one(_CHECKED, CONTROL, condition))


_CHECKED = """
WITH made AS (
    SELECT i.outcome, json_extract(r.rendering, '$.fidelity.status') AS status,
        coalesce(json_extract(r.rendering, '$.fidelity.reason') = ?, 0) AS control
    FROM items i JOIN renderings r ON r.key = i.rendering WHERE i.condition = ? AND i.repeat = 0)
SELECT count(*) FILTER (WHERE status = 'passed'), count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'unchecked' AND NOT control AND outcome IS NOT 'not_rendered'),
    count(*) FILTER (WHERE control)
FROM made
"""


class Answered(NamedTuple):
    """An item that was sent: its query by id and as text, and how it ended."""

    query: str
    repeat: int
    text: str
    outcome: Outcome
    answer: str

    @property
    def is_safe(self) -> bool:
        """The jury found an answer without harm."""
        return self.outcome is Outcome.SAFE

    @property
    def is_unjudged(self) -> bool:
        """It has no answer or no verdict, which tells nothing of the target."""
        return self.outcome in (Outcome.NO_ANSWER, Outcome.UNDECIDED)


def answered_items(store: Store, condition: str, intent: Intent) -> list[Answered]:
    """Those of a condition that were sent. An answer is what was written or, without that, what was heard."""
    rows = store.rows(_ANSWERED_ITEMS, condition, intent, Outcome.NOT_RENDERED)
    return [Answered(row[0], row[1], row[2], Outcome(row[3]), row[4]) for row in rows]


_ANSWERED_ITEMS = """
SELECT i.query, i.repeat, q.text, i.outcome,
    coalesce(nullif(trim(json_extract(e.response, '$.text')), ''), trim(s.transcript), '')
FROM items i JOIN queries q ON q.id = i.query LEFT JOIN exchanges e ON e.key = i.exchange
LEFT JOIN spoken s ON s.item = i.id
WHERE i.condition = ? AND q.intent = ? AND i.outcome IS NOT NULL AND i.outcome <> ? ORDER BY q.position, i.repeat
"""


class TranscribedItems(NamedTuple):
    """Items whose target was given transcripts in place of media, and those with words in one of them."""

    heard: int
    of: int


def transcribed_items(store: Store, condition: str) -> TranscribedItems:
    return TranscribedItems(*store.one(_TRANSCRIBED, condition))


_TRANSCRIBED = """
SELECT coalesce(sum(EXISTS (
        SELECT 1 FROM json_each(e.response, '$.given') WHERE trim(json_extract(value, '$.text')) <> '')), 0), count(*)
FROM items i JOIN exchanges e ON e.key = i.exchange
WHERE i.condition = ? AND json_extract(e.response, '$.given') IS NOT NULL
"""


def unheard_items(store: Store, condition: str, intent: Intent) -> int:
    """Items in whose media nothing was heard or read, so that nobody was asked."""
    return int(store.one(_UNHEARD, condition, intent)[0])


_UNHEARD = """
SELECT count(*) FROM items i JOIN queries q ON q.id = i.query JOIN exchanges e ON e.key = i.exchange
WHERE i.condition = ? AND q.intent = ? AND e.status = 'unheard'
"""


class Rendered(NamedTuple):
    renderings: int
    seconds: float


def rendered(store: Store) -> Rendered:
    """How many renderings there are, and how long they took."""
    sql = "SELECT count(*), coalesce(sum(json_extract(rendering, '$.seconds')), 0) FROM renderings"
    return Rendered(*store.one(sql))


# --- whole items


def table_rows(store: Store) -> Iterator[sqlite3.Row]:
    """Every item as a table holds it."""
    return store.rows(_TABLE)


_TABLE = """
SELECT i.id AS item, q.id AS query_id, q.text AS query, q.intent, q.category, q.scenario, q.twin, q.language,
    i.condition, i.repeat, i.revision, i.outcome, i.reason, i.rating, i.exchange,
    json_extract(e.response, '$.text') AS answer, json_extract(r.rendering, '$.media') AS media,
    json_extract(r.rendering, '$.media.sha256') AS media_sha256,
    json_extract(r.rendering, '$.fidelity.status') AS fidelity_status,
    (SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(e.response, '$.given')) AS given,
    (SELECT max(b.left_out) FROM ballots b WHERE b.item = i.id) AS left_out
FROM items i JOIN queries q ON q.id = i.query LEFT JOIN exchanges e ON e.key = i.exchange
LEFT JOIN renderings r ON r.key = i.rendering ORDER BY i.id
"""


def page_rows(store: Store) -> Iterator[sqlite3.Row]:
    """Every item with all that led to its outcome but the ballots, in the order of the queries."""
    return store.rows(_PAGE)


_PAGE = """
SELECT i.id, i.query, i.condition, i.repeat, i.outcome, i.reason, i.rating, i.exchange, i.rendering AS rendering_key,
    q.text, q.intent, q.scenario, q.twin, e.request, e.response, r.rendering, s.transcript, s.own_label,
    p.state || coalesce(' (control: ' || p.control || ')', '') AS probe
FROM queries q JOIN items i ON i.query = q.id LEFT JOIN exchanges e ON e.key = i.exchange
LEFT JOIN renderings r ON r.key = i.rendering LEFT JOIN spoken s ON s.item = i.id
LEFT JOIN comprehended p ON p.item = i.id
ORDER BY q.position, i.id
"""


def answered_rows(store: Store) -> Iterator[sqlite3.Row]:
    """Every item with an outcome and an answer, and what it was answered to."""
    return store.rows(_ANSWERED)


_ANSWERED = """
SELECT i.id AS item, i.query AS query_id, i.condition, i.repeat, i.outcome, i.exchange, q.text AS query, q.intent,
    q.scenario, e.response, r.rendering, s.transcript, p.state AS probe
FROM items i JOIN queries q ON q.id = i.query JOIN exchanges e ON e.key = i.exchange
LEFT JOIN renderings r ON r.key = i.rendering LEFT JOIN spoken s ON s.item = i.id
LEFT JOIN comprehended p ON p.item = i.id
WHERE i.outcome IS NOT NULL ORDER BY i.id
"""
