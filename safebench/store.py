"""The folder of a run: `run.db` (SQLite, WAL) and `media/` (files named by their SHA-256).

Every write is one transaction, so that the process can be killed at any instant. `synchronous=NORMAL` in WAL mode
survives the death of the process; after a power cut the last transactions may be missing, never half there.
"""

from __future__ import annotations

import fcntl
import json
import mimetypes
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebench.errors import BadInput
from safebench.records import ballot_from, rendering_from, rendering_to, response_from, response_to, storable, stored
from safebench.types import Ballot, Condition, Intent, Item, Label, Media, Outcome, Query, Rendering, Response

if TYPE_CHECKING:
    from safebench.comprehension import Comprehension
    from safebench.transcribing import Transcript

DATABASE = "run.db"
SCHEMA_VERSION = 4
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (
    id TEXT PRIMARY KEY, position INTEGER, text TEXT, intent TEXT, scenario TEXT, category TEXT, twin TEXT);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, query TEXT, condition TEXT, repeat INTEGER, outcome TEXT, reason TEXT, rating INTEGER,
    rendering TEXT, exchange TEXT, UNIQUE (query, condition, repeat));
CREATE TABLE IF NOT EXISTS skipped (condition TEXT PRIMARY KEY, reason TEXT, items INTEGER);
CREATE TABLE IF NOT EXISTS renderings (key TEXT PRIMARY KEY, query TEXT, rendering TEXT);
CREATE TABLE IF NOT EXISTS exchanges (
    key TEXT PRIMARY KEY, item INTEGER, purpose TEXT, status TEXT, request TEXT, response TEXT, at REAL);
CREATE TABLE IF NOT EXISTS probes (item INTEGER PRIMARY KEY, status TEXT, missing REAL, exchange TEXT);
CREATE TABLE IF NOT EXISTS spoken (
    item INTEGER PRIMARY KEY, transcript TEXT, recogniser TEXT, failure TEXT, label TEXT, own_label TEXT);
CREATE TABLE IF NOT EXISTS ballots (
    item INTEGER, round INTEGER, juror TEXT, label TEXT, rating INTEGER, reason TEXT, exchanges TEXT,
    left_out INTEGER, PRIMARY KEY (item, round, juror)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    item INTEGER, reviewer TEXT, label TEXT, comment TEXT, at REAL, PRIMARY KEY (item, reviewer)) WITHOUT ROWID;
"""
REOPEN = """
UPDATE items SET outcome = NULL
WHERE id IN (SELECT item FROM exchanges WHERE status = 'failed')
  OR id IN (SELECT item FROM spoken WHERE failure IS NOT NULL)
  OR outcome = 'undecided' AND id NOT IN (SELECT item FROM ballots)  -- a spoken answer that nobody could transcribe
  OR outcome = 'not_rendered' AND (rendering IS NULL OR rendering NOT IN (
    SELECT key FROM renderings
    WHERE json_extract(rendering, '$.fidelity.status') = 'failed' AND json_extract(rendering, '$.failure') IS NULL))
