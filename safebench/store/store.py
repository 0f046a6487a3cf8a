"""The folder of a run: `run.db` (see `database`) and `media/` (files named by their SHA-256).

Media are not synced to the disk: a file that a power cut left short does not count, and its rendering is made again.
"""

from __future__ import annotations

import json
import mimetypes
import sqlite3
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebench.files import whole_file
from safebench.serialisation import (
    ballot_from,
    rendering_from,
    rendering_to,
    response_from,
    response_to,
    storable,
    stored,
)
from safebench.store.database import Database
from safebench.types import Ballot, Condition, Intent, Item, Label, Media, Outcome, Purpose, Query, Rendering, Response

if TYPE_CHECKING:
    from safebench.types import Comprehension, Transcript

REOPEN = """
UPDATE items SET outcome = NULL
WHERE id IN (SELECT item FROM exchanges WHERE status = 'failed')
  OR id IN (SELECT p.item FROM comprehended p JOIN items i ON i.id = p.item JOIN queries q ON q.id = i.query
    JOIN controls c ON c.query IN (q.id, q.twin) JOIN exchanges e ON e.key = c.exchange
    WHERE p.control IS NOT NULL AND e.status = 'failed')
  OR id IN (SELECT item FROM spoken WHERE failure IS NOT NULL)
  OR id IN (SELECT item FROM ballots WHERE absence = 'call_failed')  -- a juror that raised something
  OR outcome = 'undecided' AND id NOT IN (SELECT item FROM ballots)  -- a spoken answer that nobody could transcribe
  OR outcome = 'not_rendered' AND (rendering IS NULL OR rendering NOT IN (
    SELECT key FROM renderings
    WHERE json_extract(rendering, '$.fidelity.status') = 'failed' AND json_extract(rendering, '$.failure') IS NULL))
"""
# A call that was made stays, since it cost something, but under a key that nobody asks for.
_FORGET_CALLS = "UPDATE exchanges SET status = 'forgotten', key = key || '#' || rowid WHERE status = 'failed'"
FORGET_FAILED = (
    "DELETE FROM ballots WHERE item IN (SELECT id FROM items WHERE outcome IS NULL)",
    _FORGET_CALLS,
    "DELETE FROM controls WHERE exchange NOT IN (SELECT key FROM exchanges)",
    "DELETE FROM spoken WHERE failure IS NOT NULL",
    "DELETE FROM renderings WHERE json_extract(rendering, '$.failure') IS NOT NULL",
)
REOPEN_VERDICTS = """
UPDATE items SET outcome = NULL, reason = NULL, rating = NULL
WHERE id IN (SELECT item FROM ballots) AND (id IN (SELECT item FROM ballots WHERE absence = 'call_failed')
  OR id IN (SELECT item FROM exchanges WHERE role = 'jury' AND status = 'failed'))
"""
FORGET_FAILED_VERDICTS = (
    "DELETE FROM ballots WHERE item IN (SELECT id FROM items WHERE outcome IS NULL)",
    f"{_FORGET_CALLS} AND role = 'jury'",
)
FORGET_VERDICTS = (
    "DELETE FROM exchanges WHERE role = 'jury'",
    "UPDATE items SET outcome = NULL, reason = NULL, rating = NULL WHERE id IN (SELECT item FROM ballots)",
    "DELETE FROM ballots",
    "DELETE FROM meta WHERE key = 'paces'",
)
_LAST = attrgetter("twin", "language", "certainty")  # columns of a query
EXTENSIONS = {"audio/wav": ".wav"}  # what the mimetypes module does not know or names oddly


