"""The audit log against a real PostgreSQL: each event once, for good, whatever is tried."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import asyncpg
import parts as world
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.events import Decision, Event, EventName
from vaultstream.ids import ulid

NOW = datetime.now(UTC)
PARTITIONS_OF = "SELECT tableoid::regclass::text FROM audit.events WHERE id = $1"


@dataclass(frozen=True)
class Database:
    """A migrated database of its own, and how its owner and the application reach it."""

    owner_dsn: str
    app_dsn: str


@pytest.fixture(scope="module")
async def database(postgres_dsn: str) -> Database:
    app_dsn = (await world.new_database(postgres_dsn)).reveal()
    return Database(f"{postgres_dsn.rpartition('/')[0]}/{app_dsn.rpartition('/')[2]}", app_dsn)


@pytest.fixture
async def log(database: Database) -> AsyncIterator[AuditLog]:
    log = AuditLog(database.app_dsn)
    yield log
    await log.close()


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def app(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.app_dsn)
    yield connection
    await connection.close()


def an_event(**changes) -> Event:
    unique = ulid(int(NOW.timestamp() * 1000), os.urandom(10))
    event = Event(
        id=unique,
        name=EventName.VERSION_STORED,
        at=NOW,
        subject="user_1",
        request_id="req_1",
        item_id=f"file_{unique}",
        version_number=1,
        ip="2001:db8::1",
        agent="curl/8",
        details={"size_bytes": 2**53 + 1, "parts": [1, 2.5, None, True]},
    )
    return replace(event, **changes)


async def test_an_event_reads_back_as_it_was_written(log: AuditLog):
    event = an_event(decision=Decision.DENIED, reason="NOT_SCANNED", topics=("folder_1",))

    assert await log.append([event]) == 1

    assert await log.events_of(event.item_id, 10) == [replace(event, topics=())]


async def test_events_of_an_item_come_newest_first_up_to_the_limit_and_are_its_own(log: AuditLog):
    item_id = an_event().item_id
    events = [an_event(item_id=item_id, at=NOW - timedelta(seconds=age)) for age in (2, 0, 1)]
    await log.append([*events, an_event()])

    assert [event.at for event in await log.events_of(item_id, 2)] == [NOW, NOW - timedelta(seconds=1)]
    for limit in (0, 1001):
        with pytest.raises(ValueError, match="1 to 1000"):
            await log.events_of(item_id, limit)


async def test_nothing_to_append_adds_nothing(log: AuditLog):
    assert await log.append([]) == 0


deliveries = st.lists(st.lists(st.integers(0, 7), max_size=6), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=deliveries)
async def test_any_repeats_orders_and_batches_at_once_end_as_the_set(log: AuditLog, deliveries: list[list[int]]):
    item_id = an_event().item_id
    events = [an_event(item_id=item_id, version_number=number) for number in range(8)]

    added = await asyncio.gather(*(log.append([events[number] for number in batch]) for batch in deliveries))

    sent = {number for batch in deliveries for number in batch}
    kept = [event.version_number for event in await log.events_of(item_id, 100)]
    assert sorted(kept) == sorted(sent)
    assert sum(added) == len(sent)


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\x00\\u0"'), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(agent=texts, key=texts, value=texts)
@example(agent="\\u0000", key="\x00\\", value="\\\x00\x00\\\\u0000")
async def test_no_text_keeps_a_deed_out(log: AuditLog, agent: str, key: str, value: str):
    event = an_event(agent=agent, details={key: value})

    await log.append([event])

    (kept,) = await log.events_of(event.item_id, 1)
    assert kept.agent == agent.replace("\x00", "␀")
    assert kept.details == {key.replace("\x00", "␀"): value.replace("\x00", "␀")}


CHANGES = [
    "UPDATE {table} SET subject = 'nobody'",
    "UPDATE {table} SET subject = 'nobody' WHERE false",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
]
THIS_MONTH = f"audit.events_{NOW:%Y_%m}"
TABLES = ["audit.events", THIS_MONTH, "audit.events_default"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", TABLES)
async def test_the_application_may_not_change_what_is_recorded(log: AuditLog, app, table: str, change: str):
    event = an_event()
    await log.append([event])

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(change.format(table=table))

    assert len(await log.events_of(event.item_id, 2)) == 1


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_even_the_owner_is_refused(log: AuditLog, owner, table: str, change: str, role: str):
    event = an_event()
    await log.append([event])
    await owner.execute(f"SET session_replication_role = {role}")

    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await owner.execute(change.format(table=table))

    assert await log.events_of(event.item_id, 2) == [event]


async def test_an_insert_may_not_turn_into_an_update(owner):
    columns = "id, at, name, subject, ip, agent, request_id, decision, details"
    values = "'1', now(), 'x', 'x', '', '', '', 'ALLOWED', '{}'"
    upsert = f"INSERT INTO audit.events ({columns}) VALUES ({values}) ON CONFLICT (id, at) DO UPDATE SET subject = 'y'"

    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await owner.execute(upsert)


@pytest.mark.parametrize(
    "deed",
    [
        "DROP TABLE audit.events",
        f"ALTER TABLE {THIS_MONTH} DISABLE TRIGGER ALL",
        f"SELECT 1 FROM {THIS_MONTH}",
        "CREATE TABLE audit.mine ()",
        "CALL audit.guard('audit.events')",
        "UPDATE audit.migrations SET sha256 = ''",
    ],
)
async def test_the_application_has_no_other_rights(app, deed: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(deed)


def months_from_now(months: int) -> datetime:
    """The last microsecond of the month that many months from this one."""
    month = NOW.year * 12 + NOW.month + months
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(microseconds=1)


@pytest.mark.parametrize("months", [-1, 0, 1, 2, 3])
async def test_each_month_has_its_partition_to_the_last_microsecond(log: AuditLog, owner, months: int):
    event = an_event(at=months_from_now(months))
    await log.append([event])

    assert await owner.fetchval(PARTITIONS_OF, event.id) == f"audit.events_{event.at:%Y_%m}"


@pytest.mark.parametrize("months", [-14, 30])
async def test_an_event_of_an_unknown_month_is_kept_and_alarms(log: AuditLog, owner, caplog, months: int):
    event = an_event(at=months_from_now(months))
    with caplog.at_level(logging.ERROR):
        assert await log.append([event]) == 1

    assert await owner.fetchval(PARTITIONS_OF, event.id) == "audit.events_default"
    assert "1 audit events found no partition" in caplog.text


async def test_months_are_made_once_though_several_ask_at_once(log: AuditLog, owner, database: Database):
    partition = f"audit.events_{months_from_now(3):%Y_%m}"
    await owner.execute(f"DROP TABLE {partition}")
    others = [AuditLog(database.app_dsn) for _ in range(4)]

    await asyncio.gather(*(other.make_months(NOW) for other in others))

    assert await owner.fetchval("SELECT to_regclass($1)", partition) is not None
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute(f"TRUNCATE {partition}")
    for other in others:
        await other.close()


async def test_a_long_reader_delays_the_months_but_no_append(log: AuditLog, owner, app):
    await owner.execute("ALTER FUNCTION audit.make_partitions SET lock_timeout = '20ms'")
    await owner.execute(f"DROP TABLE audit.events_{months_from_now(3):%Y_%m}")
    async with app.transaction():
        await app.execute("SELECT FROM audit.events LIMIT 0")

        with pytest.raises(AuditUnavailable):
            await log.make_months(NOW)
        assert await log.append([an_event()]) == 1
        await log.make_months(NOW)  # tried today, so nobody waits again

    await log.make_months(NOW + timedelta(days=1))
    assert await owner.fetchval("SELECT to_regclass($1)", f"audit.events_{months_from_now(3):%Y_%m}") is not None


async def test_months_are_asked_for_once_a_day(log: AuditLog, owner):
    partition = f"audit.events_{months_from_now(3):%Y_%m}"
    await log.make_months(NOW)
    await owner.execute(f"DROP TABLE {partition}")

    await log.make_months(NOW)
    assert await owner.fetchval("SELECT to_regclass($1)", partition) is None

    await log.make_months(NOW + timedelta(days=1))
    assert await owner.fetchval("SELECT to_regclass($1)", partition) is not None


async def test_a_month_that_began_in_the_default_partition_stays_there(log: AuditLog, owner):
    early = an_event(at=months_from_now(6))
    await log.append([early])
    warnings = []
    owner.add_log_listener(lambda _, message: warnings.append(message.message))

    made = [row[0] for row in await owner.fetch("SELECT audit.make_partitions(7)")]

    assert warnings == [f"audit.events_default already holds rows of events_{early.at:%Y_%m}"]
    assert f"events_{months_from_now(6):%Y_%m}" not in made
    assert f"events_{months_from_now(7):%Y_%m}" in made
    assert await log.events_of(early.item_id, 1) == [early]