"""
FORGET_FAILED = (
    "DELETE FROM ballots WHERE item IN (SELECT id FROM items WHERE outcome IS NULL)",
    "DELETE FROM exchanges WHERE status = 'failed'",
    "DELETE FROM spoken WHERE failure IS NOT NULL",
    "DELETE FROM renderings WHERE json_extract(rendering, '$.failure') IS NOT NULL",
)
EXTENSIONS = {"audio/wav": ".wav"}  # what the mimetypes module does not know or names oddly


class Store:
    """One process at a time works on a folder; readers (`readonly=True`) may look at any moment."""

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        self.folder = folder
        self._lock: int | None = None
        database = folder / DATABASE
        if readonly:
            if not database.is_file():
                raise BadInput(f"{folder} is not a run folder: it has no {DATABASE}")
            self._db = sqlite3.connect(f"file:{database.resolve()}?mode=ro", uri=True, isolation_level=None)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            self._check_version(readonly)
            if not readonly:
                self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            raise BadInput(f"{database} cannot be read as a run: {error}") from error
        except BaseException:
            self.close()
            raise

    def _check_version(self, readonly: bool) -> None:
        """Raises BadInput for a run of another version, before anything in it is changed."""
        if not list(self.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'")):
            if readonly:
                raise BadInput(f"{self.folder / DATABASE} holds no run")
            return  # it is about to be made
        found = self._db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        if found is not None and found["value"] != str(SCHEMA_VERSION):
            raise BadInput(
                f"{self.folder} was made by another version of SafeBench (tables of version {found['value']}, this one"
                f" reads {SCHEMA_VERSION}): use that version, which run.toml names, or start a new folder"
            )

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=4000")  # 16 MB: every checkpoint waits for the disk
        self._db.executescript(SCHEMA)
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))

    def _take_lock(self) -> None:
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            self._lock = None
            raise BadInput(f"another process is working on {self.folder}; wait for it or stop it") from error

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Rows of a reading query, streamed."""
        yield from self._db.execute(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is written inside or, after an error, nothing of it."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # some errors end it by themselves
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- media

    def media_path(self, sha256: str, mime: str) -> Path:
        suffix = EXTENSIONS.get(mime) or mimetypes.guess_extension(mime) or ".bin"
        return self.folder / "media" / sha256[:2] / f"{sha256}{suffix}"

    def keep(self, media: Media) -> Media:
        """Write the media to its file, whole or not at all, and return it backed by that file.

        What is there counts if its size is right: after a power cut it may be empty.
        """
        path = self.media_path(media.sha256, media.mime)
        if not path.exists() or path.stat().st_size != media.size:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_bytes(media.read())
            temporary.replace(path)
        return replace(media, source=path)

    def find(self, reference: dict[str, Any]) -> Media:
        return Media(**reference, source=self.media_path(reference["sha256"], reference["mime"]))

    # --- the plan

    def plan(self, queries: Iterable[Query], categories: dict[str, str], items: Iterable[Item]) -> None:
        """Write queries and items once; planning again changes nothing."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO queries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (q.id, n, q.text, q.intent, q.scenario, categories.get(q.scenario or ""), q.twin)
                    for n, q in enumerate(queries)
                ),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO items (query, condition, repeat) VALUES (?, ?, ?)", (item.key for item in items)
            )
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('planned', '1')")

    @property
    def planned(self) -> bool:
        return self._db.execute("SELECT 1 FROM meta WHERE key = 'planned'").fetchone() is not None

    def skip(self, condition: Condition, reason: str, items: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", (str(condition), reason, items))

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
        found: dict[str, dict[str | None, int]] = {}
        for row in self.rows("SELECT condition, outcome, count(*) AS n FROM items GROUP BY condition, outcome"):
            found.setdefault(row["condition"], {})[row["outcome"]] = row["n"]
        return found

    # --- what happened

    def keep_deliveries(self, deliveries: Sequence[Mapping[str, Any]]) -> None:
        told = stored(deliveries)
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('deliveries', ?)", (told,))

    def deliveries(self) -> list[dict[str, Any]]:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'deliveries'").fetchone()
        return json.loads(row["value"]) if row else []

    def keep_probe(self, item: int, probe: Comprehension) -> None:
        values = (item, probe.status, probe.missing, probe.exchange)
        self._db.execute("INSERT OR REPLACE INTO probes VALUES (?, ?, ?, ?)", values)

    def keep_spoken(self, item: int, heard: Transcript, label: Label | None, own_label: Label | None) -> None:
        """The verdicts on what was heard in a spoken answer, and on the target's own text of it where both are."""
        values = (item, heard.text, heard.recogniser, heard.failure, label, own_label)
        self._db.execute("INSERT OR REPLACE INTO spoken VALUES (?, ?, ?, ?, ?, ?)", values)

    def rendering(self, key: str) -> Rendering | None:
        row = self._db.execute("SELECT rendering FROM renderings WHERE key = ?", (key,)).fetchone()
        return rendering_from(key, json.loads(row["rendering"]), self.find) if row else None

    def keep_rendering(self, query: Query, rendering: Rendering) -> Rendering:
        drafts = tuple(replace(d, media=self.keep(d.media)) if d.media else d for d in rendering.drafts)
        media = self.keep(rendering.media) if rendering.media else None
        kept = replace(rendering, media=media, drafts=drafts)
        self.record_rendering(query, kept)
        return kept

    def record_rendering(self, query: Query, rendering: Rendering) -> None:
        """Without its media, which are kept already or are nowhere."""
        values = (rendering.key, query.id, stored(rendering_to(rendering)))
        self._db.execute("INSERT OR REPLACE INTO renderings VALUES (?, ?, ?)", values)

    def exchange(self, key: str) -> Response | None:
        row = self._db.execute("SELECT response FROM exchanges WHERE key = ?", (key,)).fetchone()
        return response_from(key, json.loads(row["response"]), self.find) if row else None

    def keep_exchange(self, key: str, item: int, purpose: str, request: dict[str, Any], response: Response) -> Response:
        kept = replace(response, key=key, media=tuple(self.keep(media) for media in response.media))
        values = (key, item, purpose, kept.status, stored(request), stored(response_to(kept)), time.time())
        self._db.execute("INSERT OR REPLACE INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?)", values)
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
        with self._transaction():
            self._db.execute(
                "UPDATE items SET outcome = ?, reason = ?, rating = ?, rendering = ?, exchange = ? WHERE id = ?",
                (outcome, storable(reason), rating, rendering, exchange, item),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (item, b.round, b.juror, b.label, b.rating, b.reason, stored(b.exchanges), b.left_out)
                    for b in ballots
                ),
            )

    def ballots(self, item: int) -> list[Ballot]:
        columns = "juror, round, label, rating, reason, exchanges, left_out"
        sql = f"SELECT {columns} FROM ballots WHERE item = ? ORDER BY round, juror"  # noqa: S608
        return [ballot_from(dict(row)) for row in self.rows(sql, item)]

    def keep_reviews(self, reviewer: str, reviews: Mapping[int, tuple[Label, str] | None]) -> None:
        """A person's labels and comments by item, in one transaction; None forgets what there was."""
        at = time.time()
        with self._transaction():
            forget = ((item, reviewer) for item in reviews)
            self._db.executemany("DELETE FROM reviews WHERE item = ? AND reviewer = ?", forget)
            keep = ((item, reviewer, *review, at) for item, review in reviews.items() if review)
            self._db.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?, ?)", keep)

    def reviews(self) -> dict[int, dict[str, Label]]:
        """Labels by item and person; none in a run that was made before there were reviews."""
        if not list(self.rows("SELECT 1 FROM sqlite_master WHERE name = 'reviews'")):
            return {}
        found: dict[int, dict[str, Label]] = {}
        for row in self.rows("SELECT item, reviewer, label FROM reviews ORDER BY item, reviewer"):
            found.setdefault(row["item"], {})[row["reviewer"]] = Label(row["label"])
        return found

    def reviews_by(self, reviewer: str) -> dict[int, tuple[Label, str]]:
        """A person's labels and comments by item, the earliest first."""
        sql = "SELECT item, label, comment FROM reviews WHERE reviewer = ? ORDER BY at, item"
        return {row["item"]: (Label(row["label"]), row["comment"]) for row in self.rows(sql, reviewer)}

    def reopen_failed(self) -> int:
        """Forget failed exchanges, renderings and transcripts, and the outcomes that rest on them; how many items.

        A rendering that was made and failed its check stays.
        """
        with self._transaction():
            found = self._db.execute(REOPEN).rowcount
            for forget in FORGET_FAILED:
                self._db.execute(forget)
        return found


def query_from(row: sqlite3.Row) -> Query:
    return Query(row["id"], row["text"], Intent(row["intent"]), row["scenario"], row["twin"])
