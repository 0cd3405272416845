"""The audit schema's migrations: once each, never changed, in any installation, one run at a time."""

import asyncio
import hashlib
import secrets
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from vaultstream.adapters import audit_migrations
from vaultstream.adapters.audit_migrations import APP_ROLE, MigrationChanged, migrate, migrations

ROOT = Path(__file__).parents[2]


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


def as_app(owner_dsn: str, password: str) -> str:
    place = urlsplit(owner_dsn)
    return place._replace(
        netloc=f"{APP_ROLE}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}"
    ).geturl()


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


async def test_the_application_signs_in_with_its_password_and_no_other(owner_dsn: str, owner):
    password = 'it\'s $1 \\ "quoted" @:/'
    await migrate(owner_dsn, app_password=password)

    app = await asyncpg.connect(as_app(owner_dsn, password))
    assert await app.fetchval("SELECT count(*) FROM audit.events") == 0
    await app.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(as_app(owner_dsn, password + "."))
    stored = await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", APP_ROLE)
    assert stored.startswith("SCRAM-SHA-256$4096:")


async def test_without_a_password_the_applications_own_stays(owner_dsn: str):
    await migrate(owner_dsn, app_password="first")
    await migrate(owner_dsn)

    await (await asyncpg.connect(as_app(owner_dsn, "first"))).close()


async def test_a_password_that_clients_may_spell_differently_is_refused(owner_dsn: str):
    with pytest.raises(ValueError, match="ASCII"):
        await migrate(owner_dsn, app_password="pässword")


async def test_an_owner_who_is_no_superuser_may_migrate_where_the_role_exists(owner_dsn: str, owner):
    await migrate(owner_dsn)  # the role is the whole server's
    role = f"owner_{secrets.token_hex(6)}"
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'own'")
    await owner.execute("DROP SCHEMA audit CASCADE")
    await owner.execute(f"GRANT CREATE ON DATABASE {urlsplit(owner_dsn).path[1:]} TO {role}")
    place = urlsplit(owner_dsn)
    plain_dsn = place._replace(netloc=f"{role}:own@{place.netloc.rpartition('@')[2]}").geturl()

    assert await migrate(plain_dsn) == list(migrations())

    await owner.execute(f"DROP OWNED BY {role} CASCADE")
    await owner.execute(f"DROP ROLE {role}")


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
