"""One data set for everybody: in the vault's table, and as documents in Redis for the servers that have no table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
from redis.asyncio import Redis

from benchmarks.rates import limit
from benchmarks.rates.workloads import FILE, FILES_IN_A_FOLDER, PAGE, Places, body
from benchmarks.seeding import filled, rich
from vaultstream.actions import account, organize
from vaultstream.actor import Actor, Origin
from vaultstream.adapters import clients
from vaultstream.adapters import vault as adapters
from vaultstream.settings import Settings

Json = dict[str, Any]  # Any: JSON values
_TAGS = "query Tags($id: ID!) { file(id: $id) { id contentType updatedAt tags currentVersion { id number } } }"


async def seeded(settings: Settings, token_owner: str, count: int) -> Places:
    """`count` folders of files and `count` files with all that may be on them, of one owner."""
    async with (
        clients.client(clients.session(settings), settings, "dynamodb") as client,
        adapters.opened(settings) as vault,
    ):
        origin, ends = Origin("benchmark"), vault.now() + timedelta(hours=2)
        owner = Actor(await account.sign_in(vault, token_owner, "Alice", origin), origin, ends)
        top = (await account.viewer(vault, owner.user_id)).root_folder_id
        folders, files = [], []
        for number in range(count):
            folder = await organize.create_folder(vault, owner, top, f"folder {number}")
            await filled(client, vault, folder, FILES_IN_A_FOLDER)
            folders.append(folder.id)
            files.append((await rich(client, vault, owner, top, f"contract {number}.pdf")).id)
    return Places(tuple(folders), tuple(files))


async def written_down(redis: Redis, url: str, token: str, places: Places) -> None:
    """What the vault answers, taken apart into documents, and whole for the limit."""
    documents: dict[str, Json] = {}

    def keep(kind: str, thing: Json) -> str:
        documents.setdefault(f"peer:{kind}:{thing['id']}", {}).update(thing)
        return str(thing["id"])

    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:

        async def ask(query: str, item_id: str) -> bytes:
            answer = await client.post(url, content=body(query, id=item_id), headers=_JSON)
            answer.raise_for_status()
            return answer.content

        for folder_id in places.folders:
            whole = await ask(PAGE, folder_id)
            await redis.set(limit.key_of(body(PAGE, id=folder_id)), whole)
            _keep_page(keep, json.loads(whole)["data"]["folder"])
        for file_id in places.files:
            whole = await ask(FILE, file_id)
            await redis.set(limit.key_of(body(FILE, id=file_id)), whole)
            more = json.loads(await ask(_TAGS, file_id))["data"]["file"]
            _keep_file(keep, more | json.loads(whole)["data"]["file"])
    for key, document in documents.items():
        await redis.set(key, json.dumps(document))


_JSON = {"Content-Type": "application/json"}
_Keep = Callable[[str, Json], str]


def _keep_page(keep: _Keep, folder: Json) -> None:
    children = []
    for edge in folder["children"]["edges"]:
        node = edge["node"]
        owner_id, version_id = keep("user", node.pop("owner")), keep("version", node.pop("currentVersion"))
        keep("file", node | {"ownerId": owner_id, "versionId": version_id, "tags": ["holiday"]})
        children.append({"cursor": edge["cursor"], "id": node["id"]})
    page = {"children": children, "pageInfo": folder["children"]["pageInfo"]}
    keep("folder", {"__typename": "Folder", "id": folder["id"], "name": folder["name"]} | page)


def _keep_file(keep: _Keep, file: Json) -> None:
    def ids(kind: str, field: str, person: str = "") -> list[str]:
        found = []
        for edge in file.pop(field)["edges"]:
            node: Json = edge["node"]
            if person:
                node[f"{person}Id"] = keep("user", node.pop(person))
            found.append(keep(kind, node))
        return found

    owner_id, version_id = keep("user", file.pop("owner")), keep("version", file.pop("currentVersion"))
    listed: Mapping[str, list[str]] = {
        "versionIds": ids("version", "versions"),
        "commentIds": ids("comment", "comments", "author"),
        "shareIds": ids("share", "shares", "grantee"),
    }
    keep("file", {"__typename": "File", "ownerId": owner_id, "versionId": version_id} | file | listed)


def unbounded(settings: Settings) -> Settings:
    """With a budget that no benchmark empties; it is charged all the same."""
    return replace(settings, budget_size=2**31, budget_per_second=2**31 - 1)
