"""Subscriptions as partners follow them: what is there, what changes, and the end when the share is taken back."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from asking import Person
from doors import CLEAN, OFFSET_STREAM, Tus, judged
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from programs import HERE, Program, World, talking_to

from vaultstream.adapters.vault import Vault
from vaultstream.ids import FileId

LIVE = HERE / "live"
QUERIES = {
    "folder": "subscription ($id: ID!) { folderChanged(folderId: $id) { kind item { __typename name } } }",
    "status": "subscription ($id: ID!) { fileStatus(fileId: $id) { scan { status } } }",
    "comments": "subscription ($id: ID!) { commentAdded(fileId: $id) { body } }",
    "upload": "subscription ($id: ID!) { uploadProgress(uploadId: $id) { status offsetBytes } }",
}
Wanted = dict[str, Callable[[Any], bool]]

PRESENT: Wanted = {
    "folder": lambda data: data["folderChanged"]["kind"] == "PRESENT",
    "status": lambda data: data["fileStatus"]["scan"]["status"] == "PENDING",
    "comments": lambda data: data["commentAdded"]["body"] == "first",
    "upload": lambda data: data["uploadProgress"] == {"status": "RECEIVING", "offsetBytes": 0},
}
CHANGED: Wanted = {
    "folder": lambda data: data["folderChanged"] == {"kind": "ADDED", "item": {"__typename": "Folder", "name": "new"}},
    "status": lambda data: data["fileStatus"]["scan"]["status"] == "CLEAN",
    "comments": lambda data: data["commentAdded"]["body"] == "second",
    "upload": lambda data: data["uploadProgress"] == {"status": "RECEIVING", "offsetBytes": 1},
}
# An upload is his who began it, to give up at least: it ends with itself, where all else ends with the share.
SHARED = QUERIES.keys() - {"upload"}
GIVEN_UP: Wanted = {"upload": lambda data: data["uploadProgress"]["status"] == "ABORTED"}


async def seen(program: Program, wanted: Wanted) -> None:
    """Wait until each stream has shown what is wanted of it; none may end meanwhile."""
    missing = dict(wanted)
    while missing:
        line = await program.saw()
        assert line.get("ended") is None, line
        if line["name"] in missing and missing[line["name"]](line["data"]):
            del missing[line["name"]]


async def ended(program: Program, names: set[str]) -> dict[str, str]:
    """How these streams end; values on the way there are left out."""
    codes: dict[str, str] = {}
    while not names <= codes.keys():
        line = await program.saw()
        if line.get("ended") is not None:
            codes[line["name"]] = line["ended"]
    return codes


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("node", LIVE / "ws.mjs"), id="graphql-ws"),
        pytest.param(("node", LIVE / "sse.mjs"), id="graphql-sse"),
        pytest.param((sys.executable, LIVE / "ws.py"), id="gql"),
    ],
)
async def test_a_client_sees_what_is_there_then_what_changes_then_the_end_of_its_share(
    command: tuple[object, ...], world: World, vault: Vault, alice: Person, bob: Person
) -> None:
    folder_id = await alice.folder("live", world.folder_id)
    file_id = await alice.empty_file("live.txt", folder_id)
    wanted = {"itemId": folder_id, "email": "bob@example.com", "role": "EDITOR"}
    share = (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **wanted))["share"]
    await alice.done("commentAdd", "CommentAddInput", "comment { id }", fileId=file_id, body="first")
    wanted = {"folderId": folder_id, "name": "up", "sizeBytes": 3}
    upload = (await bob.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted))["upload"]
    ids = {"folder": folder_id, "status": file_id, "comments": file_id, "upload": upload["id"]}
    asked = {name: {"query": query, "variables": {"id": ids[name]}} for name, query in QUERIES.items()}
    told = json.dumps({"url": world.url, "token": bob.token, "subscriptions": asked})
    begun, path = Tus(bob.client, bob.token), f"/uploads/{upload['id']}"
    async with talking_to(*command, told) as program:
        await seen(program, PRESENT)
        await alice.folder("new", folder_id)
        await judged(vault, FileId(file_id), *CLEAN)
        await alice.done("commentAdd", "CommentAddInput", "comment { id }", fileId=file_id, body="second")
        assert (await begun.send("PATCH", path, b"a", Upload_Offset="0", **OFFSET_STREAM)).status_code == 204
        await seen(program, CHANGED)
        await alice.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share["id"])
        assert await ended(program, SHARED) == dict.fromkeys(SHARED, "NOT_FOUND")
        assert (await begun.send("PATCH", path, b"b", Upload_Offset="1", **OFFSET_STREAM)).status_code == 404
        await bob.done("uploadAbort", "UploadAbortInput", "upload { id }", uploadId=upload["id"])
        await seen(program, GIVEN_UP)


async def test_a_python_client_knows_the_contract_by_asking_for_it_and_refuses_what_is_not_in_it(world: World) -> None:
    transport = AIOHTTPTransport(world.url, headers={"Authorization": f"Bearer {world.alice}"})
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        wanted = gql("query ($id: ID!) { file(id: $id) { name currentVersion { number } } }")
        wanted.variable_values = {"id": world.file_id}
        assert await session.execute(wanted) == {"file": {"name": "report.txt", "currentVersion": {"number": 2}}}
        with pytest.raises(Exception, match="Cannot query field 'size'"):
            await session.execute(gql("{ viewer { size } }"))


async def test_a_python_client_without_an_account_is_told_so(world: World) -> None:
    async with Client(transport=AIOHTTPTransport(world.url)) as session:
        with pytest.raises(TransportQueryError) as refused:
            await session.execute(gql("{ viewer { id } }"))
    assert [error["extensions"]["code"] for error in refused.value.errors or ()] == ["UNAUTHENTICATED"]
