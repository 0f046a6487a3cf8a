"""What is asked about a run's calls to models and their answers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from safebench.store.store import Store

_FIELD = "response, '$.usage.{0}_tokens'"
_USAGE = f"iif(json_type({_FIELD}) = 'integer', json_extract({_FIELD}), NULL)"  # servers call anything their usage
_TOKENS = "coalesce(sum(coalesce({}, coalesce({}, {}, 0) + coalesce({}, {}, 0))), 0)".format(
    *(_USAGE.format(name) for name in ("total", "prompt", "input", "completion", "output"))
)
_SPENT = f"SELECT count(*), {_TOKENS} FROM exchanges"  # noqa: S608
_MODEL = "json_extract(request, '$.target.target') || ':' || json_extract(request, '$.target.argument')"
_BY_MODEL = f"""
SELECT {_MODEL} AS model,
    count(*), sum(status IN ('failed', 'forgotten')), {_TOKENS}
FROM exchanges GROUP BY model ORDER BY model
"""  # noqa: S608


_TOLD = f"""
SELECT role, juror, {_MODEL} AS model, status,
    CASE WHEN instr(request, '"medium":"') THEN request ELSE '' END AS request,
    json_extract(response, '$.usage') AS usage
FROM exchanges ORDER BY rowid
"""  # noqa: S608


class ToldCall(NamedTuple):
    """What a recorded call told of its tokens. `request`: as it is stored, empty where no media were sent."""

    role: str
    juror: str | None
    model: str | None
    status: str
    request: str
    usage: dict[str, Any]

    def sent(self, medium: str) -> bool:
        """Whether media of that kind were in it: quotation marks of texts are escaped in there."""
        return f'"medium":"{medium}"' in self.request


def told_calls(store: Store) -> Iterator[ToldCall]:
    for role, juror, model, status, request, usage in store.rows(_TOLD):
        yield ToldCall(role, juror, model, status, request, json.loads(usage or "{}"))


class Spent(NamedTuple):
    """Tokens: the total that was told, or what prompt and completion make together: local models tell no total."""

    calls: int
    tokens: int


def spending(store: Store, role: str | None = None) -> Spent:
    """Of all calls, or of those of a role."""
    return Spent(*(store.one(f"{_SPENT} WHERE role = ?", role) if role else store.one(_SPENT)))


def spent_by_model(store: Store) -> dict[str, dict[str, int]]:
    """Calls, failed ones and tokens."""
    return {model: {"calls": calls, "failed": failed, "tokens": n} for model, calls, failed, n in store.rows(_BY_MODEL)}


def is_recorded(store: Store, key: str) -> bool:
    """Whether a call was made, and has ended."""
    return next(store.rows("SELECT 1 FROM exchanges WHERE key = ?", key), None) is not None


def failed_roles(store: Store) -> set[str]:
    return {row[0] for row in store.rows("SELECT DISTINCT role FROM exchanges WHERE status = 'failed'")}


def jury_calls(store: Store) -> int:
    """All calls to the models of jurors and writer."""
    return int(store.one("SELECT count(*) FROM exchanges WHERE role = 'jury'")[0])


def all_exchanges(store: Store) -> Iterator[sqlite3.Row]:
    """Role, status and response, as JSON, of every call in the order in which they ended."""
    return store.rows("SELECT role, status, response FROM exchanges ORDER BY rowid")


class RecordedCall(NamedTuple):
    """A call as it is stored. `at`: when it ended, in seconds of the epoch."""

    key: str
    item: int
    role: str
    juror: str | None
    round: int
    number: int
    request: dict[str, Any]
    response: dict[str, Any]
    at: float


def recorded_calls(store: Store) -> Iterator[RecordedCall]:
    """All calls, item by item, in the order in which they ended; first those of no item."""
    columns = "key, item, role, juror, round, number, request, response, at"
    for row in store.rows(f"SELECT {columns} FROM exchanges ORDER BY item, rowid"):  # noqa: S608
        call = RecordedCall(*row)
        yield call._replace(request=json.loads(row["request"]), response=json.loads(row["response"]))


def first_call(store: Store, role: str | None = None) -> float | None:
    """When the first call of a run, or of a role in it, ended; None without calls."""
    first: float | None = store.one("SELECT min(at) FROM exchanges WHERE role = coalesce(?, role)", role)[0]
    return first


def span(store: Store) -> float | None:
    """Seconds between the end of the first call and that of the last; None without calls."""
    seconds: float | None = store.one("SELECT max(at) - min(at) FROM exchanges")[0]
    return seconds


_JUDGED = """FROM items i JOIN exchanges e ON e.key = i.exchange
WHERE i.condition = ? AND i.outcome IN ('unsafe', 'refused', 'safe', 'not_understood', 'undecided')"""


@dataclass(frozen=True, slots=True)
class CutAnswers:
    """Answers that a jury judged, and how many of them were `cut` off at the token limit; `limit`: the target's option
    that sets where.
    """

    answers: int
    cut: int
    limit: str


def cut_answers(store: Store, condition: str, limit: str) -> CutAnswers | None:
    """None where none was cut."""
    answers, cut = store.one(_CUT, condition)
    return CutAnswers(answers, cut, limit) if cut else None


# The finish reasons of OpenAI's endpoints and local models, of Gemini and Anthropic, and of Inspect.
_CUT = f"""
SELECT count(*),
    coalesce(sum(lower(json_extract(e.response, '$.finish')) IN ('length', 'max_tokens', 'model_length')), 0) {_JUDGED}
"""


@dataclass(frozen=True, slots=True)
class MarkedAnswers:
    """Answers that a jury judged, and how many of them are `marked`: they begin with a tag or token that is not known,
    so that thinking may have been judged with them.
    """

    answers: int
    marked: int


def marked_answers(store: Store, condition: str) -> MarkedAnswers | None:
    """None where none is marked."""
    counted = MarkedAnswers(*store.one(_MARKED, condition))
    return counted if counted.marked else None


_MARKED = f"SELECT count(*), coalesce(sum(json_extract(e.response, '$.unknown_markup') <> ''), 0) {_JUDGED}"


@dataclass(frozen=True, slots=True)
class SpokenAnswers:
    """Spoken `answers`; those in which nothing was heard, so that the target's own text was judged; those judged by
    both, and with which result.
    """

    answers: int
    not_heard: int
    with_own_text: int
    verdicts_differ: int


def spoken_answers(store: Store, condition: str) -> SpokenAnswers | None:
    """None without any."""
    counted = SpokenAnswers(*store.one(_SPOKEN, condition))
    return counted if counted.answers else None


_SPOKEN = """
SELECT count(*), coalesce(sum(trim(transcript) = ''), 0), coalesce(sum(own_label IS NOT NULL), 0),
    coalesce(sum(own_label IS NOT NULL AND own_label IS NOT label), 0)
FROM spoken JOIN items i ON i.id = spoken.item WHERE i.condition = ?
"""
