"""Copies of files: what they hold and what they do not, whose quota they take, and how a cut one goes on."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.actions.growing import scanned, stored
from vaultstream import table
from vaultstream.actions import account, arrange, browse, download, duplicate, opening, organize
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.download import Content
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FolderId
from vaultstream.quota import QuotaChange
from vaultstream.sealed import FRAME_BYTES, PART_FRAMES
from vaultstream.shares import Role, Share
from vaultstream.users import Storage
from vaultstream.versions import ScanStatus

Cut = Callable[[int], None]
PART_BYTES = PART_FRAMES * FRAME_BYTES


async def root(vault: Vault, actor: Actor) -> FolderId:
    return (await account.viewer(vault, actor.user_id)).root_folder_id


async def storage(vault: Vault, actor: Actor) -> Storage:
    return (await account.viewer(vault, actor.user_id)).storage


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


async def contents(vault: Vault, file: File) -> bytes:
    version = await browse.stored_version(vault, file, None)
    assert version is not None
    return b"".join([piece async for piece in opening.whole(vault, version.version.id, version.body)])


async def names_in(vault: Vault, actor: Actor, folder_id: FolderId) -> list[str]:
    (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, 100)])
    assert page is not None
    return [child.name for child in page.children]


async def events(vault: Vault, item_id: str) -> list[Event]:
    shards = [await vault.records.undelivered(shard, "z", 10_000) for shard in table.outbox_shards()]
    return sorted((event for shard in shards for event in shard if event.item_id == item_id), key=lambda e: e.id)


async def clean(vault: Vault, actor: Actor, data: bytes, name: str = "clean.bin") -> File:
    return await stored(vault, actor, await root(vault, actor), name, data, scan=ScanStatus.CLEAN)


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES, PART_BYTES + 12_345])
async def test_a_copy_is_a_new_file_with_the_same_contents(vault: Vault, alice: Actor, size: int) -> None:
    data = os.urandom(size)
    file = await clean(vault, alice, data)
    place = await organize.create_folder(vault, alice, file.parent_id, "copies")
    copy = await duplicate.copy_file(vault, alice, file.id, place.id)
    assert (copy.name, copy.parent_id, copy.revision, copy.current.number) == (file.name, place.id, 1, 1)
    assert copy.id != file.id
    assert (copy.current.content_type, copy.current.size_bytes) == ("text/plain", size)
    assert await contents(vault, copy) == await contents(vault, file) == data
    assert await storage(vault, alice) == replace(await storage(vault, alice), live_bytes=2 * size, reserved_bytes=0)


async def test_a_copy_has_its_own_key_and_waits_for_its_own_scan(vault: Vault, alice: Actor) -> None:
    file = await clean(vault, alice, b"the same words")
    copy = await duplicate.copy_file(vault, alice, file.id, file.parent_id, name="copy.bin")
    one, other = [await browse.stored_version(vault, each, None) for each in (file, copy)]
    assert one is not None
    assert other is not None
    assert (one.body.header, one.body.object_key) != (other.body.header, other.body.object_key)
    assert await vault.blobs.whole(one.body.object_key) != await vault.blobs.whole(other.body.object_key)
    assert copy.current.scan.status is ScanStatus.PENDING
    assert other.declared_sha256 == file.current.sha256


async def test_a_copy_leaves_versions_and_tags_behind(vault: Vault, alice: Actor) -> None:
    file = await clean(vault, alice, b"x")
    await arrange.tag_file(vault, alice, file.id, ["mine"])
    copy = await duplicate.copy_file(vault, alice, file.id, file.parent_id, name="copy")
    assert copy.tags == ()


async def test_a_copy_is_told_of_as_a_read_and_as_a_write(vault: Vault, alice: Actor) -> None:
    file = await clean(vault, alice, b"x")
    copy = await duplicate.copy_file(vault, alice, file.id, file.parent_id, name="copy")
    told = {event.name: event for event in await events(vault, file.id)}
    assert told[EventName.DOWNLOAD_BEGUN].details["stop"] == 1
    assert told[EventName.FILE_COPIED].details == {"copy_id": copy.id, "parent_id": copy.parent_id}
    assert [event.name for event in await events(vault, copy.id)] == [EventName.UPLOAD_BEGUN, EventName.VERSION_STORED]


@pytest.mark.parametrize(
    ("scan", "code"),
    [(None, Code.NOT_SCANNED), (ScanStatus.UNSCANNABLE, Code.NOT_SCANNED), (ScanStatus.INFECTED, Code.INFECTED)],
)
async def test_only_what_is_clean_is_copied(vault: Vault, alice: Actor, scan: ScanStatus | None, code: Code) -> None:
    top = await root(vault, alice)
    file = await stored(vault, alice, top, "doubtful", b"x", scan=scan)
    assert await refusal(duplicate.copy_file(vault, alice, file.id, top, name="copy")) is code
    assert await names_in(vault, alice, top) == ["doubtful"]


async def test_a_taken_name_and_a_full_vault_refuse_and_set_nothing_aside(vault: Vault, alice: Actor) -> None:
    file = await clean(vault, alice, b"123")
    assert await refusal(duplicate.copy_file(vault, alice, file.id, file.parent_id)) is Code.NAME_TAKEN
    before = await storage(vault, alice)
    taken = before.left_bytes - 2
    await vault.commit([changes.move_quota(alice.user_id, QuotaChange(left_bytes=-taken, trash_bytes=taken))])
    assert await refusal(duplicate.copy_file(vault, alice, file.id, file.parent_id, name="c")) is Code.QUOTA_EXCEEDED
    assert await names_in(vault, alice, file.parent_id) == ["clean.bin"]
    assert await storage(vault, alice) == replace(before, trash_bytes=taken)


async def test_a_stranger_copies_nothing_from_here_or_to_here(vault: Vault, alice: Actor, bob: Actor) -> None:
    hers, his = await clean(vault, alice, b"hers"), await clean(vault, bob, b"his")
    assert await refusal(duplicate.copy_file(vault, bob, hers.id, his.parent_id, name="x")) is Code.NOT_FOUND
    assert await refusal(duplicate.copy_file(vault, bob, his.id, hers.parent_id, name="x")) is Code.NOT_FOUND


async def test_a_viewer_copies_into_their_own_vault_and_quota(vault: Vault, alice: Actor, bob: Actor) -> None:
    file = await clean(vault, alice, b"lent to bob")
    share = Share(file.id, bob.user_id, Role.VIEWER, alice.user_id, vault.now())
    await vault.commit([sharing_changes.add_share(share, vault.now())])
    copy = await duplicate.copy_file(vault, bob, file.id, await root(vault, bob))
    assert copy.owner_id == bob.user_id
    assert await contents(vault, copy) == b"lent to bob"
    assert (await storage(vault, bob)).live_bytes == (await storage(vault, alice)).live_bytes == 11


async def test_one_key_makes_one_copy(vault: Vault, alice: Actor) -> None:
    file, other = await clean(vault, alice, b"x"), await clean(vault, alice, b"y", "other")
    copying = partial(duplicate.copy_file, vault, alice, name="copy", idempotency_key="k")
    copy = await copying(file.id, file.parent_id)
    assert await copying(file.id, file.parent_id) == copy
    assert await refusal(copying(other.id, file.parent_id)) is Code.CONFLICT
    assert await names_in(vault, alice, file.parent_id) == ["clean.bin", "copy", "other"]


class TestACutCopy:
    @pytest.fixture
    def cut_after(self, monkeypatch: pytest.MonkeyPatch) -> Cut:
        """Cuts the next read after so many bytes, as a lost store would."""

        def cut(count: int) -> None:
            whole = download.open

            async def opened(*args: object, **options: object) -> Content:
                content = await whole(*args, **options)  # type: ignore[arg-type]  # as they came

                async def read(start: int, stop: int) -> AsyncGenerator[bytes, None]:
                    at = start
                    async for piece in content.read(start, stop):
                        if at + len(piece) > count:
                            raise asyncio.CancelledError
                        yield piece
                        at += len(piece)

                monkeypatch.setattr(download, "open", whole)
                return replace(content, read=read)

            monkeypatch.setattr(download, "open", opened)

        return cut

    async def test_gives_everything_back(self, vault: Vault, alice: Actor, cut_after: Cut) -> None:
        data = os.urandom(PART_BYTES + 5)
        file = await clean(vault, alice, data)
        before = await storage(vault, alice)
        cut_after(100_000)
        with pytest.raises(asyncio.CancelledError):
            await duplicate.copy_file(vault, alice, file.id, file.parent_id, name="copy")
        assert await storage(vault, alice) == before
        copy = await duplicate.copy_file(vault, alice, file.id, file.parent_id, name="copy")
        assert await contents(vault, copy) == data

    async def test_with_a_key_goes_on(self, vault: Vault, alice: Actor, cut_after: Cut) -> None:
        data = os.urandom(2 * PART_BYTES + 5)
        file = await clean(vault, alice, data)
        cut_after(PART_BYTES + 100_000)
        copying = partial(duplicate.copy_file, vault, alice, file.id, file.parent_id, name="c", idempotency_key="again")
        with pytest.raises(asyncio.CancelledError):
            await copying()
        assert (await storage(vault, alice)).reserved_bytes == len(data)
        copy = await copying()
        assert await contents(vault, copy) == data
        assert (await storage(vault, alice)).reserved_bytes == 0


async def test_what_changed_on_the_way_is_no_copy(vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest that the scan found is the copy's too: other bytes are refused, and the name is free again."""
    file = await clean(vault, alice, b"right")
    await scanned(vault, file.id, ScanStatus.CLEAN, b"wrong", again=True)
    assert await refusal(duplicate.copy_file(vault, alice, file.id, file.parent_id, name="c")) is Code.CHECKSUM_MISMATCH
    assert await names_in(vault, alice, file.parent_id) == ["clean.bin"]
    assert (await storage(vault, alice)).reserved_bytes == 0
