"""Looks after dynoxide's own table of stream records: it neither indexes nor ever empties it.

Without the index each write reads the whole table for its next sequence number. This is dynoxide's private schema,
so its version is checked first; the package is pinned to 1.2.1.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA_VERSION = "9"
KEPT_RECORDS = 20_000  # far more than the relay is ever behind; never none, or the numbers would start again
_CHUNK = 2_000  # one short transaction each, so that no writer waits
_INDEX = (
    "CREATE INDEX IF NOT EXISTS vaultstream_records ON _stream_records (table_name, CAST(sequence_number AS INTEGER))"
)
_TRIM = (
    "DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records"
    " WHERE id <= (SELECT MAX(id) FROM _stream_records) - ? ORDER BY id LIMIT ?)"
)


class UnknownSchema(Exception):
    """This dynoxide keeps its records in another way; nothing was touched."""


def tend(database: Path, kept: int = KEPT_RECORDS) -> int:
    """Index the records and drop the oldest above `kept`; returns how many were dropped. Raises UnknownSchema."""
    dropped = 0
    with closing(sqlite3.connect(database, timeout=5, isolation_level=None)) as store:
        _check(store)
        store.execute(_INDEX)
        while True:
            count = store.execute(_TRIM, (kept, _CHUNK)).rowcount
            dropped += count
            if count < _CHUNK:
                return dropped


def _check(store: sqlite3.Connection) -> None:
    try:
        row = store.execute("SELECT value FROM _config WHERE key = 'schema_version'").fetchone()
    except sqlite3.OperationalError as error:
        raise UnknownSchema(f"{error}") from error
    if row is None or f"{row[0]}" != SCHEMA_VERSION:
        raise UnknownSchema(f"schema version {None if row is None else row[0]} where {SCHEMA_VERSION} was expected")
