"""What was granted and not yet used up: authorization codes and refresh tokens, kept by their hashes only.

Both are good for one use. A second use means that somebody copied it, so it ends the whole session (RFC 9700,
sections 2.1.1 and 4.14.2).
"""

import hashlib
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

CODE_SECONDS = 60
REFRESH_SECONDS = 30 * 24 * 3600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS grants (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL, session TEXT NOT NULL, subject TEXT NOT NULL,
    challenge TEXT NOT NULL, redirect_uri TEXT NOT NULL, nonce TEXT, expires_at REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS grants_session ON grants (session);
"""
_GIVE = """
INSERT INTO grants (hash, kind, session, subject, challenge, redirect_uri, nonce, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_TAKE = """
UPDATE grants SET used = used + 1 WHERE hash = ? AND kind = ?
RETURNING used, session, subject, challenge, redirect_uri, nonce
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a code or refresh token is for, and what its user has to show."""

    session: str
    subject: str
    challenge: str = ""
    redirect_uri: str = ""
    nonce: str | None = None


def new_session() -> str:
    """The identity of one signing-in, which all its tokens share."""
    return secrets.token_urlsafe(16)


class Grants:
    """The store, in one SQLite file; each call is a transaction of its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "grants.sqlite"
        self._path.touch(mode=0o600)
        with closing(self._open()) as store:
            store.executescript(_SCHEMA)

    def give_code(self, grant: Grant, now: datetime) -> str:
        """A code for the token endpoint, good for a minute."""
        return self._give("code", grant, now + timedelta(seconds=CODE_SECONDS))

    def give_refresh(self, grant: Grant, now: datetime) -> str:
        """A refresh token, good for thirty days."""
        return self._give("refresh", grant, now + timedelta(seconds=REFRESH_SECONDS))

    def take_code(self, code: str, now: datetime) -> Grant | None:
        """Use a code up; None when there is none such, or no more."""
        return self._take("code", code, now)

    def take_refresh(self, token: str, now: datetime) -> Grant | None:
        """Use a refresh token up; None when there is none such, or no more."""
        return self._take("refresh", token, now)

    def end_session(self, session: str) -> None:
        """Nothing of this session can be used any more."""
        with closing(self._open()) as store, store:
            store.execute("DELETE FROM grants WHERE session = ?", (session,))

    def _give(self, kind: str, grant: Grant, expires_at: datetime) -> str:
        text = secrets.token_urlsafe(32)
        row = (_hash(text), kind, grant.session, grant.subject, grant.challenge, grant.redirect_uri, grant.nonce)
        with closing(self._open()) as store, store:
            store.execute(_GIVE, (*row, expires_at.timestamp()))
        return text

    def _take(self, kind: str, text: str, now: datetime) -> Grant | None:
        with closing(self._open()) as store, store:
            store.execute("DELETE FROM grants WHERE expires_at <= ?", (now.timestamp(),))
            row = store.execute(_TAKE, (_hash(text), kind)).fetchone()
            if row is None:
                return None
            if row[0] > 1:
                store.execute("DELETE FROM grants WHERE session = ?", (row[1],))
                return None
            return Grant(*row[1:])

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=5)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
