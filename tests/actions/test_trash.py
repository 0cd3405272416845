"""The trash by the actions themselves: what leaves a listing comes back whole, or is gone for ever."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from doors import told

from vaultstream import table
from vaultstream.actions import browse, organize, process, purge, reconcile, shred, trash, upload, versions
from vaultstream.actions.trash import OnConflict, Place
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, share_items, trash_changes, trash_items
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.shares import Role, Share
from vaultstream.trash import Purge, shred_of
from vaultstream.users import Storage
from vaultstream.workers import purge as sweeper

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share `trash_world`

from trash_world import Person, stream  # found by the line above


@pytest.fixture
def ann(vault: Vault, alice: Actor) -> Person:
    return Person(vault, alice)


async def refused(awaitable: object) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable  # type: ignore[misc]  # any deed at all
    return caught.value.code


async def share(vault: Vault, item_id: str, owner: Actor, grantee: Actor, role: Role) -> None:
    made = Share(item_id, grantee.user_id, role, owner.user_id, vault.now())
    await vault.commit([Change("Put", {"Item": to_attributes(share_items.share_item(made))}, changes.STALE)])


class TestThrowingAway:
    async def test_a_file_leaves_its_folder_and_stands_in_the_trash(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"12345")
        thrown = await trash.throw_away(ann.vault, ann.actor, file.id)
        assert (thrown.name, thrown.parent_id, thrown.revision) == ("a.txt", file.parent_id, 2)
        assert await ann.names() == []
        assert await ann.thrown_away() == [file.id]
        assert await ann.kinds() == (0, 0, 5, 0)
        assert len(await told(ann.vault, file.id, EventName.FILE_TRASHED)) == 1

    async def test_its_name_is_free_at_once(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"12345")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        again = await ann.file("A.TXT", b"1")
        assert await ann.names() == ["A.TXT"]
        assert again.id != file.id

    async def test_all_versions_of_a_file_count_as_trash(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1" * 10)
        await ann.version(file.id, b"2" * 20)
        assert await ann.kinds() == (20, 10, 0, 0)
        await trash.throw_away(ann.vault, ann.actor, file.id)
        assert await ann.kinds() == (0, 0, 30, 0)

    async def test_what_is_in_a_folder_goes_with_it_and_is_out_of_reach(self, ann: Person) -> None:
        folder = await ann.folder("f")
        inner = await ann.file("a.txt", b"123", folder.id)
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        assert await ann.thrown_away() == [folder.id]
        assert await ann.kinds() == (3, 0, 0, 0)
        for deed in (
            trash.throw_away(ann.vault, ann.actor, inner.id),
            organize.create_folder(ann.vault, ann.actor, folder.id, "x"),
            upload.begin(ann.vault, ann.actor, Wanted(folder_id=folder.id, name="x", size_bytes=1)),
            upload.begin(ann.vault, ann.actor, Wanted(file_id=inner.id, size_bytes=1)),
        ):
            assert await refused(deed) is Code.FORBIDDEN
        for deed in (
            trash.restore(ann.vault, ann.actor, inner.id),
            purge.begin(ann.vault, ann.actor, inner.id),
        ):
            assert await refused(deed) is Code.CONFLICT

    async def test_a_top_folder_stays(self, ann: Person) -> None:
        assert await refused(trash.throw_away(ann.vault, ann.actor, await ann.top())) is Code.FORBIDDEN

    async def test_an_older_view_of_it_is_refused(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        await ann.version(file.id, b"2")
        assert await refused(trash.throw_away(ann.vault, ann.actor, file.id, if_version=1)) is Code.STALE
        assert await ann.names() == ["a.txt"]

    async def test_who_may_edit_throws_away_into_the_owners_trash_and_sees_it_no_more(
        self, ann: Person, bob: Actor
    ) -> None:
        file = await ann.file("a.txt", b"123")
        await share(ann.vault, file.id, ann.actor, bob, Role.EDITOR)
        await trash.throw_away(ann.vault, bob, file.id)
        assert await ann.thrown_away() == [file.id]
        assert (await trash.page(ann.vault, bob, 10)).items == ()
        for deed in (
            trash.restore(ann.vault, bob, file.id),
            purge.begin(ann.vault, bob, file.id),
            versions.delete(ann.vault, bob, file.id, 1),
        ):
            assert await refused(deed) is Code.NOT_FOUND
        assert (await trash.restore(ann.vault, ann.actor, file.id)).place is Place.ORIGINAL

    async def test_a_viewer_and_a_stranger_throw_nothing_away(self, ann: Person, bob: Actor) -> None:
        file = await ann.file("a.txt", b"123")
        assert await refused(trash.throw_away(ann.vault, bob, file.id)) is Code.NOT_FOUND
        await share(ann.vault, file.id, ann.actor, bob, Role.VIEWER)
        assert await refused(trash.throw_away(ann.vault, bob, file.id)) is Code.FORBIDDEN

    async def test_the_trash_is_paged_newest_first(self, ann: Person) -> None:
        made = [await ann.folder(f"{number}") for number in range(5)]
        for folder in made:
            await trash.throw_away(ann.vault, ann.actor, folder.id)
        seen, after = [], None
        while True:
            page = await trash.page(ann.vault, ann.actor, 2, after)
            seen += [it.id for it in page.items]
            if not page.has_next:
                break
            after = page.cursors[-1]
        assert seen == [folder.id for folder in reversed(made)]

    async def test_an_upload_begun_before_is_kept_with_the_file_in_the_trash(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        begun = await upload.begin(ann.vault, ann.actor, Wanted(file_id=file.id, size_bytes=4))
        await trash.throw_away(ann.vault, ann.actor, file.id)
        assert await ann.kinds() == (0, 0, 1, 4)
        await upload.receive(ann.vault, ann.actor, begun.id, 0, stream(b"late"))
        assert await ann.kinds() == (0, 0, 5, 0)
        await trash.restore(ann.vault, ann.actor, file.id)
        assert await ann.contents(file.id) == [b"1", b"late"]
        assert await ann.kinds() == (4, 1, 0, 0)


class TestRestoring:
    async def test_everything_is_as_it_was(self, ann: Person) -> None:
        folder = await ann.folder("f")
        file = await ann.file("a.txt", b"one", folder.id)
        await ann.version(file.id, b"three")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        restored = await trash.restore(ann.vault, ann.actor, file.id)
        assert (restored.place, restored.item.parent_id, restored.item.name) == (Place.ORIGINAL, folder.id, "a.txt")
        assert restored.item.trashed_at is None
        assert await ann.names(folder.id) == ["a.txt"]
        assert await ann.contents(file.id) == [b"one", b"three"]
        assert await ann.kinds() == (5, 3, 0, 0)
        assert await ann.thrown_away() == []
        assert await refused(trash.restore(ann.vault, ann.actor, file.id)) is Code.CONFLICT

    async def test_a_folder_comes_back_with_all_that_is_in_it(self, ann: Person) -> None:
        folder = await ann.folder("f")
        deep = await ann.folder("g", folder.id)
        file = await ann.file("a.txt", b"deep", deep.id)
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        await trash.restore(ann.vault, ann.actor, folder.id)
        assert (await ann.names(), await ann.names(folder.id), await ann.names(deep.id)) == (["f"], ["g"], ["a.txt"])
        assert await ann.contents(file.id) == [b"deep"]

    @pytest.mark.parametrize("how", ["purged", "thrown away", "below what was thrown away"])
    async def test_where_the_place_is_gone_it_is_the_top_folder(self, ann: Person, how: str) -> None:
        outer = await ann.folder("outer")
        folder = await ann.folder("f", outer.id)
        file = await ann.file("a.txt", b"1", folder.id)
        await trash.throw_away(ann.vault, ann.actor, file.id)
        above = outer if how.startswith("below") else folder
        await trash.throw_away(ann.vault, ann.actor, above.id)
        if how == "purged":
            await ann.purged(above.id)
        restored = await trash.restore(ann.vault, ann.actor, file.id)
        assert (restored.place, restored.item.parent_id) == (Place.TOP_FOLDER, await ann.top())
        assert "a.txt" in await ann.names()

    async def test_a_taken_name_leaves_it_in_the_trash_on_skip(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        await ann.file("A.txt", b"2")
        restored = await trash.restore(ann.vault, ann.actor, file.id, on_conflict=OnConflict.SKIP)
        assert restored.place is Place.STILL_IN_TRASH
        assert await ann.thrown_away() == [file.id]
        assert await ann.names() == ["A.txt"]

    async def test_a_taken_name_is_numbered_on_keep_both(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        await ann.file("a.txt", b"2")
        await ann.file("A (2).TXT", b"3")
        restored = await trash.restore(ann.vault, ann.actor, file.id)
        assert restored.item.name == "a (3).txt"
        assert sorted(await ann.names()) == ["A (2).TXT", "a (3).txt", "a.txt"]

    async def test_whoever_has_the_name_goes_to_the_trash_on_replace(self, ann: Person) -> None:
        file = await ann.file("a", b"1")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        folder = await ann.folder("A")
        inner = await ann.file("in", b"22", folder.id)
        restored = await trash.restore(ann.vault, ann.actor, file.id, on_conflict=OnConflict.REPLACE)
        assert (await ann.names(), await ann.thrown_away()) == (["a"], [folder.id])
        assert restored.replaced is not None
        assert restored.replaced.id == folder.id
        back = await trash.restore(ann.vault, ann.actor, folder.id, on_conflict=OnConflict.REPLACE)
        assert (await ann.names(), await ann.thrown_away()) == (["A"], [file.id])
        assert back.place is Place.ORIGINAL
        assert await ann.contents(inner.id) == [b"22"]
        assert await ann.kinds() == (2, 0, 1, 0)

    async def test_a_name_that_an_upload_keeps_is_not_taken_from_it(self, ann: Person) -> None:
        file = await ann.file("a", b"1")
        await trash.throw_away(ann.vault, ann.actor, file.id)
        begun = await upload.begin(ann.vault, ann.actor, Wanted(name="a", size_bytes=2))
        deed = trash.restore(ann.vault, ann.actor, file.id, on_conflict=OnConflict.REPLACE)
        assert await refused(deed) is Code.NAME_TAKEN
        await upload.receive(ann.vault, ann.actor, begun.id, 0, stream(b"22"))
        assert (await trash.restore(ann.vault, ann.actor, file.id)).item.name == "a (2)"

    async def test_who_is_over_their_quota_restores_nothing_but_purges(self, ann: Person) -> None:
        file = await ann.file("a", b"1" * 100)
        await trash.throw_away(ann.vault, ann.actor, file.id)
        full = Storage(50, trash_bytes=100)
        lowered = {":q": 50, ":l": -50}
        request = {
            "Key": to_attributes(table.user(ann.actor.user_id).attributes()),
            "UpdateExpression": "SET quota_bytes = :q, left_bytes = :l",
            "ExpressionAttributeValues": to_attributes(lowered),
        }
        await ann.vault.commit([Change("Update", request, changes.STALE)])
        assert await refused(trash.restore(ann.vault, ann.actor, file.id)) is Code.QUOTA_EXCEEDED
        assert await ann.storage() == full
        await ann.purged(file.id)
        assert await ann.storage() == Storage(50)

    async def test_a_scan_that_ends_in_the_trash_is_known_after_it(self, ann: Person) -> None:
        from_scan = await ann.file("a", b"1")
        await trash.throw_away(ann.vault, ann.actor, from_scan.id)
        event = process.worker_event(ann.vault, "test", EventName.VERSION_SCANNED, "test")
        step = lambda stored: replace(stored, version=replace(stored.version, sha256="0" * 64))  # noqa: E731
        await process.advance(ann.vault, from_scan.id, None, step, event)
        restored = (await trash.restore(ann.vault, ann.actor, from_scan.id)).item
        assert isinstance(restored, File)
        assert restored.current.sha256 == "0" * 64


class TestPurging:
    async def test_a_file_is_gone_with_its_keys_its_objects_and_its_bytes(self, ann: Person) -> None:
        file = await ann.file("a", b"1" * 10)
        await ann.version(file.id, b"2" * 20)
        objects = await ann.objects(file.id)
        await share(ann.vault, file.id, ann.actor, ann.actor, Role.VIEWER)
        assert await refused(purge.begin(ann.vault, ann.actor, file.id)) is Code.CONFLICT
        await trash.throw_away(ann.vault, ann.actor, file.id)
        await purge.begin(ann.vault, ann.actor, file.id)
        assert await ann.kinds() == (0, 0, 0, 0)
        assert await ann.rows(table.file(file.id).pk) == 0
        assert [await ann.vault.blobs.size(key) for key in objects] == [None, None]
        assert await ann.thrown_away() == []
        (event,) = await told(ann.vault, file.id, EventName.FILE_PURGED)
        assert event.details["freed_bytes"] == 30
        assert await refused(purge.begin(ann.vault, ann.actor, file.id)) is Code.NOT_FOUND

    async def test_a_folder_of_many_goes_in_steps_and_leaves_nothing(self, ann: Person) -> None:
        folder = await ann.folder("f")
        deep = await ann.folder("deep", folder.id)
        files = [await ann.file(f"{number}", b"x", folder.id) for number in range(60)]
        files.append(await ann.file("deepest", b"yy", deep.id))
        begun = await upload.begin(ann.vault, ann.actor, Wanted(folder_id=deep.id, name="never", size_bytes=7))
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        await purge.begin(ann.vault, ann.actor, folder.id)
        assert (await ann.kinds())[0] == 12
        assert await ann.thrown_away() == []
        assert await refused(trash.restore(ann.vault, ann.actor, folder.id)) is Code.CONFLICT
        assert await purge.begin(ann.vault, ann.actor, folder.id) == folder.id
        order = Purge(folder.id, ann.actor.user_id, "test")
        assert await purge.proceed(ann.vault, order, steps=50)
        assert await purge.proceed(ann.vault, order, steps=1)
        assert await ann.kinds() == (0, 0, 0, 7)
        for it in (folder, deep, *files):
            assert await ann.rows(table.item(it.id).pk) == 0
        assert await ann.vault.records.item(table.purge(folder.id)) is None
        assert await refused(upload.receive(ann.vault, ann.actor, begun.id, 0, stream(b"1234567"))) is Code.CONFLICT
        await upload.abort(ann.vault, ann.actor, begun.id)
        assert await ann.kinds() == (0, 0, 0, 0)

    async def test_nothing_is_put_into_a_folder_that_a_purge_has_come_to(self, ann: Person) -> None:
        folder = await ann.folder("f")
        deep = await ann.folder("deep", folder.id)
        for number in range(26):
            await ann.file(f"{number}", b"", deep.id)
        await ann.vault.commit([changes.present(table.folder(deep.id))])
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        order = Purge(folder.id, ann.actor.user_id, "test")
        assert not await purge.proceed(ann.vault, order, steps=1)
        assert len(await ann.names(deep.id)) == 1
        late = ann.vault.commit([changes.present(table.folder(deep.id))])
        assert await refused(late) is Code.CONFLICT
        assert await purge.proceed(ann.vault, order, steps=10)

    async def test_a_file_of_many_versions_goes_in_steps_with_its_shares_and_links(
        self, ann: Person, bob: Actor
    ) -> None:
        folder = await ann.folder("f")
        file = await ann.file("a", b"12345", folder.id)
        for _ in range(30):
            await ann.version(file.id, b"")
        await share(ann.vault, file.id, ann.actor, bob, Role.VIEWER)
        pointer = table.link_token("hash of a token")
        for key in (table.link(file.id, "x"), pointer):
            item = key.attributes() | {"token_sha256": "hash of a token"}
            await ann.vault.commit([Change("Put", {"Item": to_attributes(item)}, changes.STALE)])
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        assert await ann.kinds() == (0, 5, 0, 0)
        await ann.purged(folder.id)
        assert await ann.kinds() == (0, 0, 0, 0)
        assert await ann.rows(table.file(file.id).pk) == 0
        assert await ann.vault.records.item(pointer) is None
        for shard in table.due_shards(trash_items.SHRED_DUE):
            due = await ann.vault.records.due(shard, ann.vault.now() + timedelta(days=1), 1000)
            assert [item for item in due if file.id.removeprefix("file_") in item["version_id"]] == []

    async def test_what_fails_in_the_middle_is_done_by_the_sweeper(self, ann: Person) -> None:
        file = await ann.file("a", b"1" * 10)
        (key,) = await ann.objects(file.id)
        await trash.throw_away(ann.vault, ann.actor, file.id)

        class Unreachable:
            async def delete(self, _key: str) -> None:
                raise VaultError(Code.UNAVAILABLE, "the store is away")

        object.__setattr__(ann.vault, "blobs", (kept := ann.vault.blobs) and Unreachable())
        try:
            await purge.begin(ann.vault, ann.actor, file.id)
        finally:
            object.__setattr__(ann.vault, "blobs", kept)
        assert await ann.kinds() == (0, 0, 0, 0)
        assert await ann.vault.blobs.size(key) is not None
        await in_time(ann.vault, trash_items.SHRED_DUE)
        await sweeper.handle(ann.vault)
        assert await ann.vault.blobs.size(key) is None

    async def test_after_its_time_the_trash_is_purged_by_the_sweeper(self, ann: Person) -> None:
        old, new = await ann.folder("old"), await ann.folder("new")
        file = await ann.file("a", b"12345", old.id)
        for it in (old, new):
            await trash.throw_away(ann.vault, ann.actor, it.id)
        trashed = await ann.look(old.id)
        assert trashed is not None
        await ann.vault.commit([trash_changes.keep_trashed(trashed, ann.vault.now())])
        await sweeper.handle(ann.vault)
        await in_time(ann.vault, trash_items.PURGE_DUE)
        await sweeper.handle(ann.vault)
        assert await ann.look(file.id) is None
        assert await ann.look(old.id) is None
        assert await ann.thrown_away() == [new.id]
        assert await ann.kinds() == (0, 0, 0, 0)

    async def test_of_a_restore_and_a_purge_at_once_one_is_done(self, ann: Person) -> None:
        for number in range(5):
            file = await ann.file(f"{number}", b"abc")
            await trash.throw_away(ann.vault, ann.actor, file.id)
            done = await asyncio.gather(
                trash.restore(ann.vault, ann.actor, file.id),
                purge.begin(ann.vault, ann.actor, file.id),
                return_exceptions=True,
            )
            assert sum(isinstance(each, VaultError) for each in done) == 1
            there = await ann.look(file.id) is not None
            assert (f"{number}" in await ann.names()) is there
            assert isinstance(done[0], trash.Restored) is there

    async def test_two_processes_on_one_purge_free_its_bytes_once(self, ann: Person) -> None:
        folder = await ann.folder("f")
        for number in range(12):
            await ann.file(f"{number}", b"abc", folder.id)
        keep = await ann.file("keep", b"1")
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        order = Purge(folder.id, ann.actor.user_id, "test")
        trashed = await ann.look(folder.id)
        assert isinstance(trashed, Folder)
        begun = trash_changes.begin_purge(order, ann.vault.now() + timedelta(hours=1))
        await ann.vault.commit([trash_changes.leave_trash(trashed), begun])
        while await ann.look(folder.id):
            both = (purge.proceed(ann.vault, order, steps=3) for _ in range(2))
            await asyncio.gather(*both, return_exceptions=True)
        assert await ann.kinds() == (1, 0, 0, 0)
        assert await ann.contents(keep.id) == [b"1"]

    async def test_a_shred_is_repeatable(self, ann: Person) -> None:
        file = await ann.file("a", b"1")
        (stored,) = await versions.all_of(ann.vault, file.id)
        for _ in range(2):
            await shred.objects(ann.vault, [shred_of(stored)])
        assert await ann.vault.blobs.size(stored.body.object_key) is None


async def in_time(vault: Vault, kind: str) -> None:
    """Let everything of this kind fall due now."""
    for shard in table.due_shards(kind):
        for item in await vault.records.due(shard, vault.now() + timedelta(days=400), 1000):
            place = trash_items.due(kind, item[table.GSI3.sk].partition("#")[2], vault.now())
            await vault.commit([Change("Put", {"Item": to_attributes(item | place)}, changes.STALE)])


async def test_nobody_lists_what_is_in_a_trashed_folder_but_its_owner_may_look(ann: Person, bob: Actor) -> None:
    folder = await ann.folder("f")
    await ann.file("a", b"1", folder.id)
    await share(ann.vault, folder.id, ann.actor, bob, Role.MANAGER)
    await trash.throw_away(ann.vault, ann.actor, folder.id)
    assert await browse.folders(ann.vault, bob, [folder.id]) == [None]
    assert await ann.names(folder.id) == ["a"]
    assert (await reconcile.reckon(ann.vault, ann.actor.user_id)) is not None
