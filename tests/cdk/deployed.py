"""The vault over what the templates made: every process in its own role, its secrets looked up, no key known to it.

It is the account's owner who carries messages, as Lambda's own service would. PostgreSQL and Redis run on this machine,
without TLS, for the emulator has none; their users and passwords are the templates'. The issuer is this machine's own.
"""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import emulator
import pytest
from doors import serving

from vaultstream.adapters import clients
from vaultstream.adapters.secret_store import revealed
from vaultstream.events import WORKERS
from vaultstream.http.app import create_app
from vaultstream.local.container import Container
from vaultstream.local.probes import free_port
from vaultstream.local.pump import pump
from vaultstream.local.stream import Checkpoint, Stream
from vaultstream.settings import Secret, Settings

FUNCTIONS = (*(row.name for row in WORKERS), "relay", "sweep")
_VARIABLES = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """The vault as it runs there."""

    url: str
    endpoint: str
    settings: Settings


def here(address: str, text: str) -> str:
    """A variable's URL with this machine's server in it, which speaks no TLS."""
    return re.sub(r"@[^/]+/", f"@{address}/", text).removesuffix("?sslmode=require").replace("rediss://", "redis://")


async def migrated(endpoint: str, superuser_dsn: str) -> str:
    """Have the migration task do its work, with the rights that RDS gives an owner; the server's address."""
    owner = json.loads(emulator.secret(endpoint, "vaultstream-dev/database-owner"))
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(
            f"CREATE ROLE {owner['username']} LOGIN CREATEROLE CREATEDB PASSWORD '{owner['password']}'"
        )
        await connection.execute(f"CREATE DATABASE {owner['dbname']} OWNER {owner['username']}")
    finally:
        await connection.close()
    address = urlsplit(superuser_dsn).netloc.rpartition("@")[2]
    given = emulator.task_variables(endpoint, "vaultstream-dev-migrate")
    env = {name: here(address, value) for name, value in given.items()}
    with process(env, emulator.roles(endpoint, "dev")["migrate"], endpoint):
        command = [sys.executable, "-m", "vaultstream.commands.migrate"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return address


@contextmanager
def process(env: Mapping[str, str], role: str, endpoint: str) -> Iterator[None]:
    """What a process finds around it while it opens its vault; from then on its clients keep its role."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        for name, value in emulator.assumed(endpoint, role).items():
            patch.setenv(_VARIABLES[name], value)
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint)
        yield


@asynccontextmanager
async def running(endpoint: str, env: Mapping[str, str], folder: Path) -> AsyncIterator[Deployed]:
    """The API in its tasks' role, each worker's own handler in its function's, and what carries messages between."""
    roles = emulator.roles(endpoint, "dev")
    async with AsyncExitStack() as stack:
        containers = {}
        for name in FUNCTIONS:
            containers[name] = Container(name, importlib.import_module(f"lambdas.{name}").handler)
            stack.push_async_callback(containers[name].close)
            with process(env, roles[name], endpoint):
                assert await containers[name].invoke({"Records": []}) == [], name
        with process(env, roles["api-tasks"], endpoint):
            settings = Settings.from_env(await revealed(os.environ))
            url = await stack.enter_async_context(serving(create_app(settings), free_port()))
        await stack.enter_async_context(_carrying(settings, containers, folder))
        yield Deployed(url, endpoint, settings)


@asynccontextmanager
async def _carrying(settings: Settings, containers: Mapping[str, Container], folder: Path) -> AsyncIterator[None]:
    owner = replace(settings, access_key_id="test", secret_access_key=Secret("test"))
    session = clients.session(owner)
    async with AsyncExitStack() as stack:
        sqs, dynamodb, streams = [
            await stack.enter_async_context(clients.client(session, owner, service))
            for service in ("sqs", "dynamodb", "dynamodbstreams")
        ]
        stream = Stream(dynamodb, streams, settings.table, Checkpoint(folder / "stream.json"))
        carried = [
            asyncio.create_task(stream.carry(containers["relay"])),
            *(asyncio.create_task(pump(sqs, settings.queue_prefix, row, containers[row.name])) for row in WORKERS),
        ]
        sweeping = asyncio.create_task(_sweep(containers["sweep"]))
        try:
            yield
        finally:
            for task in (*carried, sweeping):
                task.cancel()
            await asyncio.gather(*carried, sweeping, return_exceptions=True)


async def _sweep(container: Container) -> None:
    while True:
        await container.invoke({})
        await asyncio.sleep(0.5)
