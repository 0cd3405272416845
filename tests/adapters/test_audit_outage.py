"""The audit log while its PostgreSQL is killed, gone, frozen or new: told apart, and nothing lost or doubled."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wires import Wire

from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.audit_migrations import APP_ROLE, migrate
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.errors import Code
from vaultstream.events import Event, EventName
from vaultstream.ids import ulid
from vaultstream.local.postgres import dsn, make_cluster, new_password, postgres
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.settings import Secret

NOW = datetime.now(UTC)


@dataclass
class Server:
    """A PostgreSQL that a test may kill; nobody else's."""

    folder: Path
    port: int
    password: Secret
    process: Process

    def owner_dsn(self) -> str:
        return dsn(self.port, self.password).reveal()

    def app_dsn(self, port: int | None = None) -> str:
        return f"postgresql://{APP_ROLE}:app@127.0.0.1:{port or self.port}/postgres"

    def kill(self) -> None:
        """As a power cut would end it: the postmaster first, then each of its children."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.stop()

    def start(self) -> None:
        self.process = Process(postgres(self.folder, self.port), self.folder)
        self.process.wait_ready()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("postgres")
    password = Secret(new_password())
    make_cluster(folder, password)
    port = free_port()
    process = Process(postgres(folder, port), folder)
    process.wait_ready()
    server = Server(folder, port, password, process)
    yield server
    server.process.stop()


@pytest.fixture
async def log(server: Server) -> AsyncIterator[AuditLog]:
    await migrate(server.owner_dsn(), app_password="app")
    log = AuditLog(server.app_dsn())
    yield log
    await log.close()


def an_event(number: int, item_id: str) -> Event:
    unique = ulid(int(NOW.timestamp() * 1000), os.urandom(10))
    return Event(unique, EventName.DOWNLOAD_BEGUN, NOW, "user_1", "req_1", item_id=item_id, version_number=number)


async def test_a_kill_loses_nothing_acknowledged_and_a_retry_doubles_nothing(server: Server, log: AuditLog):
    item_id = f"file_{secrets.token_hex(4)}"
    batches = [[an_event(10 * batch + number, item_id) for number in range(10)] for batch in range(60)]
    acknowledged: list[int] = []

    async def append(batch: list[Event]) -> None:
        await log.append(batch)
        acknowledged.extend(event.version_number for event in batch)
        if len(acknowledged) == 200:
            server.kill()

    outcomes = await asyncio.gather(*map(append, batches), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), AuditUnavailable}
    server.start()

    survived = [event.version_number for event in await log.events_of(item_id, 1000)]
    assert set(survived) >= set(acknowledged)
    assert len(survived) == len(set(survived))

    added = [await log.append(batch) for batch in batches]
    assert sum(added) == 600 - len(survived)
    kept = [event.version_number for event in await log.events_of(item_id, 1000)]
    assert sorted(kept) == list(range(600))


async def test_a_server_that_is_gone_is_unavailable_until_it_is_back(server: Server, log: AuditLog):
    await log.ping()
    server.kill()

    for call in (
        log.ping(),
        log.append([an_event(1, "file_1")]),
        log.events_of("file_1", 1),
        log.make_months(NOW),
    ):
        with pytest.raises(AuditUnavailable) as caught:
            await call
        assert caught.value.code is Code.UNAVAILABLE

    server.start()
    await log.ping()


async def test_a_refused_connection_is_unavailable_and_the_log_still_closes():
    log = AuditLog(f"postgresql://{APP_ROLE}:app@127.0.0.1:{free_port()}/postgres")

    with pytest.raises(AuditUnavailable):
        await log.ping()
    await log.close()


async def test_a_log_that_was_never_used_closes():
    await AuditLog(f"postgresql://{APP_ROLE}:app@127.0.0.1:{free_port()}/postgres").close()


async def test_a_frozen_server_is_unavailable_after_the_timeout(server: Server, log: AuditLog, monkeypatch):
    monkeypatch.setattr("vaultstream.postgres._COMMAND_SECONDS", 0.3)
    monkeypatch.setattr("vaultstream.postgres._CONNECT_SECONDS", 0.3)
    impatient = AuditLog(server.app_dsn())
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(AuditUnavailable):
            await impatient.ping()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        monkeypatch.undo()
    await log.ping()
    await impatient.close()


async def test_an_append_that_waits_too_long_for_a_lock_adds_nothing(server: Server, log: AuditLog, monkeypatch):
    monkeypatch.setattr("vaultstream.postgres._COMMAND_SECONDS", 0.3)
    impatient = AuditLog(server.app_dsn())
    event = an_event(1, f"file_{secrets.token_hex(4)}")
    owner = await asyncpg.connect(server.owner_dsn())
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("LOCK TABLE audit.events IN ACCESS EXCLUSIVE MODE")

    with pytest.raises(AuditUnavailable):
        await impatient.append([event])

    await transaction.rollback()
    await owner.close()
    monkeypatch.undo()
    assert await log.events_of(event.item_id, 1) == []
    assert await log.append([event]) == 1
    await impatient.close()


async def test_a_standby_that_may_not_write_is_unavailable(server: Server, log: AuditLog):
    owner = await asyncpg.connect(server.owner_dsn())
    await owner.execute(f"ALTER ROLE {APP_ROLE} SET default_transaction_read_only = on")
    standby = AuditLog(server.app_dsn())

    with pytest.raises(AuditUnavailable):
        await standby.append([an_event(1, "file_1")])

    await owner.execute(f"ALTER ROLE {APP_ROLE} RESET default_transaction_read_only")
    await owner.close()
    await standby.close()


async def test_batches_with_the_same_events_in_opposite_orders_never_deadlock(log: AuditLog):
    events = [an_event(number, f"file_{secrets.token_hex(4)}") for number in range(3000)]
    await asyncio.gather(log.ping(), log.ping())  # so that both connections are there and both begin at once

    added = await asyncio.gather(log.append(events), log.append(events[::-1]))

    assert sum(added) == 3000


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=st.sampled_from(["up", "down"]), passed_bytes=st.integers(1, 6000))
async def test_a_wire_cut_anywhere_in_an_append_is_mended_by_a_retry(
    server: Server, log: AuditLog, way: str, passed_bytes: int
):
    item_id = f"file_{secrets.token_hex(4)}"
    events = [an_event(number, item_id) for number in range(10)]
    async with Wire("127.0.0.1", server.port) as wire:
        cut = AuditLog(server.app_dsn(wire.port))
        wire.cut_after(**{way: passed_bytes})
        with suppress(AuditUnavailable):
            await cut.append(events)
            assert len(await log.events_of(item_id, 20)) == 10
        wire.cut_after()  # no more

        await cut.append(events)
        await cut.close()

    kept = [event.version_number for event in await log.events_of(item_id, 20)]
    assert sorted(kept) == list(range(10))
