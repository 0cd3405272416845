"""Access tokens through the doors: GraphQL over HTTP, streams and sockets, uploads, and addresses given out."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from asking import Person
from doors import Tus, metadata
from sockets import talking

from tests.actions.growing import stored
from vaultstream.access import SCOPES, Deed
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId, UserId
from vaultstream.tokens import Scope
from vaultstream.versions import ScanStatus

TOKEN = "accessToken { id name scopes isBound folder { id } expiresAt lastUsedAt revokedAt } secret"
STATUS = "subscription ($id: ID) { fileStatus(fileId: $id) { file { name } } }"


async def create(person: Person, *scopes: str, **terms: object):
    end = datetime.now(UTC) + timedelta(days=1)
    wanted = {"name": "a program", "scopes": scopes or ["READ", "WRITE", "SHARE"], "expiresAt": end.isoformat()}
    return await person.done("accessTokenCreate", "AccessTokenCreateInput", TOKEN, **wanted | terms)


async def revoke(person: Person, token_id: str):
    selection = "accessToken { id revokedAt }"
    return await person.done("accessTokenRevoke", "AccessTokenRevokeInput", selection, accessTokenId=token_id)


async def program(person: Person, *scopes: str, **terms: object) -> Person:
    """Whoever comes by a new token of this person's."""
    return Person(person.client, (await create(person, *scopes, **terms))["secret"])


async def kept_file(vault: Vault, alice: Person) -> tuple[str, str]:
    """A new folder of Alice's with a clean file in it."""
    folder_id = await alice.folder(f"for programs {secrets.token_hex(4)}")
    user_id = UserId((await alice.data("{ viewer { id } }"))["viewer"]["id"])
    actor = Actor(user_id, Origin("test"), vault.now())
    file = await stored(vault, actor, FolderId(folder_id), "note.txt", b"hello", scan=ScanStatus.CLEAN)
    return folder_id, file.id


async def refused(client: httpx.AsyncClient, secret: str) -> tuple[int, str, object]:
    answer = await Person(client, secret).post({"query": "{ viewer { id } }"})
    return answer.status_code, answer.headers["WWW-Authenticate"], answer.json()


MUTATIONS = {
    Deed.DOWNLOAD: ("downloadCreate", "DownloadCreateInput", "url", {}),
    Deed.COMMENT: ("commentAdd", "CommentAddInput", "comment { id }", {"body": "hello"}),
    Deed.EDIT: ("fileRename", "FileRenameInput", "file { id }", {"name": "renamed"}),
    Deed.SHARE: ("shareGrant", "ShareGrantInput", "share { id }", {"email": "bob@example.com", "role": "VIEWER"}),
    Deed.DELETE: ("fileTrash", "FileTrashInput", "file { id }", {}),
    Deed.RESTORE: ("fileRestore", "FileRestoreInput", "file { id }", {}),
    Deed.PURGE: ("filePurge", "FilePurgeInput", "fileId", {}),
}


@pytest.mark.parametrize("scope", Scope)
async def test_a_scope_opens_what_it_is_for(vault: Vault, alice: Person, bob: Person, scope: Scope) -> None:
    await bob.root()
    folder_id, file_id = await kept_file(vault, alice)
    bearer = await program(alice, scope, folderId=folder_id)
    shown = await bearer.data(
        "query ($id: ID!) { file(id: $id) { name capabilities { canRead canEdit canShare } } }", id=file_id
    )
    assert shown["file"]["capabilities"] == {
        "canRead": True,
        "canEdit": scope is Scope.WRITE,
        "canShare": scope is Scope.SHARE,
    }
    for deed, (mutation, kind, selection, terms) in MUTATIONS.items():
        named = {"itemId" if deed is Deed.SHARE else "fileId": file_id}
        done = await bearer.done(mutation, kind, selection, **named, **terms)
        may = SCOPES[deed] in {Scope.READ, scope}
        assert [error["code"] for error in done["errors"]] == ([] if may else ["FORBIDDEN"]), mutation
        if not may and deed is not Deed.PURGE:  # its person does it, for the next deed to have its turn
            assert (await alice.done(mutation, kind, selection, **named, **terms))["errors"] == []


