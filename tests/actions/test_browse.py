"""What a person may look at: each child once in pages of any size, and as few round trips as promised."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from caches import uncached
from faults import Faults, faulty
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import names
from vaultstream.actions import account, browse, organize, upload
from vaultstream.actions.browse import FolderPageKey, VersionPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import Records, changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId
from vaultstream.settings import Settings

ON_SERVERS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
NAMES = st.text("abcXYZ019 .\xe9\xdf\u6f22", min_size=1, max_size=4).filter(
    lambda name: name == name.strip() and name not in {".", ".."}
)


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


async def new_folder(vault: Vault, actor: Actor) -> FolderId:
    root = (await account.viewer(vault, actor.user_id)).root_folder_id
    return (await organize.create_folder(vault, actor, root, vault.unique())).id


async def add_children(vault: Vault, actor: Actor, parent: FolderId, wanted: list[str]) -> None:
    """Folders under these names, many at once."""
    now = vault.now()
    for at in range(0, len(wanted), 50):
        made = [
            Folder(FolderId(vault.new_id("folder")), actor.user_id, parent, name, now, now)
            for name in wanted[at : at + 50]
        ]
        await vault.commit([change for it in made for change in (changes.add(it), changes.add_entry(it, now))])


async def keep_names(vault: Vault, actor: Actor, parent: FolderId, wanted: list[str]) -> None:
    """Names that uploads keep."""
    for name in wanted:
        await upload.begin(vault, actor, Wanted(folder_id=parent, name=name, size_bytes=1))


async def store(vault: Vault, actor: Actor, data: bytes, **wanted: Any) -> FileId:
    async def body() -> AsyncIterator[bytes]:
        yield data

    begun = await upload.begin(vault, actor, Wanted(size_bytes=len(data), **wanted))
    await upload.receive(vault, actor, begun.id, 0, body())
    return begun.target.file_id


def distinct(wanted: list[str]) -> list[str]:
    """The names without those that would be one name with an earlier."""
    return list({names.fold(names.lawful(name)): names.lawful(name) for name in wanted}.values())


def in_order(wanted: list[str]) -> list[str]:
    return sorted(wanted, key=lambda name: names.fold(name).encode())


async def pages_of(vault: Vault, actor: Actor, folder_id: FolderId, first: int) -> AsyncIterator[browse.FolderPage]:
    after = None
    while True:
        (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, first, after)])
        assert page is not None
        assert len(page.children) == len(page.cursors) <= first
        assert page.has_next == (len(page.children) == first and page.has_next), "only a full page has a next"
        yield page
        if not page.has_next:
            return
        after = page.cursors[-1]


@tried(**ON_SERVERS, max_examples=15)
@given(st.lists(NAMES, max_size=16), st.sets(st.integers(0, 15)), st.integers(1, 9))
async def test_pages_of_any_size_hold_each_child_once_and_no_name_kept_for_an_upload(
    vault: Vault, newcomer: Any, wanted: list[str], kept: set[int], first: int
) -> None:
    actor = await newcomer()
    folder_id = await new_folder(vault, actor)
    every = distinct(wanted)
    shown = [name for n, name in enumerate(every) if n not in kept]
    await add_children(vault, actor, folder_id, shown)
    await keep_names(vault, actor, folder_id, [name for n, name in enumerate(every) if n in kept])
    pages = [page async for page in pages_of(vault, actor, folder_id, first)]
    assert [child.name for page in pages for child in page.children] == in_order(shown)
    assert all(len(page.children) == first for page in pages[:-1]), "all pages but the last are full"
    assert len(pages) == max(1, -(-len(shown) // first)), "the last page is not an empty one"


@tried(**ON_SERVERS, max_examples=10)
@given(st.lists(NAMES, min_size=4, max_size=12), st.lists(st.lists(NAMES, max_size=3), max_size=5), st.integers(1, 4))
async def test_what_was_there_all_along_comes_once_whatever_is_made_and_moved_meanwhile(
    vault: Vault, newcomer: Any, wanted: list[str], later: list[list[str]], first: int
) -> None:
    actor = await newcomer()
    folder_id, elsewhere = await new_folder(vault, actor), await new_folder(vault, actor)
    every = distinct(wanted)
    await add_children(vault, actor, folder_id, every)
    leaving, taken, turns = every[0], {names.fold(name) for name in every}, iter(later)
    seen: list[str] = []
    async for page in pages_of(vault, actor, folder_id, first):
        seen += [child.name for child in page.children]
        new = [name for name in distinct(next(turns, [])) if names.fold(name) not in taken]
        taken |= {names.fold(name) for name in new}
        await add_children(vault, actor, folder_id, new)
        for child in page.children:
            if child.name == leaving:
                await organize.move_folder(vault, actor, FolderId(child.id), elsewhere)
    assert len(seen) == len(set(seen))
    assert seen == in_order(seen)
    assert set(every) - {leaving} <= set(seen)


@asynccontextmanager
async def counted(vault: Vault, settings: Settings) -> AsyncIterator[tuple[Faults, Vault]]:
    """The vault with its table behind a proxy that counts, and nothing cached."""
    async with faulty(settings, "dynamodb") as (faults, client):
        yield faults, replace(uncached(vault), records=Records(client, settings.table))


async def test_a_folder_page_costs_the_same_for_few_children_as_for_many(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    few, many = await new_folder(vault, alice), await new_folder(vault, alice)
    await add_children(vault, alice, few, [f"{n:03d}" for n in range(3)])
    await add_children(vault, alice, many, [f"{n:03d}" for n in range(60)])
    await keep_names(vault, alice, few, ["0"])
    async with counted(vault, settings) as (faults, seen_vault):
        costs = []
        for folder_id, count in ((few, 3), (many, 60)):
            faults.heal()
            (page,) = await browse.folder_pages(seen_vault, alice, [FolderPageKey(folder_id, 100)])
            assert page is not None
            assert len(page.children) == count
            costs.append(dict(faults.calls))
        assert costs == [{"Query": 1}, {"Query": 1}]
        faults.heal()
        (page,) = await browse.folder_pages(seen_vault, alice, [FolderPageKey(many, 20, page.cursors[19])])
        assert page is not None
        assert [child.name for child in page.children] == [f"{n:03d}" for n in range(20, 40)]
        assert faults.calls == {"Query": 1, "GetItem": 1}


async def test_versions_come_newest_first_and_cost_the_same_for_few_as_for_many(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    file_id = await store(vault, alice, b"1", name="versions")
    for n in range(2, 8):
        await store(vault, alice, b"x" * n, file_id=file_id)
    async with counted(vault, settings) as (faults, seen_vault):
        (found,) = await browse.file_collections(seen_vault, alice, [VersionPageKey(file_id, 10)])
        assert found is not None
        assert [version.number for version in found.versions] == [7, 6, 5, 4, 3, 2, 1]
        assert (found.file.current, found.has_next) == (found.versions[0], False)
        assert faults.calls == {"Query": 1}
        for first in range(1, 7):
            faults.heal()
            (page,) = await browse.file_collections(seen_vault, alice, [VersionPageKey(file_id, first)])
            assert page is not None
            assert ([version.number for version in page.versions], page.has_next) == (
                list(range(7, 7 - first, -1)),
                True,
            )
            assert sum(faults.calls.values()) <= 2
            numbers, after = [], None
            while True:
                (page,) = await browse.file_collections(vault, alice, [VersionPageKey(file_id, first, after)])
                assert page is not None
                numbers += [version.number for version in page.versions]
                if not page.has_next:
                    break
                after = page.cursors[-1]
            assert numbers == [7, 6, 5, 4, 3, 2, 1]


async def test_many_things_are_asked_for_at_once(vault: Vault, settings: Settings, alice: Actor) -> None:
    folder_id = await new_folder(vault, alice)
    await add_children(vault, alice, folder_id, [f"{n}" for n in range(40)])
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(folder_id, 40)])
    assert page is not None
    ids = [FolderId(child.id) for child in page.children]
    async with counted(vault, settings) as (faults, seen_vault):
        assert [folder and folder.id for folder in await browse.folders(seen_vault, alice, [*ids, ids[0]])] == [
            *ids,
            ids[0],
        ]
        assert faults.calls == {"BatchGetItem": 1}
        faults.heal()
        ways = await browse.ancestors(seen_vault, alice, ids)
        assert {len(way) for way in ways} == {3}
        assert faults.calls == {"BatchGetItem": 3}


async def test_names_of_expired_uploads_and_new_ones_do_not_make_a_page_short(vault: Vault, alice: Actor) -> None:
    """Many kept names in a row are read past."""
    folder_id = await new_folder(vault, alice)
    now = vault.now()
    begun = await upload.begin(vault, alice, Wanted(folder_id=folder_id, name="claim 000", size_bytes=1))
    claims = [
        replace(begun, target=replace(begun.target, name=f"claim {n:03d}"), expires_at=now - timedelta(days=n % 2))
        for n in range(1, 40)
    ]
    await vault.commit([changes.claim_name(claim, now - timedelta(days=9)) for claim in claims])
    await add_children(vault, alice, folder_id, ["a", "zzz", "claim 020x"])
    pages = [page async for page in pages_of(vault, alice, folder_id, 2)]
    assert [[child.name for child in page.children] for page in pages] == [["a", "claim 020x"], ["zzz"]]


@pytest.mark.parametrize("garbage", ["", "!", "AAAA", "x" * 2000, "\xe9", "RU5UUlkjYQ", "=", "AAAAAA=="])
async def test_a_cursor_that_is_none_of_ours_is_invalid(vault: Vault, alice: Actor, garbage: str) -> None:
    folder_id = await new_folder(vault, alice)
    file_id = await store(vault, alice, b"x", name=vault.unique())
    assert await refusal(browse.folder_pages(vault, alice, [FolderPageKey(folder_id, 5, garbage)])) is Code.INVALID
    assert await refusal(browse.file_collections(vault, alice, [VersionPageKey(file_id, 5, garbage)])) is Code.INVALID


async def test_a_cursor_of_another_list_is_invalid(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"x", name="of another list")
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    (entries,) = await browse.folder_pages(vault, alice, [FolderPageKey(root, 5)])
    (versions,) = await browse.file_collections(vault, alice, [VersionPageKey(file_id, 5)])
    assert entries is not None
    assert versions is not None
    crossed = VersionPageKey(file_id, 5, entries.cursors[0])
    assert await refusal(browse.file_collections(vault, alice, [crossed])) is Code.INVALID
    other = FolderPageKey(root, 5, versions.cursors[0])
    assert await refusal(browse.folder_pages(vault, alice, [other])) is Code.INVALID


async def test_a_stranger_sees_nothing_of_anything(vault: Vault, alice: Actor, bob: Actor) -> None:
    folder_id = await new_folder(vault, alice)
    file_id = await store(vault, alice, b"x", folder_id=folder_id, name="private")
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(folder_id, 5)])
    assert page is not None
    keys = [FolderPageKey(folder_id, 5), FolderPageKey(folder_id, 5, page.cursors[0])]
    assert await browse.folder_pages(vault, bob, keys) == [None, None]
    assert await browse.file_collections(vault, bob, [VersionPageKey(file_id, 5)]) == [None]
    assert await browse.files(vault, bob, [file_id, FileId("file_01KA0000000000000000000000")]) == [None, None]


async def test_who_is_gone_has_to_sign_in_again(vault: Vault, alice: Actor) -> None:
    gone = replace(alice, user_id=UserId("user_01KA0000000000000000000000"))
    assert await refusal(browse.viewer(vault, gone)) is Code.UNAUTHENTICATED


async def test_all_that_is_asked_at_once_keeps_its_order(vault: Vault, alice: Actor) -> None:
    folder_ids = [await new_folder(vault, alice) for _ in range(4)]
    for n, folder_id in enumerate(folder_ids):
        await add_children(vault, alice, folder_id, [f"{n}"])
    pages = await browse.folder_pages(vault, alice, [FolderPageKey(each, 5) for each in folder_ids[::-1]])
    assert [page and page.children[0].name for page in pages] == ["3", "2", "1", "0"]
    again = await asyncio.gather(*(browse.folders(vault, alice, [each]) for each in folder_ids))
    assert [folder and folder.id for (folder,) in again] == folder_ids
