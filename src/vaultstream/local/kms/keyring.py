"""Where keys live: SQLite in WAL mode with synchronous=FULL, material wrapped by the root key.

A data key that a client got is worth nothing if the key that wrapped it is lost, so a key is on the disk before
its id leaves; encrypting and decrypting write nothing.
"""

import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from vaultstream.local.kms.faults import KmsFault
from vaultstream.local.kms.keys import Key, KeyState, Usage, milliseconds, moment
from vaultstream.local.kms.root_key import open_root_key

ACCOUNT = "000000000000"
_ARN = re.compile(r"arn:aws:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>(key|alias)/.+)")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    key_id TEXT PRIMARY KEY, description TEXT NOT NULL, spec TEXT NOT NULL, usage TEXT NOT NULL,
    state TEXT NOT NULL, created_at_ms INTEGER NOT NULL, deletion_at_ms INTEGER, version INTEGER NOT NULL,
    rotation_days INTEGER NOT NULL, next_rotation_at_ms INTEGER, policy TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS materials (
    key_id TEXT NOT NULL REFERENCES keys ON DELETE CASCADE, version INTEGER NOT NULL, wrapped BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (key_id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aliases (
    name TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
    key_id TEXT NOT NULL REFERENCES keys ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (key_id, name)
) WITHOUT ROWID;
"""


class Keyring:
    """One data folder, opened by one process. Methods may be called from any thread; each is one transaction."""

    def __init__(self, folder: Path, region: str, clock: Callable[[], datetime]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock_file)
            raise RuntimeError(f"{folder} is open in another process") from error
        self.region = region
        self.clock = clock
        self._lock = threading.RLock()
        path = folder / "kms.sqlite"
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)
        has_keys = self._connection.execute("SELECT EXISTS (SELECT 1 FROM keys)").fetchone()[0]
        self._root = open_root_key(folder / "root.key", may_create=not has_keys)

    def close(self) -> None:
        """Closes the database and lets another process open the folder."""
        with self._lock:
            self._connection.close()
            os.close(self._lock_file)

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction for statements that belong together."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def arn(self, name: str) -> str:
        """The ARN of `key/ID` or `alias/NAME`."""
        return f"arn:aws:kms:{self.region}:{ACCOUNT}:{name}"

    def find(self, reference: str, *, by_alias: bool = False) -> Key:
        """A key by its id or ARN, or by an alias where the operation takes one; raises `NotFoundException`."""
        with self._lock:
            key_id = self._key_id(reference, by_alias=by_alias)
            rows = self.rows("SELECT * FROM keys WHERE key_id = ?", key_id)
            if not rows or self._is_due(rows[0]):
                raise KmsFault("NotFoundException", f"Key '{self.arn(f'key/{key_id}')}' does not exist")
            return self.from_row(rows[0])

    def reap(self) -> None:
        """Destroys the keys whose waiting period is over, their material and aliases with them."""
        with self.changing() as connection:
            sql = "DELETE FROM keys WHERE state = ? AND deletion_at_ms <= ?"
            connection.execute(sql, (KeyState.PENDING_DELETION, milliseconds(self.clock())))

    def material(self, key: Key, version: int) -> bytes:
        """The secret of one version of a key; raises LookupError for a version that never was."""
        sql = "SELECT wrapped FROM materials WHERE key_id = ? AND version = ?"
        rows = self.rows(sql, key.key_id, version)
        if not rows:
            raise LookupError(f"key {key.key_id} has no version {version}")
        return self._root.unwrap(rows[0]["wrapped"], key.key_id, version)

    def add_material(self, key_id: str, version: int, material: bytes, reason: str) -> None:
        """Stores a new version of a key's secret, wrapped, and makes it the one that encrypts."""
        wrapped = self._root.wrap(material, key_id, version)
        now = milliseconds(self.clock())
        with self.changing() as connection:
            connection.execute("INSERT INTO materials VALUES (?, ?, ?, ?, ?)", (key_id, version, wrapped, now, reason))
            connection.execute("UPDATE keys SET version = ? WHERE key_id = ?", (version, key_id))

    def from_row(self, row: sqlite3.Row) -> Key:
        """The noun of a row of `keys`."""
        created_at = moment(row["created_at_ms"])
        if created_at is None:
            raise RuntimeError(f"key {row['key_id']} has no creation date")
        return Key(
            key_id=row["key_id"],
            arn=self.arn(f"key/{row['key_id']}"),
            description=row["description"],
            spec=row["spec"],
            usage=Usage(row["usage"]),
            state=KeyState(row["state"]),
            created_at=created_at,
            deletion_at=moment(row["deletion_at_ms"]),
            version=row["version"],
            rotation_days=row["rotation_days"],
            next_rotation_at=moment(row["next_rotation_at_ms"]),
            policy=row["policy"],
        )

    def _is_due(self, row: sqlite3.Row) -> bool:
        deadline_ms: int | None = row["deletion_at_ms"]
        if deadline_ms is None or milliseconds(self.clock()) < deadline_ms:
            return False
        self.reap()
        return True

    def _key_id(self, reference: str, *, by_alias: bool) -> str:
        name = reference
        if reference.startswith("arn:"):
            match = _ARN.fullmatch(reference)
            if match is None:
                raise KmsFault("InvalidArnException", "Invalid ARN")
            if (match["region"], match["account"]) != (self.region, ACCOUNT):
                raise KmsFault("NotFoundException", f"Key '{reference}' does not exist")
            name = match["name"].removeprefix("key/")
        if not name.startswith("alias/"):
            return name
        rows = self.rows("SELECT key_id FROM aliases WHERE name = ?", name) if by_alias else []
        if not rows:
            raise KmsFault("NotFoundException", f"Alias {self.arn(name)} is not found.")
        return str(rows[0]["key_id"])