async def test_a_program_sees_nothing_outside_its_folder(vault: Vault, alice: Person) -> None:
    folder_id, file_id = await kept_file(vault, alice)
    _, other_id = await kept_file(vault, alice)
    bearer = await program(alice, folderId=folder_id)
    query = """query ($in: ID!, $out: ID!) { in: node(id: $in) { id } out: node(id: $out) { id } file(id: $in) {
      parent { id parent { id } } ancestors { id } owner { email storage { quotaBytes } } }
      viewer { email storage { quotaBytes } rootFolder { id } } recent(first: 100) { edges { node { id } } } }"""
    seen = await bearer.data(query, **{"in": file_id, "out": other_id})
    assert (seen["in"], seen["out"]) == ({"id": file_id}, None)
    assert seen["file"]["parent"] == {"id": folder_id, "parent": None}
    assert seen["file"]["ancestors"] == [{"id": folder_id}]
    assert seen["viewer"] == {"email": "alice@example.com", "storage": None, "rootFolder": None}
    assert seen["file"]["owner"] == {"email": "alice@example.com", "storage": None}
    assert seen["recent"]["edges"] == [{"node": {"id": file_id}}]


async def test_a_token_is_listed_without_its_secret_and_is_no_way_to_others(vault: Vault, alice: Person) -> None:
    folder_id, _ = await kept_file(vault, alice)
    made = await create(alice, "SHARE", folderId=folder_id, idempotencyKey=f"key {folder_id}")
    kept = made["accessToken"]
    assert (kept["scopes"], kept["isBound"], kept["folder"]) == (["READ", "SHARE"], True, {"id": folder_id})
    bearer = Person(alice.client, made["secret"])
    listing = "{ accessTokens(first: 2) { edges { node { id lastUsedAt } } pageInfo { hasNextPage } } }"
    await bearer.data("query ($id: ID!) { node(id: $id) { id } }", id=folder_id)
    (newest, *_) = (await alice.data(listing))["accessTokens"]["edges"]
    assert newest["node"]["id"] == kept["id"]
    assert newest["node"]["lastUsedAt"] is not None
    found = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await alice.data(found, id=kept["id"]))["node"] == {"id": kept["id"]}
    assert (await bearer.data(found, id=kept["id"]))["node"] is None
    assert (await bearer.ask(listing))["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    for answer in (await create(bearer), await revoke(bearer, kept["id"])):
        assert (answer["accessToken"], [error["code"] for error in answer["errors"]]) == (None, ["FORBIDDEN"])


async def test_a_repeated_creation_shows_no_secret(alice: Person) -> None:
    terms = {"idempotencyKey": secrets.token_hex(8), "expiresAt": (datetime.now(UTC) + timedelta(days=2)).isoformat()}
    first, again = await create(alice, "READ", **terms), await create(alice, "READ", **terms)
    assert first["secret"] is not None
    assert (again["accessToken"]["id"], again["secret"]) == (first["accessToken"]["id"], None)


async def test_revoking_holds_for_the_next_request_and_has_one_answer(alice: Person, bob: Person) -> None:
    made = await create(alice, "READ")
    bearer = Person(alice.client, made["secret"])
    assert (await bearer.data("{ viewer { email } }"))["viewer"]["email"] == "alice@example.com"
    assert [error["code"] for error in (await revoke(bob, made["accessToken"]["id"]))["errors"]] == ["NOT_FOUND"]
    assert (await revoke(alice, made["accessToken"]["id"]))["accessToken"]["revokedAt"] is not None
    given = [made["secret"], made["secret"][:-1], "vst_", f"vst_{secrets.token_hex(36)}"]
    answers = [await refused(alice.client, secret) for secret in given]
    assert (answers[0][0], answers[0][1]) == (401, "Bearer")
    assert all(answer == answers[0] for answer in answers)


async def test_uploads_go_to_where_a_token_leads(vault: Vault, alice: Person) -> None:
    folder_id, _ = await kept_file(vault, alice)
    bearer, reader = await program(alice, "WRITE", folderId=folder_id), await program(alice, "READ", folderId=folder_id)
    elsewhere = await program(alice, folderId=await alice.folder(f"elsewhere {secrets.token_hex(4)}"))
    begun = await Tus(alice.client, bearer.token).create(6, b"abc", **metadata(filename="by a program"))
    assert begun.status_code == 201
    url = begun.headers["Location"]
    for other, seen, sent in ((reader, 200, 403), (elsewhere, 404, 404)):
        tus = Tus(alice.client, other.token)
        assert (await tus.head(url)).status_code == seen
        assert (await tus.patch(url, 3, b"def")).status_code == sent
        assert (await tus.send("DELETE", url)).status_code == sent
        begun = await tus.create(3, **metadata(filename="no", folderId=folder_id))
        assert begun.status_code == sent
    assert (await Tus(alice.client, bearer.token).patch(url, 3, b"def")).status_code == 204
    query = "query ($id: ID!) { folder(id: $id) { children(first: 9) { edges { node { name } } } } }"
    names = [edge["node"]["name"] for edge in (await alice.data(query, id=folder_id))["folder"]["children"]["edges"]]
    assert names == ["by a program", "note.txt"]


async def test_an_address_that_a_program_was_given_ends_with_its_token(vault: Vault, alice: Person) -> None:
    folder_id, file_id = await kept_file(vault, alice)
    made = await create(alice, "READ", folderId=folder_id)
    bearer = Person(alice.client, made["secret"])
    url = (await bearer.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id))["url"]
    assert f"token={made['accessToken']['id']}" in url
    assert made["secret"] not in url
    assert (await alice.client.get(url)).content == b"hello"
    stripped = url.replace(f"&token={made['accessToken']['id']}", "")
    assert stripped != url
    assert (await alice.client.get(stripped)).status_code == 403
    own = (await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id))["url"]
    await revoke(alice, made["accessToken"]["id"])
    assert (await alice.client.get(url)).status_code == 404
    assert (await alice.client.get(own)).content == b"hello"


