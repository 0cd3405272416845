"""The audit schema's migrations: once each, never changed, in any installation, one run at a time."""

import asyncio
import hashlib
import secrets
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import parts as world
import pytest

from vaultstream.adapters import audit_migrations
from vaultstream.adapters.audit_migrations import APP_ROLE, MigrationChanged, migrate, migrations

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def postgres_dsn(tmp_path_factory) -> Iterator[str]:
    """A server of this module's own, for a role and its password are the whole server's."""
    with world.running_postgres(tmp_path_factory.mktemp("postgres") / "data") as dsn:
        yield dsn


@pytest.fixture
async def owner_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """An empty database of its own."""
    name = f"audit_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_dsn)
    try:
        await server.execute(f"CREATE DATABASE {name}")
        yield urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


@pytest.fixture
async def owner(owner_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(owner_dsn)
    yield connection
    await connection.close()


def as_role(role: str, password: str, owner_dsn: str) -> str:
    place = urlsplit(owner_dsn)
    return place._replace(netloc=f"{role}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}").geturl()


@pytest.fixture
async def plain_dsn(owner_dsn: str, owner) -> AsyncIterator[str]:
    """An owner of schemas who is nothing more."""
    role = f"owner_{secrets.token_hex(6)}"
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'own'")
    await owner.execute(f"GRANT CREATE ON DATABASE {urlsplit(owner_dsn).path[1:]} TO {role}")
    yield as_role(role, "own", owner_dsn)
    await owner.execute(f"DROP OWNED BY {role} CASCADE")
    await owner.execute(f"DROP ROLE {role}")


async def test_an_owner_who_may_not_make_the_role_is_told_what_to_do(plain_dsn: str, owner):
    await owner.execute(f"DROP ROLE IF EXISTS {APP_ROLE}")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"CREATE ROLE {APP_ROLE} LOGIN"):
        await migrate(plain_dsn)


async def test_an_owner_who_is_no_superuser_may_migrate_where_the_role_exists(plain_dsn: str, owner):
    await owner.execute(f"CREATE ROLE {APP_ROLE} LOGIN")

    assert await migrate(plain_dsn) == list(migrations())
    await owner.execute("DROP SCHEMA audit CASCADE")


async def test_every_file_is_applied_in_order_and_only_once(owner_dsn: str, owner):
    assert await migrate(owner_dsn) == sorted(path.name for path in (ROOT / "schema/audit").iterdir())
    assert await migrate(owner_dsn) == []

    recorded = dict(await owner.fetch("SELECT name, sha256 FROM audit.migrations"))
    assert recorded == {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in migrations().items()}


async def test_of_several_runs_at_once_one_applies_all(owner_dsn: str):
    applied = await asyncio.gather(*(migrate(owner_dsn) for _ in range(4)))

    assert sorted(applied) == [[], [], [], list(migrations())]


async def test_a_file_that_changed_after_it_was_applied_is_refused(owner_dsn: str, monkeypatch):
    await migrate(owner_dsn)
    first, *_ = migrations()
    changed = migrations() | {first: migrations()[first] + "-- one more word\n"}
    monkeypatch.setattr(audit_migrations, "migrations", lambda: changed)

    with pytest.raises(MigrationChanged, match=first):
        await migrate(owner_dsn)


async def test_a_file_that_fails_leaves_nothing_and_what_came_before_stays(owner_dsn: str, owner, monkeypatch):
    broken = migrations() | {"9999_broken.sql": "CREATE TABLE audit.half (); SELECT 1 / 0;"}
    monkeypatch.setattr(audit_migrations, "migrations", lambda: broken)

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(owner_dsn)

    assert await owner.fetchval("SELECT to_regclass('audit.half')") is None
    monkeypatch.undo()
    assert await migrate(owner_dsn) == []


async def test_months_are_those_of_utc_wherever_the_server_is(owner_dsn: str, owner):
    await owner.execute(f"ALTER DATABASE {urlsplit(owner_dsn).path[1:]} SET timezone = 'Pacific/Auckland'")

    await migrate(owner_dsn)

    bounds = await owner.fetch(
        "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname ~ '^events_\\d{4}_\\d\\d$'"
    )
    assert len(bounds) == 5
    for name, bound in bounds:
        year, month = map(int, name.split("_")[1:])
        first, after = (datetime(y, m, 1, tzinfo=UTC) for y, m in ((year, month), (year + month // 12, month % 12 + 1)))
        assert bound == f"FOR VALUES FROM ('{first:%F} 00:00:00+00') TO ('{after:%F} 00:00:00+00')"


async def test_the_application_signs_in_with_its_password_and_no_other(owner_dsn: str, owner):
    password = 'it\'s $1 \\ "quoted" @:/'
    await migrate(owner_dsn, app_password=password)

    app = await asyncpg.connect(as_role(APP_ROLE, password, owner_dsn))
    assert await app.fetchval("SELECT count(*) FROM audit.events") == 0
    await app.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(as_role(APP_ROLE, password + ".", owner_dsn))
    stored = await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", APP_ROLE)
    assert stored.startswith("SCRAM-SHA-256$4096:")


async def test_without_a_password_the_applications_own_stays(owner_dsn: str):
    await migrate(owner_dsn, app_password="first")
    await migrate(owner_dsn)

    await (await asyncpg.connect(as_role(APP_ROLE, "first", owner_dsn))).close()


async def test_a_password_that_clients_may_spell_differently_is_refused(owner_dsn: str):
    with pytest.raises(ValueError, match="ASCII"):
        await migrate(owner_dsn, app_password="pässword")


def test_the_built_wheel_holds_the_same_files(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        timeout=60,
    )

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        prefix = "vaultstream/adapters/audit_schema/"
        held = {
            name.removeprefix(prefix): archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith(prefix)
        }
    assert held == migrations()


async def test_rows_from_before_the_chain_are_kept_apart_as_they_are(owner_dsn: str, owner, monkeypatch):
    every = migrations()
    monkeypatch.setattr(
        audit_migrations, "migrations", lambda: {name: sql for name, sql in every.items() if name < "0011"}
    )
    await migrate(owner_dsn, app_password="app")
    columns = "id, at, name, subject, ip, agent, request_id, decision, details"
    await owner.execute(
        f"INSERT INTO audit.events ({columns}) VALUES ('1', now(), 'x', 'x', '', '', '', 'ALLOWED', '{{}}')"
    )
    monkeypatch.undo()

    await migrate(owner_dsn)

    assert await owner.fetchval("SELECT count(*) FROM audit.events") == 0
    assert await owner.fetchval("SELECT count(*) FROM audit_unchained.events") == 1
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("DELETE FROM audit_unchained.events")
    app = await asyncpg.connect(as_role(APP_ROLE, "app", owner_dsn))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("SELECT FROM audit_unchained.events")
    await app.close()
