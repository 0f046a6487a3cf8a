"""The databases of shards put together. Items have the numbers of the whole already, so that calls keep their keys."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from safebench.errors import BadInput
from safebench.store.database import DAMAGED
from safebench.store.schema import DATABASE
from safebench.store.store import Store

# Calls that belong to no single item are made in each shard: they stay, since they cost something, under other keys.
_COPY = """
BEGIN;
INSERT INTO queries SELECT * FROM shard.queries;
INSERT INTO items SELECT * FROM shard.items;
INSERT INTO skipped SELECT * FROM shard.skipped WHERE true
    ON CONFLICT (condition) DO UPDATE SET items = items + excluded.items;
INSERT INTO renderings SELECT * FROM shard.renderings;
INSERT INTO exchanges
    SELECT iif(key IN (SELECT key FROM exchanges), key || '#shard {number}', key), item, role, juror, round, number,
        about, status, request, response, at
    FROM shard.exchanges ORDER BY rowid;
INSERT INTO probes SELECT * FROM shard.probes;
INSERT INTO controls SELECT * FROM shard.controls;
INSERT INTO spoken SELECT * FROM shard.spoken;
INSERT INTO ballots SELECT * FROM shard.ballots;
INSERT INTO reviews SELECT * FROM shard.reviews;
INSERT INTO meta SELECT * FROM shard.meta WHERE key <> 'paces' ON CONFLICT (key) DO NOTHING;
COMMIT
"""


class Merged(Store):
    """A store that takes in those of shards."""

    def take_in(self, shard: Path, number: int) -> None:
        """`number`: what tells its calls that belong to no item from those of others.

        Raises BadInput where something of the shard is here already.
        """
        self._db.execute("ATTACH DATABASE ? AS shard", (str(shard / DATABASE),))
        try:
            self._db.executescript(_COPY.format(number=int(number)))
        except sqlite3.IntegrityError as error:
            self._db.rollback()
            raise BadInput(f"{shard} holds what another shard holds as well: {error}") from error
        except sqlite3.DatabaseError as error:
            self._db.rollback()
            if error.sqlite_errorcode not in (*DAMAGED, sqlite3.SQLITE_ERROR):
                raise
            raise BadInput(f"{shard / DATABASE} cannot be read as a shard: {error}; put it back from a copy") from error
        finally:
            self._db.execute("DETACH DATABASE shard")