class Store(Database):
    """A run's folder: what was planned, what happened, and the media."""

    # --- media

    def media_path(self, sha256: str, mime: str) -> Path:
        suffix = EXTENSIONS.get(mime) or mimetypes.guess_extension(mime) or ".bin"
        return self.folder / "media" / sha256[:2] / f"{sha256}{suffix}"

    def keep(self, media: Media) -> Media:
        """Write the media to its file, unless it lies there whole, and return it backed by that file."""
        path = self.media_path(media.sha256, media.mime)
        if not _is_whole(path, media.size):
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as part:
                part.write_bytes(media.read())
        return replace(media, source=path)

    def find(self, reference: dict[str, Any]) -> Media:
        return Media(**reference, source=self.media_path(reference["sha256"], reference["mime"]))

    # --- the plan

    def plan(
        self, queries: Iterable[Query], categories: dict[str, str], items: Iterable[Item], revision: int = 1,
        *, mine: Container[str] | None = None,
    ) -> None:  # fmt: skip
        """Write queries and items once; planning again changes nothing.

        `mine`: ids of the queries that are written, with the numbers that they and their items have in the whole.

        A later revision brings more of them, those that were there in front. A twin that comes late is told, and a
        language that nobody needed before.
        """
        with self._transaction():
            self._write_all(
                "INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET twin = excluded.twin, language = coalesce(excluded.language, language),"
                " certainty = iif(excluded.language IS NULL, certainty, excluded.certainty)",
                (
                    (*(q.id, n, q.text, q.intent, q.scenario, categories.get(q.scenario or "")), *_LAST(q))
                    for n, q in enumerate(queries)
                    if mine is None or q.id in mine
                ),
            )
            self._write_all(
                "INSERT OR IGNORE INTO items (id, query, condition, repeat, revision) VALUES (?, ?, ?, ?, ?)",
                (
                    (None if mine is None else n, *item.key, revision)
                    for n, item in enumerate(items, start=1)
                    if mine is None or item.query.id in mine
                ),
            )
            self._note("planned", revision)

    @property
    def planned(self) -> int:
        """The last revision whose items are written; 0 before the first."""
        return int(self._noted("planned") or 0)

    def skip(self, condition: Condition, reason: str, items: int) -> None:
        self._write("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", str(condition), reason, items)

    def pending(self, conditions: dict[str, Condition]) -> Iterator[tuple[int, Item]]:
        """Items without an outcome, in planned order, read in pages so that memory stays flat."""
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT i.id AS item, i.condition, i.repeat, q.* FROM items i JOIN queries q ON q.id = i.query"
                " WHERE i.outcome IS NULL AND i.id > ? ORDER BY i.id LIMIT 500",
                (last,),
            ).fetchall()
            if not rows:
                return
            for row in rows:
                yield row["item"], Item(query_from(row), conditions[row["condition"]], row["repeat"])
            last = rows[-1]["item"]

    def counts(self) -> dict[str, dict[str | None, int]]:
        """Items by condition and outcome; None counts those without one."""
        counts: dict[str, dict[str | None, int]] = {}
        for row in self.rows("SELECT condition, outcome, count(*) AS n FROM items GROUP BY condition, outcome"):
            counts.setdefault(row["condition"], {})[row["outcome"]] = row["n"]
        return counts

    def count_pending(self) -> int:
        """How many items have no outcome yet."""
        return sum(cell.get(None, 0) for cell in self.counts().values())

    def _note(self, key: str, value: Any) -> None:
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, stored(value))

    def _noted(self, key: str) -> Any:
        """None for what nobody noted."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return json.loads(row["value"]) if row else None

    # --- what happened
    def keep_deliveries(self, deliveries: Sequence[Mapping[str, Any]]) -> None:
        self._note("deliveries", deliveries)

    def deliveries(self) -> list[dict[str, Any]]:
        return self._noted("deliveries") or []

    def keep_probe_form(self, settled: Mapping[str, Any]) -> None:
        """In which form the probes of this run are asked, and on what that rests."""
        self._note("probe_form", settled)

    def probe_form(self) -> dict[str, Any] | None:
        """None before the first probe of a run."""
        form: dict[str, Any] | None = self._noted("probe_form")
        return form

    def keep_paces(self, paces: Sequence[Mapping[str, Any]]) -> None:
        """What endpoints took of the calls of the last start that made some."""
        self._write("INSERT OR REPLACE INTO meta VALUES ('paces', ?)", stored(paces))

    def paces(self) -> list[dict[str, Any]]:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'paces'").fetchone()
        return json.loads(row["value"]) if row else []

    def keep_probe(self, item: int, probe: Comprehension) -> None:
        values = (item, probe.status, probe.missing, probe.exchange)
        self._write("INSERT OR REPLACE INTO probes VALUES (?, ?, ?, ?)", *values)

    def keep_control(self, query: str, control: Comprehension) -> None:
        """What the probe found about the query as text."""
        values = (query, control.status, control.missing, control.exchange)
        self._write("INSERT OR REPLACE INTO controls VALUES (?, ?, ?, ?)", *values)

    def keep_spoken(self, item: int, heard: Transcript, label: Label | None, own_label: Label | None) -> None:
        """The verdicts on what was heard in a spoken answer, and on the target's own text of it where both are."""
        values = (item, heard.text, heard.recogniser, heard.failure, label, own_label)
        self._write("INSERT OR REPLACE INTO spoken VALUES (?, ?, ?, ?, ?, ?)", *values)

    def rendering(self, key: str) -> Rendering | None:
        """None as well where its media are missing or not whole, so that they are made again."""
        row = self._db.execute("SELECT rendering FROM renderings WHERE key = ?", (key,)).fetchone()
        kept = rendering_from(key, json.loads(row["rendering"]), self.find) if row else None
        media = kept.media if kept else None
        return None if media and not _is_whole(self.media_path(media.sha256, media.mime), media.size) else kept

    def keep_rendering(self, query: Query, rendering: Rendering) -> Rendering:
        drafts = tuple(replace(d, media=self.keep(d.media)) if d.media else d for d in rendering.drafts)
        media = self.keep(rendering.media) if rendering.media else None
        kept = replace(rendering, media=media, drafts=drafts)
        self.record_rendering(query, kept)
        return kept

    def record_rendering(self, query: Query, rendering: Rendering) -> None:
        """Without its media, which are kept already or are nowhere."""
        values = (rendering.key, query.id, stored(rendering_to(rendering)))
        self._write("INSERT OR REPLACE INTO renderings VALUES (?, ?, ?)", *values)

    def exchange(self, key: str) -> Response | None:
        row = self._db.execute("SELECT response FROM exchanges WHERE key = ?", (key,)).fetchone()
        return response_from(key, json.loads(row["response"]), self.find) if row else None

    def keep_exchange(
        self, key: str, item: int, purpose: Purpose, request: dict[str, Any], response: Response
    ) -> Response:
        """Record a call; returns the response as it is read back later, with its media in the folder."""
        media = tuple(self.keep(media) for media in response.media)
        text, thinking = storable(response.text), storable(response.thinking)
        markup = storable(response.unknown_markup)
        kept = replace(response, key=key, media=media, text=text, thinking=thinking, unknown_markup=markup)
        told = (stored(request), stored(response_to(kept)), time.time())
        values = (key, item, *purpose.key, kept.status, *told)
        self._write("INSERT OR REPLACE INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)
        return kept

    def keep_outcome(
        self,
        item: int,
        outcome: Outcome,
        reason: str,
        rating: int | None,
        rendering: str | None,
        exchange: str | None,
        ballots: Iterable[Ballot],
    ) -> None:
        """Close an item: its outcome and its ballots in one transaction."""
        rows = (
            (item, b.round, b.juror, b.label, b.rating, b.reason, stored(b.exchanges), b.left_out, b.absence)
            for b in ballots
        )
        with self._transaction():
            self._write(
                "UPDATE items SET outcome = ?, reason = ?, rating = ?, rendering = ?, exchange = ? WHERE id = ?",
                *(outcome, reason, rating, rendering, exchange, item),
            )
            self._write_all("INSERT OR REPLACE INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def ballots(self, item: int) -> list[Ballot]:
        columns = "juror, round, label, rating, reason, exchanges, left_out, absence"
        sql = f"SELECT {columns} FROM ballots WHERE item = ? ORDER BY round, juror"  # noqa: S608
        return [ballot_from(dict(row)) for row in self.rows(sql, item)]

    def keep_reviews(self, reviewer: str, reviews: Mapping[int, tuple[Label, str] | None]) -> None:
        """A person's labels and comments by item, in one transaction; None forgets what there was."""
        at = time.time()
        forget = ((item, reviewer) for item in reviews)
        keep = ((item, reviewer, *review, at) for item, review in reviews.items() if review)
        with self._transaction():
            self._write_all("DELETE FROM reviews WHERE item = ? AND reviewer = ?", forget)
            self._write_all("INSERT OR REPLACE INTO reviews VALUES (?, ?, ?, ?, ?)", keep)

    def reviews(self) -> dict[int, dict[str, Label]]:
        """Labels by item and person."""
        labels: dict[int, dict[str, Label]] = {}
        for row in self.rows("SELECT item, reviewer, label FROM reviews ORDER BY item, reviewer"):
            labels.setdefault(row["item"], {})[row["reviewer"]] = Label(row["label"])
        return labels

    def reviews_by(self, reviewer: str) -> dict[int, tuple[Label, str]]:
        """A person's labels and comments by item, the earliest first."""
        sql = "SELECT item, label, comment FROM reviews WHERE reviewer = ? ORDER BY at, item"
        return {row["item"]: (Label(row["label"]), row["comment"]) for row in self.rows(sql, reviewer)}

    def reopen_failed(self) -> int:
        """Forget failed exchanges, renderings and transcripts, and the outcomes that rest on them; how many items.

        A rendering that was made and failed its check stays.
        """
        with self._transaction():
            reopened = self._write(REOPEN)
            for forget in FORGET_FAILED:
                self._write(forget)
        return reopened

    def reopen_failed_verdicts(self) -> int:
        """Forget failed calls of jurors and the verdicts that rest on them; how many. Answers stay as they are."""
        with self._transaction():
            reopened = self._write(REOPEN_VERDICTS)
            for forget in FORGET_FAILED_VERDICTS:
                self._write(forget)
        return reopened

    def forget_verdicts(self) -> None:
        """Forget all ballots, the calls behind them, and the outcomes that rest on them; answers stay."""
        with self._transaction():
            for forget in FORGET_VERDICTS:
                self._write(forget)


def _is_whole(path: Path, size: int) -> bool:
    """Whether the file has the length that it should: after a power cut it may be there and empty."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def query_from(row: sqlite3.Row) -> Query:
    told = (row["language"], row["certainty"])
    return Query(row["id"], row["text"], Intent(row["intent"]), row["scenario"], row["twin"], *told)
