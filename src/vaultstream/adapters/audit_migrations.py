"""Brings the audit database to the present schema: each file of schema/audit once, in order, never changed."""

import hashlib
import hmac
import os
from base64 import b64encode
from importlib.resources import files
from typing import Any

import asyncpg

from vaultstream.settings import APP_ROLE

_TIMEOUT_SECONDS = 60
_SCRAM_ROUNDS = 4096  # PostgreSQL's own default (scram_iterations)
_LOCK = "SELECT pg_advisory_lock(hashtextextended('vaultstream.audit.migrate', 0))"
_LEDGER = """
CREATE SCHEMA IF NOT EXISTS audit;
CREATE TABLE IF NOT EXISTS audit.migrations (
    name       text        PRIMARY KEY,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


class MigrationChanged(Exception):
    """A migration that a database already holds has another text now; mend it with a new file instead."""


async def migrate(owner_dsn: str, *, app_password: str | None = None) -> list[str]:
    """Apply what is missing, as the owner, and return the names of the files applied now.

    Safe to run again and from several places at once: an advisory lock lets one run at a time, and each file and
    its record are one transaction. `app_password` (ASCII) becomes the application role's password.
    Raises MigrationChanged; a server that cannot be reached raises OSError.
    """
    connection = await asyncpg.connect(owner_dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)
    try:
        await connection.execute(_LOCK)  # held until the connection closes
        await connection.execute(_LEDGER)
        applied = await _apply_missing(connection)
        if app_password is not None:
            await _set_password(connection, app_password)
    finally:
        await connection.close()
    return applied


def migrations() -> dict[str, str]:
    """Every migration's SQL by its name, in the order in which they apply."""
    folder = files("vaultstream.adapters") / "audit_schema"
    found = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.name.endswith(".sql")}
    return dict(sorted(found.items()))


async def _apply_missing(connection: Any) -> list[str]:  # Any: asyncpg publishes no types
    held = dict(await connection.fetch("SELECT name, sha256 FROM audit.migrations"))
    applied = []
    for name, sql in migrations().items():
        sha256 = hashlib.sha256(sql.encode()).hexdigest()
        if name in held:
            if held[name] != sha256:
                raise MigrationChanged(f"{name} is applied already, but its text has changed since")
            continue
        async with connection.transaction():
            await connection.execute(sql)
            await connection.execute("INSERT INTO audit.migrations (name, sha256) VALUES ($1, $2)", name, sha256)
        applied.append(name)
    return applied


async def _set_password(connection: Any, password: str) -> None:  # Any: asyncpg publishes no types
    # Only the verifier travels, so the server cannot log the password.
    await connection.execute(f"ALTER ROLE {APP_ROLE} PASSWORD '{_scram_verifier(password, os.urandom(16))}'")


def _scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL stores for SCRAM-SHA-256 (RFC 5803): nothing in it needs quoting in SQL."""
    if not password.isascii():
        raise ValueError("the application's database password must be ASCII")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{salt64}${stored64}:{server64}"
