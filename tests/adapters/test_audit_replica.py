"""The audit log read from a replica: never older than the bound, whatever becomes of it; the primary where it must."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from doors import until
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vaultstream.adapters import audit_replica
from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.audit_migrations import APP_ROLE, migrate
from vaultstream.adapters.audit_replica import LAG_SECONDS_MAX
from vaultstream.audit_query import AuditWhere
from vaultstream.events import Event, EventName
from vaultstream.ids import ulid
from vaultstream.local.postgres import dsn, make_cluster, postgres
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.replica import replica
from vaultstream.settings import Secret

PASSWORD = Secret("a-password-for-tests-only")
NOW = datetime.now(UTC)


@dataclass
class Pair:
    """A primary and its standby, which a test may kill."""

    folder: Path
    primary_port: int
    port: int
    standby: Process

    def dsn(self, port: int, *, owner: bool = False) -> str:
        app = f"postgresql://{APP_ROLE}:app@127.0.0.1:{port}/postgres"
        return dsn(port, PASSWORD).reveal() if owner else app

    async def ask(self, port: int, sql: str) -> Any:
        connection = await asyncpg.connect(self.dsn(port, owner=True))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def serves(self) -> None:
        """Return once the standby answers, follows and has all that the primary has written."""

        async def is_there() -> bool:
            written = await self.ask(self.primary_port, "SELECT pg_current_wal_flush_lsn()::text")
            try:
                await self.resume()  # a test that failed may have left it paused
                return await self.ask(self.port, f"SELECT pg_last_wal_replay_lsn() >= '{written}'")
            except (OSError, asyncpg.PostgresError):
                return False

        await until(is_there, 60)

    async def pause(self) -> None:
        await self.ask(self.port, "SELECT pg_wal_replay_pause()")

        async def is_paused() -> bool:
            return await self.ask(self.port, "SELECT pg_get_wal_replay_pause_state()") == "paused"

        await until(is_paused, 60)

    async def resume(self) -> None:
        await self.ask(self.port, "SELECT pg_wal_replay_resume()")

    def start(self) -> None:
        self.standby = Process(replica(self.folder, self.port, self.primary_port, PASSWORD), self.folder.parent)

    def kill(self) -> None:
        """The postmaster first, then each of its children, which would answer for a moment more."""
        everyone = self.everyone()
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.standby.stop()
        psutil.wait_procs(everyone, timeout=60)

    def everyone(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self.standby.pid)
        return [postmaster, *postmaster.children(recursive=True)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    make_cluster(folder / "primary", PASSWORD)
    pair = Pair(folder / "standby", free_port(), free_port(), None)  # type: ignore[arg-type]  # started below
    primary = Process(postgres(folder / "primary", pair.primary_port, is_durable=False), folder)
    primary.wait_ready()
    pair.start()
    yield pair
    pair.standby.stop()
    primary.stop()


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watched:
    """A log whose clock is the test's, and which ports its pages came from."""

    log: AuditLog
    clock: Clock
    read_from: list[int]
    told: list[float]

    async def ids(self) -> list[str]:
        return [row.event.id for row in await self.log.find(AuditWhere(), None, 1000)]


@pytest.fixture
async def watched(pair: Pair, monkeypatch) -> AsyncIterator[Watched]:
    patient(monkeypatch)
    await migrate(pair.dsn(pair.primary_port, owner=True), app_password="app")
    await pair.serves()
    read_from: list[int] = []
    told: list[float] = []

    async def init(connection: Any) -> None:
        port = await connection.fetchval("SELECT inet_server_port()")

        def hear(statement: Any) -> None:
            if statement.query.startswith("SELECT seq, hash, id"):
                read_from.append(port)

        connection.add_query_logger(hear)

    clock = Clock()
    log = AuditLog(pair.dsn(pair.primary_port), replica_dsn=pair.dsn(pair.port), init=init, told=told.append)
    assert log.replica is not None
    log.replica._clock, log.replica._look_at = clock, clock.now
    yield Watched(log, clock, read_from, told)
    await log.close()


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too, a replica that can come to what was written does."""
    monkeypatch.setattr(audit_replica, "_TRIES", 1000)
    monkeypatch.setattr(audit_replica, "_ANSWER_SECONDS", 60.0)


def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look once."""
    monkeypatch.setattr(audit_replica, "_TRIES", 1)


def an_event() -> Event:
    unique = ulid(int(NOW.timestamp() * 1000), os.urandom(10))
    return Event(unique, EventName.DOWNLOAD_BEGUN, NOW, "user_1", "req_1", item_id="file_1")


async def test_pages_come_from_the_replica_while_it_has_what_was_written(pair: Pair, watched: Watched):
    event = an_event()
    await watched.log.append([event])

    assert event.id in await watched.ids()

    head = await watched.log.head()
    assert (await watched.log.rows(after=head.seq - 1, until=head.seq, limit=9))[0].event == event
    assert watched.read_from == [pair.port, pair.port]
    assert await watched.log.replica.lag_seconds() == 0
    assert watched.told == [0]


