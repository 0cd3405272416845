"""A look behind the doors of a running stack: its table, its outbox and its audit log, read as they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from dev_stack import DevStack
from doors import until

from vaultstream import table
from vaultstream.adapters import clients
from vaultstream.adapters.records import version_items

_CHECKPOINT = b'{"checkpoint":'  # what people bring is sealed, and begins with none of its own bytes
Items = dict[tuple[str, str], Any]


@asynccontextmanager
async def dynamodb(stack: DevStack) -> AsyncIterator[Any]:
    settings = stack.settings
    async with clients.client(clients.session(settings), settings, "dynamodb") as client:
        yield client


async def table_items(stack: DevStack) -> Items:
    """Every item but what waits in the outbox."""
    async with dynamodb(stack) as client:
        return await items_of(client, stack.settings.table)


async def items_of(client: Any, name: str) -> Items:
    """Every item of this table but what waits in the outbox."""
    found: Items = {}
    async for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            key = (item[table.PK]["S"], item[table.SK]["S"])
            if not key[0].startswith(table.OUTBOX):
                found[key] = item
    return found


async def outbox_count(stack: DevStack) -> int:
    """How many events wait to be in the audit log."""
    async with dynamodb(stack) as client:
        counts = [
            await client.query(
                TableName=stack.settings.table,
                KeyConditionExpression=f"{table.PK} = :shard",
                ExpressionAttributeValues={":shard": {"S": shard}},
                Select="COUNT",
            )
            for shard in table.outbox_shards()
        ]
    return sum(count["Count"] for count in counts)


async def drained(stack: DevStack, seconds: float = 150) -> None:
    """Return once every event has left the outbox for good."""

    async def is_empty() -> bool:
        return await outbox_count(stack) == 0

    await until(is_empty, seconds)


async def audited(stack: DevStack, condition: str, *values: object) -> list[asyncpg.Record]:
    """The rows of the audit log for which this holds, in the order of their time."""
    connection = await asyncpg.connect(stack.owner_dsn)
    try:
        return await connection.fetch(f"SELECT * FROM audit.events WHERE {condition} ORDER BY at, id", *values)
    finally:
        await connection.close()


async def settled(stack: DevStack) -> None:
    """Return once no version waits for its verdict or its thumbnails, and no event for the log."""

    due = table.due_shards(version_items.DUE)

    async def is_still() -> bool:
        items = await table_items(stack)
        waiting = [item for item in items.values() if item.get(table.GSI3.pk, {}).get("S") in due]
        return not waiting and await outbox_count(stack) == 0

    await until(is_still, 150)


def stored_bytes(stack: DevStack) -> dict[str, int]:
    """Every file of the object store and its size, but for the audit log's checkpoints, which come by themselves."""
    blobs = stack.folder / "s3" / "blobs"
    return {path.name: path.stat().st_size for path in blobs.rglob("*") if path.is_file() and not _is_checkpoint(path)}


def _is_checkpoint(path: Path) -> bool:
    with path.open("rb") as blob:
        return blob.read(len(_CHECKPOINT)) == _CHECKPOINT
