"""Zips as the contract has them: asked for by GraphQL, or by a link, and downloaded without a token."""

import io
import secrets
import zipfile

import httpx
from asking import Person

from tests.actions.growing import stored
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId, UserId
from vaultstream.versions import ScanStatus


async def tree(vault: Vault, alice: Person) -> tuple[str, str, str]:
    """A folder of Alice's, a clean file in it, and one that is not scanned."""
    folder_id = await alice.folder(f"zipped {secrets.token_hex(4)}")
    user_id = UserId((await alice.data("{ viewer { id } }"))["viewer"]["id"])
    actor = Actor(user_id, Origin("test"), vault.now())
    clean = await stored(vault, actor, FolderId(folder_id), "note.txt", b"hello", scan=ScanStatus.CLEAN)
    new = await stored(vault, actor, FolderId(folder_id), "new.txt", b"new")
    return folder_id, clean.id, new.id


async def create(person: Person, item_ids: list[str], name: str | None = None):
    return await person.done("zipCreate", "ZipCreateInput", "url expiresAt", itemIds=item_ids, name=name)


def read(answer: httpx.Response) -> dict[str, bytes]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        return {name: found.read(name) for name in found.namelist()}


async def test_files_and_folders_come_in_one_zip(vault, client, alice: Person):
    folder_id, clean, _ = await tree(vault, alice)
    made = await create(alice, [folder_id, clean], "Both")
    assert made["errors"] == []
    assert made["expiresAt"] > vault.now().isoformat()
    answer = await client.get(made["url"])
    found = read(answer)
    top = next(iter(found))
    assert top.startswith("zipped ")
    assert list(found) == [top, f"{top}note.txt", "note.txt", "SKIPPED.txt"]
    assert f"{top}new.txt: This file is still being scanned" in found["SKIPPED.txt"].decode()
    assert 'filename="Both.zip"' in answer.headers["Content-Disposition"]


async def test_what_is_not_for_somebody_is_not_found_and_a_bad_choice_is_told(vault, alice: Person, bob: Person):
    folder_id, clean, _ = await tree(vault, alice)
    for person, chosen, code in (
        (bob, [folder_id], "NOT_FOUND"),
        (bob, [await bob.root(), clean], "NOT_FOUND"),
        (alice, ["nonsense"], "NOT_FOUND"),
        (alice, [], "INVALID"),
    ):
        refused = await create(person, chosen)
        assert (refused["url"], refused["expiresAt"]) == (None, None)
        assert [error["code"] for error in refused["errors"]] == [code]


async def test_a_link_to_a_folder_gives_all_of_it_without_an_account(vault, client, alice: Person):
    folder_id, _, _ = await tree(vault, alice)
    link = await alice.done("shareLinkCreate", "ShareLinkCreateInput", "token shareLink { id }", itemId=folder_id)
    seen = (await client.get(f"/s/{link['token']}")).json()
    assert seen["canDownload"] is True
    assert seen["downloadUrl"].endswith(f"/s/{link['token']}/download?item={folder_id}")
    redirect = await client.get(seen["downloadUrl"])
    assert redirect.status_code == 303
    found = read(await client.get(redirect.headers["Location"]))
    assert [name.partition("/")[2] for name in found] == ["", "note.txt", ""]
    counted = "query ($id: ID!) { node(id: $id) { ... on ShareLink { downloads } } }"
    assert (await alice.data(counted, id=link["shareLink"]["id"]))["node"] == {"downloads": 1}
    terms = {"shareLinkId": link["shareLink"]["id"], "viewOnly": True}
    await alice.done("shareLinkUpdate", "ShareLinkUpdateInput", "shareLink { id }", **terms)
    for path in (seen["downloadUrl"], redirect.headers["Location"]):
        assert (await client.get(path)).status_code == 403
    seen = (await client.get(f"/s/{link['token']}")).json()
    assert (seen["canDownload"], seen["downloadUrl"]) == (False, None)