async def test_a_replica_that_lags_is_read_up_to_the_bound_and_not_beyond(pair: Pair, watched: Watched, monkeypatch):
    await watched.ids()
    await pair.pause()
    hasty(monkeypatch)
    event = an_event()
    await watched.log.append([event])

    watched.clock.now += LAG_SECONDS_MAX
    assert event.id not in await watched.ids()
    assert watched.told[-1] == LAG_SECONDS_MAX
    watched.clock.now += 1
    assert event.id in await watched.ids()
    assert await watched.log.replica.lag_seconds() == watched.told[-1] == LAG_SECONDS_MAX + 1
    assert watched.read_from == [pair.port, pair.port, pair.primary_port]

    await pair.resume()
    patient(monkeypatch)
    watched.clock.now += 1
    assert event.id in await watched.ids()
    assert watched.read_from[3:] == [pair.port]


async def test_rows_that_are_still_on_their_way_are_read_from_the_primary(pair: Pair, watched: Watched, monkeypatch):
    before = (await watched.log.head()).seq
    await watched.ids()
    await pair.pause()
    hasty(monkeypatch)
    events = [an_event() for _ in range(3)]
    await watched.log.append(events)

    rows = await watched.log.rows(after=before, until=before + 3, limit=100)

    assert [row.event.id for row in rows] == [event.id for event in events]
    assert watched.read_from == [pair.port, pair.port, pair.primary_port]
    await pair.resume()


async def test_a_replica_that_is_killed_is_missed_by_nobody_and_read_again_once_it_is_back(
    pair: Pair, watched: Watched
):
    event = an_event()
    await watched.log.append([event])
    await watched.ids()
    pair.kill()

    assert event.id in await watched.ids()
    assert await watched.log.replica.lag_seconds() is None
    watched.clock.now += 1
    assert event.id in await watched.ids()
    assert watched.read_from == [pair.port, pair.primary_port, pair.primary_port]

    pair.start()
    await pair.serves()
    watched.clock.now += 5
    assert event.id in await watched.ids()
    assert watched.read_from[3:] == [pair.port]


async def test_a_replica_that_is_frozen_holds_nobody_up_for_long(pair: Pair, watched: Watched, monkeypatch):
    await watched.ids()
    watched.log.replica.pool._patience_seconds = 0.3
    frozen = pair.everyone()
    for process in frozen:
        process.suspend()
    try:
        monkeypatch.setattr(audit_replica, "_ANSWER_SECONDS", 0.3)
        watched.clock.now += 1
        await watched.ids()
        assert await watched.log.replica.lag_seconds() is None
        await watched.ids()  # nobody asks it again for some seconds
    finally:
        for process in frozen:
            process.resume()
    assert watched.read_from == [pair.port, pair.primary_port, pair.primary_port]

    patient(monkeypatch)
    watched.log.replica.pool._patience_seconds = 60
    watched.clock.now += 5
    await watched.ids()
    assert watched.read_from[3:] == [pair.port]


async def test_without_the_primary_the_replica_is_believed_up_to_the_bound(pair: Pair, watched: Watched, monkeypatch):
    await watched.ids()
    unreachable = AuditLog(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    watched.log.replica._primary = unreachable._primary

    watched.clock.now += LAG_SECONDS_MAX
    assert await watched.log.replica.is_fresh()
    watched.clock.now += 1
    assert not await watched.log.replica.is_fresh()
    await unreachable.close()


async def test_what_is_no_standby_is_not_read_as_one(pair: Pair, watched: Watched):
    log = AuditLog(pair.dsn(pair.primary_port), replica_dsn=pair.dsn(pair.primary_port))

    assert await log.replica.lag_seconds() is None
    assert await log.find(AuditWhere(), None, 1) == await watched.log.find(AuditWhere(), None, 1)
    await log.close()


STEPS = st.lists(
    st.sampled_from(["append", "pause", "resume", "read"]) | st.floats(0, LAG_SECONDS_MAX), min_size=4, max_size=12
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=["pause", "append", 1.5, "read", "resume", "pause", "append", 5.0, 1.0, "read"])  # it came half the way
async def test_a_reader_misses_at_the_most_what_came_within_the_bound(
    pair: Pair, watched: Watched, monkeypatch, steps: list[str | float]
):
    hasty(monkeypatch)
    clock, known = watched.clock, {}
    do: dict[str, Callable[[], Any]] = {"pause": pair.pause, "resume": pair.serves}
    for step in [*steps, "read"]:
        if isinstance(step, float):
            clock.now += step
        elif step == "append":
            event = an_event()
            await watched.log.append([event])
            known[event.id] = clock.now
        elif step == "read":
            seen = set(await watched.ids())
            missed = [at for event_id, at in known.items() if event_id not in seen]
            assert all(clock.now - at <= LAG_SECONDS_MAX for at in missed)
        else:
            await do[step]()
    await pair.resume()
