"""One process of many over one vault: it reads and writes counters as it is told by lines of JSON, many at once.

Each counter is an item to which a write adds one, so that a value tells how many writes it has seen.
"""

import asyncio
import json
import sys
from typing import Any

from tests.cache.quick import shorten
from vaultstream import dependencies
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.cache import Foresight
from vaultstream.adapters.records import changes
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import VaultError
from vaultstream.ids import UserId
from vaultstream.settings import Settings
from vaultstream.table import Key


def key_of(name: str) -> Key:
    """A counter's place; two counters share a partition."""
    return Key(f"FILE#{name[:-1]}", f"VERSION#{name[-1]}")


def adding_one(name: str) -> Change:
    """One more."""
    request = {
        "Key": to_attributes(key_of(name).attributes()),
        "UpdateExpression": "ADD written :one",
        "ExpressionAttributeValues": to_attributes({":one": 1}),
    }
    return Change("Update", request, changes.STALE)


async def value(vault: Vault, name: str, way: str) -> int:
    """What a counter says, by one of the ways to read it."""
    key = key_of(name)
    if way == "item":
        found = [await vault.reads.item(key, dict)]
    elif way == "items":
        found = list(await vault.reads.items([Key(key.pk, "#FILE"), key], dict))[1:]
    elif way == "collection":
        found = [each for place, each in await vault.reads.collection(key.pk, dict, limit=10) if place == key.sk]
    else:
        found = [each for _, each in await vault.reads.between(key.pk, dict, key.sk, key.sk, after=None, limit=2)]
    return found[0]["written"] if found and found[0] else 0


async def foreseen(vault: Vault, foresight: Foresight, name: str) -> int:
    """What a counter says, read as answers are made: its token is asked for together with what is paid."""
    asker = Actor(UserId("user_of_counters"), Origin("test"), vault.now())
    with dependencies.recorded() as seen, foresight.of(name, [], seen):
        await vault.budgets.take(asker, 0)
        return await value(vault, name, "item")


async def _done(vault: Vault, foresight: Foresight, order: dict[str, Any]) -> dict[str, Any]:
    try:
        if order["do"] == "read":
            if order["way"] == "foreseen":
                return {"value": await foreseen(vault, foresight, order["name"])}
            return {"value": await value(vault, order["name"], order["way"])}
        if order["do"] == "trusts":
            return {"value": await vault.cache.world() is not None}
        await vault.commit([adding_one(name) for name in order["names"]])
    except VaultError as error:
        return {"error": f"{error.code}"}
    return {"value": None}


async def main() -> None:
    """Serve until there are no more orders."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    settings = Settings.from_env(json.loads(await orders.readline()))

    async def serve(vault: Vault, foresight: Foresight, order: dict[str, Any]) -> None:
        answer = {"id": order["id"], **await _done(vault, foresight, order)}
        print(json.dumps(answer), flush=True)  # the answer

    async with opened(settings) as vault, asyncio.TaskGroup() as group:
        print("{}", flush=True)  # ready
        foresight = Foresight(vault.cache)
        while line := await orders.readline():
            group.create_task(serve(vault, foresight, json.loads(line)))


if __name__ == "__main__":
    shorten(setattr)
    asyncio.run(main())
