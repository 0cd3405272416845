"""The embedded stack's standby: copied once, followed ever after, and made anew when it has lost its primary."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from doors import until

from vaultstream.local import dev
from vaultstream.local.part import Part
from vaultstream.local.postgres import dsn, make_cluster, postgres
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.replica import Following, replica
from vaultstream.local.supervisor import Supervisor
from vaultstream.settings import Secret

PASSWORD = Secret("a-password-for-tests-only")


@dataclass(frozen=True)
class Primary:
    folder: Path
    port: int

    @property
    def dsn(self) -> Secret:
        return dsn(self.port, PASSWORD)


@pytest.fixture(scope="module")
def primaries(tmp_path_factory) -> Iterator[list[Primary]]:
    """Two that know nothing of each other."""
    made, running = [], []
    for name in ("one", "another"):
        folder, port = tmp_path_factory.mktemp(name), free_port()
        make_cluster(folder, PASSWORD)
        running.append(Process(postgres(folder, port, is_durable=False), folder))
        made.append(Primary(folder, port))
    for process in running:
        process.wait_ready()
    yield made
    for process in running:
        process.stop()


async def ask(port: int, sql: str) -> object:
    connection = await asyncpg.connect(dsn(port, PASSWORD).reveal())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def follows(primary: Primary, port: int) -> None:
    """Return once the standby has what was written to this primary just now."""
    mark = f"mark_{free_port()}_{port}"
    await ask(primary.port, f"CREATE TABLE IF NOT EXISTS {mark} ()")

    async def is_there() -> bool:
        try:
            return await ask(port, f"SELECT to_regclass('{mark}')") is not None
        except (OSError, asyncpg.PostgresError):
            return False

    await until(is_there)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_copy_is_made_once_and_may_not_be_written(primaries: list[Primary], tmp_path: Path):
    part = replica(tmp_path / "replica", port := free_port(), primaries[0].port, PASSWORD)
    for _ in range(2):
        process = Process(part, tmp_path)
        await follows(primaries[0], port)
        made = (tmp_path / "replica" / "cluster" / "standby.signal").stat().st_ino
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await ask(port, "CREATE TABLE mine ()")
        process.stop()
    assert (tmp_path / "replica" / "cluster" / "standby.signal").stat().st_ino == made
    log = (tmp_path / "replica.log").read_text()
    assert log.count("starting backup recovery") == 1
    assert PASSWORD.reveal() not in log + " ".join(part.command)


def broken(folder: Path, part: Part, _: Part) -> Part:
    (folder / "cluster" / "global" / "pg_control").unlink()
    return part


def strayed(_: Path, __: Part, of_another: Part) -> Part:
    return of_another


@pytest.mark.parametrize("harm", [broken, strayed])
async def test_a_copy_that_follows_nobody_for_long_is_made_anew(primaries: list[Primary], tmp_path: Path, capsys, harm):
    folder, port, clock = tmp_path / "replica", free_port(), Clock()
    one, another = (replica(folder, port, primary.port, PASSWORD) for primary in primaries)
    process = Process(one, tmp_path)
    await follows(primaries[0], port)
    process.stop()
    part = harm(folder, one, another)
    primary = primaries[part is another]
    supervisor = Supervisor(tmp_path, lambda _: None)
    supervisor.start([part])
    stack = dev.Stack(tmp_path, None, None, {})  # type: ignore[arg-type]  # of all this, its folder is asked for
    following = Following(primary.dsn, clock)

    for seconds, is_given_up in ((0, False), (30, False), (1, True)):
        clock.now += seconds
        await asyncio.to_thread(dev._tend_replica, stack, supervisor, following)
        assert ("The replica has lost its primary; making it anew" in capsys.readouterr().out) is is_given_up

    async def serves() -> bool:
        supervisor.revive()
        try:
            return await ask(port, "SELECT pg_is_in_recovery()")
        except (OSError, asyncpg.PostgresError):
            return False

    await until(serves)
    await follows(primary, port)
    clock.now += 1000
    assert not await following.is_lost()
    supervisor.stop()


async def test_nobody_is_lost_while_the_primary_itself_is_away():
    clock = Clock()
    following = Following(dsn(free_port(), PASSWORD), clock)
    for _ in range(3):
        clock.now += 1000
        assert not await following.is_lost()
