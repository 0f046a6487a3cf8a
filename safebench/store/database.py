"""The database of a run (SQLite, WAL), opened and locked.

Every write is one transaction, so that the process can be killed at any instant. `synchronous=NORMAL` in WAL mode
survives the death of the process; after a power cut the last transactions may be missing, never half there.

Lone surrogates, which models send and no UTF-8 holds, become question marks in every text on its way in.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from safebench.errors import BadInput
from safebench.files import lock
from safebench.serialisation import storable
from safebench.store.schema import DATABASE, SCHEMA, SCHEMA_VERSION

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
NO_TEXT = "decode to UTF-8"  # what Python says of a text in it that is none
MEND = "put it back from a copy or start a new folder"


class Database:
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
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the second of a message on what it read
                raise BadInput(f"{database} cannot be opened as a run: {error}; {MEND}") from error
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raises BadInput in place of an error of SQLite that is one of a damaged file."""
        self.close()
        with _whole(self.folder / DATABASE):
            if isinstance(error, sqlite3.DatabaseError):
                raise error

    def copy_to(self, folder: Path) -> None:
        """The database as it is now, in another folder, which has none."""
        with closing(sqlite3.connect(folder / DATABASE)) as copy:
            self._db.backup(copy)

    def rows(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Rows of a reading query, streamed."""
        for row in self._db.execute(sql, _row(values)):  # noqa: UP028  it would close the cursor of a closed database
            yield row

    def one(self, sql: str, *values: Any) -> sqlite3.Row:
        """The row of a reading query that has exactly one."""
        (row,) = self.rows(sql, *values)
        return row

    def _write(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        try:
            return self._db.execute(sql, values).rowcount
        except UnicodeEncodeError:
            return self._db.execute(sql, _row(values)).rowcount

    def _write_all(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Inside of a transaction; one row after the other, of however many."""
        self._db.executemany(sql, map(_row, rows))

    @staticmethod
    def is_begun(folder: Path) -> bool:
        """Whether the folder has a database with tables: a process may have died between the two."""
        database = folder / DATABASE
        if not database.is_file():
            return False
        with _whole(database), closing(_connect(database, readonly=True)) as db:
            return db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._db:  # commits, or rolls back after an error
            self._db.execute("BEGIN")
            yield


@contextmanager
def _whole(database: Path) -> Iterator[None]:
    """Around what reads it: SQLite looks at a page of the file when it needs that, and no sooner."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGED and NO_TEXT not in str(error):
            raise
        raise BadInput(f"{database} is damaged: {error}; {MEND}") from error


def _lock(folder: Path) -> int:
    """The descriptor that holds the lock until it is closed."""
    taken = f"another process is working on {folder}; wait for it or stop it"
    return lock(folder / "lock", os.O_CREAT | os.O_RDWR, taken)


def _connect(database: Path, readonly: bool) -> sqlite3.Connection:
    if readonly:
        return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    return sqlite3.connect(database, isolation_level=None, check_same_thread=False)


def _check_format(db: sqlite3.Connection, folder: Path, *, may_be_new: bool) -> None:
    """Raises BadInput unless a run of this format, or nothing yet, is in it. Changes nothing."""
    tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables and may_be_new:
        return
    version_of = "SELECT value FROM meta WHERE key = 'schema_version'"
    written = db.execute(version_of).fetchone() if "meta" in tables else None
    if written is None:
        raise BadInput(f"{folder} is no run folder: its {DATABASE} holds no run; start a new folder")
    if written["value"] != str(SCHEMA_VERSION):
        raise BadInput(
            f"{folder} has format {written['value']}, and this SafeBench ({version('safebench')}) reads format"
            f" {SCHEMA_VERSION}: start a new folder (--out)"
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
