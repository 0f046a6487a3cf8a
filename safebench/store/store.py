"""The folder of a run: `run.db` (SQLite, WAL) and `media/` (files named by their SHA-256).

Every write is one transaction, so that the process can be killed at any instant. `synchronous=NORMAL` in WAL mode
survives the death of the process; after a power cut the last transactions may be missing, never half there. Media are
not synced to the disk: a file that a power cut left short does not count, and its rendering is made again.

Lone surrogates, which models send and no UTF-8 holds, become question marks in every text on its way in.
"""

from __future__ import annotations

import fcntl
import json
import mimetypes
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebench.errors import BadInput
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
from safebench.types import Ballot, Condition, Intent, Item, Label, Media, Outcome, Query, Rendering, Response

if TYPE_CHECKING:
    from safebench.types import Comprehension, Transcript

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
        """Raises BadInput where the folder holds no run, one of another format, or another process works on it."""
        self.folder = folder
        database = folder / DATABASE
        if readonly and not database.is_file():
            raise BadInput(f"{folder} is not a run folder: it has no {DATABASE}")
        with ExitStack() as opened:
            if not readonly:
                folder.mkdir(parents=True, exist_ok=True)
                opened.callback(os.close, _lock(folder))
            try:
                self._db = opened.enter_context(closing(_connect(database, readonly)))
                self._db.row_factory = sqlite3.Row
                _check_format(self._db, folder, may_be_new=not readonly)
                if not readonly:
                    _prepare(self._db)
            except sqlite3.DatabaseError as error:
                mend = "put it back from a copy or start a new folder"
                raise BadInput(f"{database} cannot be opened as a run: {error}; {mend}") from error
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Rows of a reading query, streamed."""
        yield from self._db.execute(sql, _row(values))

    def _write(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        try:
            return self._db.execute(sql, values).rowcount
        except UnicodeEncodeError:
            return self._db.execute(sql, _row(values)).rowcount

    def _write_all(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Inside of a transaction, and with statements that may be said twice."""
        told = list(rows)
        try:
            self._db.executemany(sql, told)
        except UnicodeEncodeError:
            self._db.executemany(sql, map(_row, told))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._db:  # commits, or rolls back after an error
            self._db.execute("BEGIN")
            yield

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

    def plan(self, queries: Iterable[Query], categories: dict[str, str], items: Iterable[Item]) -> None:
        """Write queries and items once; planning again changes nothing."""
        with self._transaction():
            self._write_all(
                "INSERT OR IGNORE INTO queries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (q.id, n, q.text, q.intent, q.scenario, categories.get(q.scenario or ""), q.twin)
                    for n, q in enumerate(queries)
                ),
            )
            self._write_all(
                "INSERT OR IGNORE INTO items (query, condition, repeat) VALUES (?, ?, ?)", (item.key for item in items)
            )
            self._write("INSERT OR REPLACE INTO meta VALUES ('planned', '1')")

    @property
    def planned(self) -> bool:
        return self._db.execute("SELECT 1 FROM meta WHERE key = 'planned'").fetchone() is not None

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
        found: dict[str, dict[str | None, int]] = {}
        for row in self.rows("SELECT condition, outcome, count(*) AS n FROM items GROUP BY condition, outcome"):
            found.setdefault(row["condition"], {})[row["outcome"]] = row["n"]
        return found

    # --- what happened

    def keep_deliveries(self, deliveries: Sequence[Mapping[str, Any]]) -> None:
        self._write("INSERT OR REPLACE INTO meta VALUES ('deliveries', ?)", stored(deliveries))

    def deliveries(self) -> list[dict[str, Any]]:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'deliveries'").fetchone()
        return json.loads(row["value"]) if row else []

    def keep_probe(self, item: int, probe: Comprehension) -> None:
        values = (item, probe.status, probe.missing, probe.exchange)
        self._write("INSERT OR REPLACE INTO probes VALUES (?, ?, ?, ?)", *values)

    def keep_spoken(self, item: int, heard: Transcript, label: Label | None, own_label: Label | None) -> None:
        """The verdicts on what was heard in a spoken answer, and on the target's own text of it where both are."""
        values = (item, heard.text, heard.recogniser, heard.failure, label, own_label)
        self._write("INSERT OR REPLACE INTO spoken VALUES (?, ?, ?, ?, ?, ?)", *values)

    def rendering(self, key: str) -> Rendering | None:
        """None as well where its media are missing or not whole, so that they are made again."""
        row = self._db.execute("SELECT rendering FROM renderings WHERE key = ?", (key,)).fetchone()
        found = rendering_from(key, json.loads(row["rendering"]), self.find) if row else None
        media = found.media if found else None
        return None if media and not _is_whole(self.media_path(media.sha256, media.mime), media.size) else found

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

    def keep_exchange(self, key: str, item: int, purpose: str, request: dict[str, Any], response: Response) -> Response:
        """Record a call; returns the response as it is read back later, with its media in the folder."""
        media = tuple(self.keep(media) for media in response.media)
        text, thinking = storable(response.text), storable(response.thinking)
        kept = replace(response, key=key, media=media, text=text, thinking=thinking)
        values = (key, item, purpose, kept.status, stored(request), stored(response_to(kept)), time.time())
        self._write("INSERT OR REPLACE INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
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
        rows = ((item, b.round, b.juror, b.label, b.rating, b.reason, stored(b.exchanges), b.left_out) for b in ballots)
        with self._transaction():
            self._write(
                "UPDATE items SET outcome = ?, reason = ?, rating = ?, rendering = ?, exchange = ? WHERE id = ?",
                *(outcome, reason, rating, rendering, exchange, item),
            )
            self._write_all("INSERT OR REPLACE INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def ballots(self, item: int) -> list[Ballot]:
        columns = "juror, round, label, rating, reason, exchanges, left_out"
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
            found = self._write(REOPEN)
            for forget in FORGET_FAILED:
                self._write(forget)
        return found


def _lock(folder: Path) -> int:
    """The descriptor that holds the lock until it is closed."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BadInput(f"another process is working on {folder}; wait for it or stop it") from error
    return lock


def _connect(database: Path, readonly: bool) -> sqlite3.Connection:
    if readonly:
        return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    return sqlite3.connect(database, isolation_level=None, check_same_thread=False)


def _check_format(db: sqlite3.Connection, folder: Path, *, may_be_new: bool) -> None:
    """Raises BadInput unless a run of this format, or nothing yet, is in it. Changes nothing."""
    tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables and may_be_new:
        return
    told = "SELECT value FROM meta WHERE key = 'schema_version'"
    found = db.execute(told).fetchone() if "meta" in tables else None
    if found is None:
        raise BadInput(f"{folder} is no run folder: its {DATABASE} holds no run; start a new folder")
    if found["value"] != str(SCHEMA_VERSION):
        raise BadInput(
            f"{folder} has format {found['value']}, and this SafeBench ({version('safebench')}) reads format"
            f" {SCHEMA_VERSION}; read it with the version of SafeBench that made it (its run.toml names it) or start a"
            " new folder"
        )


def _prepare(db: sqlite3.Connection) -> None:
    """Settings of a run that is written to, and the tables that it lacks: all of them or none."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA wal_autocheckpoint=4000")  # 16 MB: every checkpoint waits for the disk
    insert = f"INSERT OR IGNORE INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}');"  # noqa: S608
    db.executescript(f"BEGIN; {SCHEMA} {insert} COMMIT")


def _row(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple([storable(value) if isinstance(value, str) else value for value in values])


def _is_whole(path: Path, size: int) -> bool:
    """Whether the file has the length that it should: after a power cut it may be there and empty."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def query_from(row: sqlite3.Row) -> Query:
    return Query(row["id"], row["text"], Intent(row["intent"]), row["scenario"], row["twin"])
