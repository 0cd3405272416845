"""Rows of the audit log that found no month: they are counted, and the run-book gives them one as they are."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import parts as world
import pytest

from vaultstream.adapters.audit_log import AuditLog
from vaultstream.events import Event, EventName
from vaultstream.ids import ulid

RUN_BOOK = Path(__file__).parents[2] / "docs" / "operations.md"
EARLY = datetime(2019, 7, 31, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
async def app_dsn(postgres_dsn: str) -> str:
    return (await world.new_database(postgres_dsn)).reveal()


@pytest.fixture
async def log(app_dsn: str) -> AsyncIterator[AuditLog]:
    log = AuditLog(app_dsn)
    yield log
    await log.close()


@pytest.fixture
async def owner(postgres_dsn: str, app_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path=urlsplit(app_dsn).path).geturl())
    yield connection
    await connection.close()


def early(number: int) -> Event:
    unique = ulid(number, bytes(10))
    return Event(unique, EventName.DOWNLOAD_BEGUN, EARLY, "user_1", "req_1", item_id="file_1")


def remedy(**words: str) -> str:
    """The SQL of the run-book's chapter, for a month."""
    (sql,) = re.findall(r"^### audit-misplaced\n.*?```sql\n(.*?)```", RUN_BOOK.read_text(), re.MULTILINE | re.DOTALL)
    for word, value in words.items():
        assert word in sql
        sql = sql.replace(word, value)
    return sql


async def test_what_found_no_month_is_counted(log: AuditLog):
    assert await log.misplaced() == 0

    await log.append([early(1), early(2)])

    assert await log.misplaced() == 2


async def test_the_run_book_gives_them_a_month_as_they_are(log: AuditLog, owner, app_dsn: str, caplog):
    await log.append([early(1), early(2)])
    before = await log.rows(after=0, until=9, limit=9)

    await owner.execute(remedy(YYYY_MM="2019_07", FIRST="2019-07-01 00:00Z", NEXT="2019-08-01 00:00Z"))
    caplog.clear()
    await log.append([early(3)])

    assert await log.misplaced() == 0
    assert caplog.messages == []
    assert (await log.rows(after=0, until=9, limit=9))[:2] == before
    assert await owner.fetchval("SELECT count(*) FROM audit.events_2019_07") == 3
    for table in ("audit.events_2019_07", "audit.events_default"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(f"DELETE FROM {table}")
    app = await asyncpg.connect(app_dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("SELECT FROM audit.events_2019_07")
    await app.close()
