"""A month leaves the audit log as a whole, after its time, where no hold keeps it, and the chain tells of it."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from itertools import count
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from vaultstream.actions import checkpoint, deeds, evidence
from vaultstream.adapters.vault import Vault
from vaultstream.audit_chain import canonical
from vaultstream.audit_proof import Proof, Prover, public_key_of
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.settings import Settings
from vaultstream.table import outbox_shards


@pytest.fixture
async def owner(settings: Settings, postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    database = urlsplit(settings.postgres_dsn.reveal()).path
    connection = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path=database).geturl())
    yield connection
    await connection.close()


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.postgres_dsn.reveal())
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def months() -> Iterator[date]:
    """Months of long ago, none of them twice."""
    return (date(1970 + number // 12, number % 12 + 1, 1) for number in count())


async def a_month(owner: asyncpg.Connection, months: Iterator[date]) -> date:
    """A month of long ago, with its partition."""
    month = next(months)
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    await owner.execute(
        f"CREATE TABLE audit.events_{month:%Y_%m} PARTITION OF audit.events "
        f"FOR VALUES FROM ('{month} 00:00:00+00') TO ('{following} 00:00:00+00')"
    )
    await owner.execute(f"CALL audit.guard('audit.events_{month:%Y_%m}')")
    return month


def an_event(vault: Vault, month: date | None = None) -> Event:
    at = vault.now() if month is None else datetime(month.year, month.month, 9, tzinfo=UTC)
    return Event(vault.unique(), EventName.DOWNLOAD_BEGUN, at, "user_1", "req")


def told(vault: Vault, month: date) -> Event:
    return deeds.by_operator(vault, EventName.AUDIT_MONTH_DROPPED, month=f"{month:%Y-%m}")


async def is_there(owner: asyncpg.Connection, month: date) -> bool:
    return await owner.fetchval("SELECT to_regclass($1) IS NOT NULL", f"audit.events_{month:%Y_%m}")


async def proved(vault: Vault) -> Proof:
    """What an export of the whole log proves."""
    end = await checkpoint.take(vault)
    assert end is not None
    prover = Prover(public_key_of((await vault.notary.public_key()).encode()))
    async for page in evidence.lines(vault, end):
        for line in page:
            prover.take(line.encode())
    return prover.finish()


@trying(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.booleans(), min_size=1, max_size=9))
async def test_wherever_its_rows_stood_the_chain_is_proved_without_them(vault: Vault, owner, months, places):
    month = await a_month(owner, months)
    before = await proved(vault) if (await vault.audit_log.head()).seq else None
    await vault.audit_log.append([an_event(vault, month if is_old else None) for is_old in places])

    row = await vault.audit_log.drop_month(month, told(vault, month))

    after = await proved(vault)
    assert after.last == row.seq == (before.last if before else 0) + len(places) + 1
    assert after.dropped_rows == (before.dropped_rows if before else 0) + sum(places)
    assert sum(last - first + 1 for first, last, _ in row.event.details["runs"]) == sum(places)
    assert not await is_there(owner, month)


async def test_the_record_of_a_drop_outlives_its_own_month(vault: Vault, owner, months):
    first, second = await a_month(owner, months), await a_month(owner, months)
    await vault.audit_log.append([an_event(vault, first)])
    gone = (await proved(vault)).dropped_rows
    text = told(vault, first)
    old = Event(text.id, text.name, datetime(second.year, second.month, 9, tzinfo=UTC), "operator", "req")
    runs = json.loads(await owner.fetchval("SELECT audit.month_runs($1)", first))
    await vault.audit_log.append([Event(old.id, old.name, old.at, "operator", "req", details={"runs": runs})])
    await owner.execute(f"DROP TABLE audit.events_{first:%Y_%m}")  # as it was dropped in that month

    row = await vault.audit_log.drop_month(second, told(vault, second))

    assert [run for run in row.event.details["runs"] if run in runs] == runs
    assert (await proved(vault)).dropped_rows == gone + 2


async def test_a_held_month_stays_until_the_owner_ends_the_hold(vault: Vault, owner, app, months):
    month = await a_month(owner, months)
    await vault.audit_log.append([an_event(vault, month)])
    head = await vault.audit_log.head()
    await vault.audit_log.hold_month(month, "case 7")
    await vault.audit_log.hold_month(month, "twice is once")

    with pytest.raises(VaultError, match="is under legal hold") as refused:
        await vault.audit_log.drop_month(month, told(vault, month))

    assert refused.value.code is Code.INVALID
    assert await vault.audit_log.head() == head
    for deed in ("DELETE FROM audit.holds", "UPDATE audit.holds SET reason = ''", "TRUNCATE audit.holds"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(deed)
    await owner.execute("DELETE FROM audit.holds WHERE month = $1", month)
    await vault.audit_log.drop_month(month, told(vault, month))
    assert not await is_there(owner, month)


@pytest.mark.parametrize("months_back", [-1, 0, 1, 84])
async def test_a_month_stays_for_its_time(vault: Vault, owner, months_back: int):
    number = vault.now().year * 12 + vault.now().month - 1 - months_back
    month = date(number // 12, number % 12 + 1, 1)

    with pytest.raises(VaultError, match="is kept: it did not end 84 months ago"):
        await vault.audit_log.drop_month(month, told(vault, month))


@pytest.mark.parametrize("month", [date(1902, 1, 1), date(1971, 1, 2)])
async def test_what_is_no_month_of_the_log_is_refused(vault: Vault, month: date):
    with pytest.raises(VaultError, match="the log has no month"):
        await vault.audit_log.drop_month(month, told(vault, month))


@pytest.mark.parametrize(
    "deed", ["DROP TABLE audit.events_{}", "ALTER TABLE audit.events DETACH PARTITION audit.events_{}"]
)
async def test_the_application_drops_nothing_by_itself(vault: Vault, owner, app, months, deed: str):
    month = await a_month(owner, months)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(deed.format(f"{month:%Y_%m}"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("UPDATE audit.retention SET months = 1")

    assert await is_there(owner, month)


@pytest.mark.parametrize(
    "lie",
    [{"name": "audit.read"}, {"seq": 1}, {"details": {"runs": []}}, {"details": {}}, {"at": None}, {"at": "then"}],
)
async def test_a_month_goes_only_with_the_row_that_tells_the_truth_of_it(vault: Vault, owner, app, months, lie):
    month = await a_month(owner, months)
    await vault.audit_log.append([an_event(vault, month)])
    head = await vault.audit_log.head()
    runs = json.loads(await app.fetchval("SELECT audit.month_runs($1)", month))
    now = vault.now().isoformat()
    row = {"seq": head.seq + 1, "id": vault.unique(), "at": now, "name": "audit.month_dropped", "subject": "operator"}
    row |= {"ip": "", "agent": "", "request_id": "r", "decision": "ALLOWED", "received_at": now}
    row |= {"details": {"runs": runs}}
    lie = {"at": f"{month}T00:00:00+00:00"} if lie == {"at": "then"} else lie

    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.execute("SELECT audit.drop_month($1, $2)", month, canonical(row | lie))
    assert await is_there(owner, month)
    assert await vault.audit_log.head() == head

    await app.execute("SELECT audit.drop_month($1, $2)", month, canonical(row))
    assert not await is_there(owner, month)


def audit(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaultstream", "audit", *arguments]
    env = {"PATH": os.environ["PATH"], **settings.to_env()}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


async def test_the_command_holds_and_drops(vault: Vault, settings: Settings, owner, months):
    month = await a_month(owner, months)
    await vault.audit_log.append([an_event(vault, month)])
    seq = (await vault.audit_log.head()).seq
    name = f"{month:%Y-%m}"

    assert audit(settings, "hold", name, "case 8").returncode == 0
    waiting = [event for shard in outbox_shards() for event in await vault.records.undelivered(shard, "~", 100)]
    told = [event.details for event in waiting if event.name is EventName.AUDIT_MONTH_HELD]
    assert told == [{"month": name, "why": "case 8"}]
    refused = audit(settings, "drop-month", name)
    assert (refused.returncode, refused.stderr.strip()) == (1, f"Nothing was dropped: {name} is under legal hold.")
    await owner.execute("DELETE FROM audit.holds WHERE month = $1", month)
    dropped = audit(settings, "drop-month", name)

    assert (dropped.returncode, dropped.stdout.strip()) == (0, f"{name} is gone; row {seq + 1} tells of it")
    assert audit(settings, "drop-month", "2001-13").returncode == 2