async def test_a_program_watches_until_its_token_is_revoked(vault: Vault, url: str, alice: Person) -> None:
    _, file_id = await kept_file(vault, alice)
    made = await create(alice, "READ")
    bearer = Person(alice.client, made["secret"])
    async with asyncio.timeout(60), talking(url) as talk, bearer.following(STATUS, id=file_id) as events:
        await talk.init(bearer.token)
        await talk.subscribe("s", STATUS, id=file_id)
        assert (await talk.hear())["payload"]["data"]["fileStatus"]["file"]["name"] == "note.txt"
        assert (await anext(events))[1]["data"]["fileStatus"]["file"]["name"] == "note.txt"
        await revoke(alice, made["accessToken"]["id"])
        ended = await talk.hear()
        assert (ended["type"], ended["payload"][0]["extensions"]) == ("error", {"code": "UNAUTHENTICATED"})
        name, body = await anext(events)
        assert (name, body["errors"][0]["extensions"]) == ("next", {"code": "UNAUTHENTICATED"})
        assert (await anext(events))[0] == "complete"
        await talk.subscribe("q", "{ viewer { id } }")
        assert (await talk.closing())[0] == 4401
        assert (await bearer.post({"query": STATUS, "variables": {"id": file_id}})).status_code == 401


async def test_a_socket_lets_no_revoked_token_in(url: str, alice: Person) -> None:
    made = await create(alice, "READ")
    await revoke(alice, made["accessToken"]["id"])
    async with talking(url) as talk:
        await talk.say({"type": "connection_init", "payload": {"token": made["secret"]}})
        assert (await talk.closing())[0] == 4401


async def test_a_token_that_ends_takes_its_streams_with_it(vault: Vault, url: str, alice: Person) -> None:
    _, file_id = await kept_file(vault, alice)
    short = await program(alice, "READ", expiresAt=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
    async with asyncio.timeout(60), talking(url) as talk, short.following(STATUS, id=file_id) as events:
        await talk.init(short.token)
        await talk.subscribe("s", STATUS, id=file_id)
        assert (await talk.closing())[0] == 4401
        told = [event async for event in events]
        assert told[-1][0] == "complete"
        assert told[-2][1]["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert (await short.post({"query": "{ viewer { id } }"})).status_code == 401


async def test_what_a_person_may_not_is_told_as_data(vault: Vault, alice: Person, bob: Person) -> None:
    folder_id, _ = await kept_file(vault, alice)
    for terms, code, path in (
        ({"name": " "}, "INVALID", ["name"]),
        ({"scopes": []}, "INVALID", ["scopes"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID", ["expiresAt"]),
        ({"folderId": folder_id}, "NOT_FOUND", None),
        ({"folderId": "nonsense"}, "NOT_FOUND", None),
    ):
        (error,) = (await create(bob, **terms))["errors"]
        assert (error["code"], error["path"]) == (code, path)
    assert (await revoke(bob, "nonsense"))["errors"][0]["code"] == "NOT_FOUND"
