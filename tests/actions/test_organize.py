"""Folders by the actions themselves: names stay unique, the tree stays a tree, also when many move at once."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import pytest

from vaultstream import table
from vaultstream.actions import account, browse, organize, upload
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.folders import Folder
from vaultstream.ids import FolderId
from vaultstream.uploads import Upload

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


async def root_of(vault: Vault, actor: Actor) -> FolderId:
    return (await account.viewer(vault, actor.user_id)).root_folder_id


async def children(vault: Vault, actor: Actor, folder_id: FolderId) -> list[str]:
    (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, 100)])
    assert page is not None
    assert not page.has_next
    return [child.name for child in page.children]


async def told_of(vault: Vault, item_id: str) -> list[Event]:
    """The events about an item that wait in the outbox, in their order."""
    shards = [await vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
    return sorted((event for shard in shards for event in shard if event.item_id == item_id), key=lambda e: e.id)


@pytest.fixture
async def root(vault: Vault, alice: Actor) -> FolderId:
    return await root_of(vault, alice)


async def test_a_new_folder_is_listed_and_told_of(vault: Vault, alice: Actor, root: FolderId) -> None:
    folder = await organize.create_folder(vault, alice, root, "Cafe\u0301")
    assert (folder.name, folder.parent_id, folder.owner_id, folder.revision) == ("Caf\xe9", root, alice.user_id, 1)
    assert await browse.folders(vault, alice, [folder.id]) == [folder]
    assert await children(vault, alice, root) == ["Caf\xe9"]
    (event,) = await told_of(vault, folder.id)
    assert (event.name, event.subject, event.topics) == (EventName.FOLDER_CREATED, alice.user_id, (root,))
    assert event.details == {"parent_id": root, "after": "Caf\xe9"}


@pytest.mark.parametrize("name", ["", " a", "a ", ".", "..", "a/b", "a\\b", "a\x00b", "a\u202eb", "x" * 256])
async def test_an_unlawful_name_is_refused(vault: Vault, alice: Actor, root: FolderId, name: str) -> None:
    folder = await organize.create_folder(vault, alice, root, "lawful")
    assert await refusal(organize.create_folder(vault, alice, root, name)) is Code.INVALID
    assert await refusal(organize.rename_folder(vault, alice, folder.id, name)) is Code.INVALID
    assert await children(vault, alice, root) == ["lawful"]


@pytest.mark.parametrize(
    ("one", "other"), [("Report", "rEPORT"), ("Stra\xdfe", "STRASSE"), ("e\u0301t\xe9", "\xc9TE\u0301"), ("a", "a")]
)
async def test_names_that_fold_alike_are_one_name(
    vault: Vault, alice: Actor, root: FolderId, one: str, other: str
) -> None:
    first = await organize.create_folder(vault, alice, root, one)
    second = await organize.create_folder(vault, alice, root, "second")
    assert await refusal(organize.create_folder(vault, alice, root, other)) is Code.NAME_TAKEN
    assert await refusal(organize.rename_folder(vault, alice, second.id, other)) is Code.NAME_TAKEN
    elsewhere = await organize.create_folder(vault, alice, second.id, other)
    assert await refusal(organize.move_folder(vault, alice, elsewhere.id, root)) is Code.NAME_TAKEN
    assert await refusal(upload.begin(vault, alice, Wanted(name=other, size_bytes=1))) is Code.NAME_TAKEN
    renamed = await organize.rename_folder(vault, alice, first.id, other)
    assert sorted(await children(vault, alice, root)) == sorted([renamed.name, "second"])


async def test_of_twenty_who_want_one_name_at_once_one_has_it(vault: Vault, alice: Actor, root: FolderId) -> None:
    names = ["same", "SAME", "Same", "sAmE"] * 5
    wanted = [organize.create_folder(vault, alice, root, name) for name in names]
    results = await asyncio.gather(*wanted, return_exceptions=True)
    made = [each for each in results if isinstance(each, Folder)]
    refused = [each.code for each in results if isinstance(each, VaultError)]
    assert (len(made), refused) == (1, [Code.NAME_TAKEN] * 19)
    assert await children(vault, alice, root) == [made[0].name]


async def test_a_name_that_was_given_up_is_free(vault: Vault, alice: Actor, root: FolderId) -> None:
    first = await organize.create_folder(vault, alice, root, "a")
    await organize.rename_folder(vault, alice, first.id, "b")
    second = await organize.create_folder(vault, alice, root, "A")
    await organize.move_folder(vault, alice, first.id, second.id)
    await organize.rename_folder(vault, alice, second.id, "b")
    assert await children(vault, alice, root) == ["b"]
    assert await children(vault, alice, second.id) == ["b"]


async def test_a_name_kept_for_an_upload_is_not_free_until_it_ends(vault: Vault, alice: Actor, root: FolderId) -> None:
    begun = await upload.begin(vault, alice, Wanted(folder_id=root, name="kept", size_bytes=1))
    assert await refusal(organize.create_folder(vault, alice, root, "KEPT")) is Code.NAME_TAKEN
    await upload.abort(vault, alice, begun.id)
    await organize.create_folder(vault, alice, root, "KEPT")


async def test_a_rename_is_told_of_and_the_same_name_again_changes_nothing(
    vault: Vault, alice: Actor, root: FolderId
) -> None:
    folder = await organize.create_folder(vault, alice, root, "before")
    renamed = await organize.rename_folder(vault, alice, folder.id, "after")
    assert (renamed.revision, renamed.id, renamed.parent_id) == (2, folder.id, root)
    assert await organize.rename_folder(vault, alice, folder.id, "after") == renamed
    _, event = await told_of(vault, folder.id)
    assert (event.name, event.details) == (
        EventName.FOLDER_RENAMED,
        {"before": "before", "after": "after", "from_id": root, "parent_id": root},
    )
    assert set(event.topics) == {folder.id, root}


async def test_a_move_takes_all_that_is_within_and_tells_both_places(
    vault: Vault, alice: Actor, root: FolderId
) -> None:
    one, other = [await organize.create_folder(vault, alice, root, name) for name in ("one", "other")]
    folder = await organize.create_folder(vault, alice, one.id, "folder")
    inner = await organize.create_folder(vault, alice, folder.id, "inner")
    moved = await organize.move_folder(vault, alice, folder.id, other.id)
    assert await organize.move_folder(vault, alice, folder.id, other.id) == moved
    (way,) = await browse.ancestors(vault, alice, [inner.id])
    assert [above.name for above in way] == ["", "other", "folder", "inner"]
    assert (await children(vault, alice, one.id), await children(vault, alice, other.id)) == ([], ["folder"])
    _, event = await told_of(vault, folder.id)
    assert (event.name, set(event.topics)) == (EventName.FOLDER_MOVED, {folder.id, one.id, other.id})


async def test_a_version_that_is_not_the_present_one_is_stale(vault: Vault, alice: Actor, root: FolderId) -> None:
    folder = await organize.create_folder(vault, alice, root, "a")
    other = await organize.create_folder(vault, alice, root, "other")
    await organize.rename_folder(vault, alice, folder.id, "b", if_version=1)
    assert await refusal(organize.rename_folder(vault, alice, folder.id, "c", if_version=1)) is Code.STALE
    assert await refusal(organize.move_folder(vault, alice, folder.id, other.id, if_version=3)) is Code.STALE
    await organize.move_folder(vault, alice, folder.id, other.id, if_version=2)
    renames = [organize.rename_folder(vault, alice, folder.id, name, if_version=3) for name in "xyz"]
    results = await asyncio.gather(*renames, return_exceptions=True)
    assert sorted(type(each) is Folder for each in results) == [False, False, True]
    assert {each.code for each in results if isinstance(each, VaultError)} == {Code.STALE}


async def test_a_top_folder_stays_what_and_where_it_is(vault: Vault, alice: Actor, root: FolderId) -> None:
    folder = await organize.create_folder(vault, alice, root, "a")
    assert await refusal(organize.rename_folder(vault, alice, root, "mine")) is Code.INVALID
    assert await refusal(organize.move_folder(vault, alice, root, folder.id)) is Code.INVALID


async def test_a_folder_goes_neither_into_itself_nor_below_itself(vault: Vault, alice: Actor, root: FolderId) -> None:
    way = [root]
    for name in "abcd":
        way.append((await organize.create_folder(vault, alice, way[-1], name)).id)
    for at in range(1, 5):
        for below in way[at:]:
            assert await refusal(organize.move_folder(vault, alice, way[at], below)) is Code.INVALID
    assert await children(vault, alice, root) == ["a"]


async def test_folders_are_64_deep_and_no_deeper(vault: Vault, alice: Actor, root: FolderId) -> None:
    chain = [Folder(root, alice.user_id, None, "", NOW, NOW)]
    while len(chain) < 64:
        chain.append(Folder(FolderId(vault.new_id("folder")), alice.user_id, chain[-1].id, "down", NOW, NOW))
    for at in range(1, 64, 50):
        new = [(changes.add(folder), changes.add_entry(folder, NOW)) for folder in chain[at : at + 50]]
        await vault.commit([change for pair in new for change in pair])
    assert await refusal(organize.create_folder(vault, alice, chain[-1].id, "deeper")) is Code.INVALID
    last = await organize.create_folder(vault, alice, chain[-2].id, "last")
    assert await refusal(organize.move_folder(vault, alice, last.id, chain[-1].id)) is Code.INVALID
    assert (await organize.move_folder(vault, alice, last.id, chain[-3].id)).parent_id == chain[-3].id


async def test_a_stranger_finds_nothing_to_do(vault: Vault, alice: Actor, bob: Actor, root: FolderId) -> None:
    folder = await organize.create_folder(vault, alice, root, "private")
    strange = await root_of(vault, bob)
    mine = await organize.create_folder(vault, bob, strange, "mine")
    nowhere = FolderId("folder_01KA0000000000000000000000")
    for their in (folder.id, nowhere):
        deeds: list[Awaitable[Any]] = [
            organize.create_folder(vault, bob, their, "x"),
            organize.rename_folder(vault, bob, their, "x"),
            organize.move_folder(vault, bob, their, strange),
            organize.move_folder(vault, bob, mine.id, their),
            upload.begin(vault, bob, Wanted(folder_id=their, name="x", size_bytes=1)),
        ]
        assert [await refusal(deed) for deed in deeds] == [Code.NOT_FOUND] * len(deeds)
    assert await browse.folders(vault, bob, [folder.id, nowhere]) == [None, None]
    assert await browse.folder_pages(vault, bob, [FolderPageKey(folder.id, 10)]) == [None]
    assert await browse.ancestors(vault, bob, [folder.id]) == [()]
    assert (await children(vault, alice, root), await children(vault, alice, folder.id)) == (["private"], [])


async def test_the_same_idempotency_key_makes_one_folder(vault: Vault, alice: Actor, bob: Actor) -> None:
    root = await root_of(vault, alice)
    wanted = [organize.create_folder(vault, alice, root, "once", idempotency_key="key-1") for _ in range(6)]
    results = await asyncio.gather(*wanted, return_exceptions=True)
    made = {each.id for each in results if isinstance(each, Folder)}
    assert len(made) == 1
    assert {each.code for each in results if isinstance(each, VaultError)} <= {Code.CONFLICT}
    again = await organize.create_folder(vault, alice, root, "once", idempotency_key="key-1")
    assert {again.id} == made
    renamed = await organize.rename_folder(vault, alice, again.id, "renamed")
    assert await organize.create_folder(vault, alice, root, "once", idempotency_key="key-1") == renamed
    other = organize.create_folder(vault, alice, root, "twice", idempotency_key="key-1")
    assert await refusal(other) is Code.CONFLICT
    theirs = await organize.create_folder(vault, bob, await root_of(vault, bob), "once", idempotency_key="key-1")
    assert theirs.owner_id == bob.user_id


async def test_equal_uploads_begun_at_once_are_one(vault: Vault, alice: Actor) -> None:
    wanted = Wanted(name="once", size_bytes=9, idempotency_key="key-2")
    results = await asyncio.gather(*(upload.begin(vault, alice, wanted) for _ in range(6)), return_exceptions=True)
    assert {each.code for each in results if isinstance(each, VaultError)} <= {Code.CONFLICT}
    made = {each.id for each in results if isinstance(each, Upload)}
    assert made == {(await upload.begin(vault, alice, wanted)).id}
    assert (await account.viewer(vault, alice.user_id)).storage.reserved_bytes == 9


@pytest.mark.parametrize("key", ["", "x" * 129, "a\nb"])
async def test_an_idempotency_key_is_short_and_printable(vault: Vault, alice: Actor, key: str) -> None:
    root = await root_of(vault, alice)
    assert await refusal(organize.create_folder(vault, alice, root, "a", idempotency_key=key)) is Code.INVALID


async def test_moves_that_race_leave_a_tree(vault: Vault, alice: Actor, root: FolderId) -> None:
    """Any two could each be lawful and together close a circle."""
    rng, folders = random.Random(5), []
    for name in "abcdef":
        folders.append(await organize.create_folder(vault, alice, rng.choice([root, *(f.id for f in folders)]), name))
    ids = [folder.id for folder in folders]
    done = 0
    for _ in range(25):
        pairs = [(rng.choice(ids), rng.choice([*ids, root])) for _ in range(4)]
        moves = [organize.move_folder(vault, alice, what, where) for what, where in pairs]
        results = await asyncio.gather(*moves, return_exceptions=True)
        done += sum(isinstance(each, Folder) for each in results)
        refused = {each.code for each in results if isinstance(each, VaultError)}
        assert refused <= {Code.INVALID, Code.CONFLICT, Code.STALE}
        assert all(isinstance(each, (Folder, VaultError)) for each in results)
        ways = await browse.ancestors(vault, alice, ids)
        assert all(way and way[0].id == root for way in ways), "a folder lost its way to the top"
        listed = [name for folder_id in [root, *ids] for name in await children(vault, alice, folder_id)]
        assert sorted(listed) == list("abcdef"), "a folder is in one place"
    assert done > 10
