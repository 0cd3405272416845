"""Subscriptions over real sockets: what is there first, what changes after it, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from asking import Person
from sockets import Talk, talking

from vaultstream.actions.sight import ChangeKind
from vaultstream.gql.live import FolderChangeKind

FOLDER = """
subscription ($id: ID!) { folderChanged(folderId: $id) {
  kind at item { __typename id name revision ... on Folder { children(first: 10) { edges { node { name } } } } }
} }
"""
COMMENTS = "subscription ($id: ID!) { commentAdded(fileId: $id) { body author { displayName } replyTo { body } } }"
PROGRESS = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { status offsetBytes file { name } } }"


async def heard(talk: Talk, field: str) -> Any:
    """The next value of the only subscription."""
    async with asyncio.timeout(60):
        message = await talk.hear()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message["payload"]["errors"]
    return message["payload"]["data"][field]


async def ending(talk: Talk) -> Any:
    """The code with which the only subscription ends; values on the way there are left out."""
    async with asyncio.timeout(60):
        while (message := await talk.hear())["type"] == "next":
            pass
    return message["payload"][0]["extensions"]["code"] if message["type"] == "error" else message["type"]


async def let(owner: Person, item_id: str) -> str:
    """Share an item with bob; the share's id."""
    wanted = {"itemId": item_id, "email": "bob@example.com", "role": "COMMENTER"}
    made = await owner.done("shareGrant", "ShareGrantInput", "share { id }", **wanted)
    assert made["errors"] == []
    return made["share"]["id"]


async def revoke(owner: Person, share_id: str) -> None:
    done = await owner.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share_id)
    assert done["errors"] == []


async def add(person: Person, file_id: str, body: str, **more: str) -> str:
    made = await person.done("commentAdd", "CommentAddInput", "comment { id }", fileId=file_id, body=body, **more)
    assert made["errors"] == []
    return made["comment"]["id"]


async def test_a_folder_begins_with_itself_and_its_children_and_goes_on_with_changes(url: str, alice: Person) -> None:
    folder_id = await alice.folder("live folder")
    await alice.folder("old", folder_id)
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("1", FOLDER, id=folder_id)
        first = await heard(talk, "folderChanged")
        assert (first["kind"], first["item"]["name"]) == ("PRESENT", "live folder")
        assert first["item"]["children"]["edges"] == [{"node": {"name": "old"}}]
        new = await alice.folder("new", folder_id)
        added = await heard(talk, "folderChanged")
        assert (added["kind"], added["item"]["id"], added["item"]["revision"]) == ("ADDED", new, 1)
        await alice.done("folderRename", "FolderRenameInput", "folder { id }", folderId=new, name="newer")
        changed = await heard(talk, "folderChanged")
        assert (changed["kind"], changed["item"]["name"], changed["item"]["revision"]) == ("CHANGED", "newer", 2)
        await alice.done("folderMove", "FolderMoveInput", "folder { id }", folderId=new, parentId=await alice.root())
        removed = await heard(talk, "folderChanged")
        assert (removed["kind"], removed["item"]["id"]) == ("REMOVED", new)
        assert first["at"] < added["at"] < changed["at"] < removed["at"]


async def test_comments_begin_with_those_that_are_there(url: str, alice: Person, bob: Person) -> None:
    await bob.root()
    file_id = await alice.empty_file("live comments.txt")
    await let(alice, file_id)
    beginning = await add(alice, file_id, "first")
    async with talking(url) as talk:
        await talk.init(bob.token)
        await talk.subscribe("1", COMMENTS, id=file_id)
        assert (await heard(talk, "commentAdded"))["body"] == "first"
        await add(bob, file_id, "second", replyToId=beginning)
        second = await heard(talk, "commentAdded")
        assert (second["body"], second["replyTo"]) == ("second", {"body": "first"})
        assert second["author"]["displayName"]


async def test_an_upload_is_followed_to_its_end(url: str, alice: Person) -> None:
    wanted = {"name": "followed.txt", "sizeBytes": 3, "contentType": "text/plain"}
    made = await alice.done("uploadBegin", "UploadBeginInput", "upload { id url }", **wanted)
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("1", PROGRESS, id=made["upload"]["id"])
        assert await heard(talk, "uploadProgress") == {"status": "RECEIVING", "offsetBytes": 0, "file": None}
        headers = {
            "Authorization": f"Bearer {alice.token}",
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        }
        sent = await alice.client.patch(f"/uploads/{made['upload']['id']}", headers=headers, content=b"abc")
        assert sent.status_code == 204
        states = [await heard(talk, "uploadProgress")]
        while states[-1]["status"] != "DONE":
            states.append(await heard(talk, "uploadProgress"))
        assert states[-1] == {"status": "DONE", "offsetBytes": 3, "file": {"name": "followed.txt"}}
        assert await ending(talk) == "complete"


async def test_a_share_that_is_taken_back_ends_every_stream_it_had_opened(url: str, alice: Person, bob: Person) -> None:
    await bob.root()
    folder_id = await alice.folder("revoked")
    file_id = await alice.empty_file("revoked.txt", folder_id)
    share_id = await let(alice, folder_id)
    status = "subscription ($id: ID!) { fileStatus(fileId: $id) { file { name } } }"
    streams = [(FOLDER, folder_id), (status, file_id), (COMMENTS, file_id)]
    await add(alice, file_id, "hello")
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(talking(url)) for _ in streams]
        for talk, (query, id_) in zip(talks, streams, strict=True):
            await talk.init(bob.token)
            await talk.subscribe("1", query, id=id_)
            assert (await talk.hear())["type"] == "next"
        await revoke(alice, share_id)
        assert [await ending(talk) for talk in talks] == ["NOT_FOUND"] * len(streams)


async def test_strangers_and_nonsense_are_refused_alike(url: str, alice: Person, bob: Person) -> None:
    folder_id, file_id = await alice.folder("not yours"), await alice.empty_file("not yours.txt")
    wanted = {"name": "not yours either", "sizeBytes": 3}
    upload = (await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted))["upload"]
    async with talking(url) as talk:
        await talk.init(bob.token)
        for query, id_ in [
            (FOLDER, folder_id),
            (FOLDER, file_id),
            (COMMENTS, file_id),
            (COMMENTS, "nonsense"),
            (PROGRESS, upload["id"]),
            (PROGRESS, ""),
        ]:
            await talk.subscribe("1", query, id=id_)
            assert await ending(talk) == "NOT_FOUND"


async def test_a_folder_is_followed_over_server_sent_events_too(alice: Person) -> None:
    folder_id = await alice.folder("sent events")
    query = "subscription ($id: ID!) { folderChanged(folderId: $id) { kind item { name } } }"
    async with alice.following(query, id=folder_id) as events, asyncio.timeout(60):
        assert await value(events) == {"kind": "PRESENT", "item": {"name": "sent events"}}
        await alice.folder("x", folder_id)
        assert await value(events) == {"kind": "ADDED", "item": {"name": "x"}}


async def value(events: AsyncIterator[tuple[str, Any]]) -> Any:
    name, data = await anext(events)
    assert name == "next"
    return data["data"]["folderChanged"]


def test_the_kinds_of_change_are_those_of_the_noun() -> None:
    assert [member.value for member in FolderChangeKind] == [member.value for member in ChangeKind]
