"""Lists of what a folder holds: any choice in any order, page by page, is what a plain sort of the whole would give."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.actions.growing import stored
from vaultstream import cursors, names
from vaultstream.actions import account, arrange, children, organize, recent
from vaultstream.actions.children import ListedPage, ListingKey
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId, version_id
from vaultstream.listing import BY_NAME, EVERYTHING, ItemKind, ItemOrder, ItemOrderField, ItemWhere
from vaultstream.versions import Scan, ScanStatus, Version

START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ["alpha", "Älpha", "alphabet", "BETA", "Straße", "strasse 2", "z", "日本", "\U0010ffff", "#", "a#b", "~"]
TYPES = ["image/png", "image/webp", "text/plain"]


def a_file(vault: Vault, owner: UserId, parent: FolderId, number: int) -> File:
    """One of many files that are unlike in everything, though not each in each."""
    file_id, at = FileId(vault.new_id("file")), START + timedelta(minutes=number % 7)
    scan = Scan(list(ScanStatus)[number % 3])
    version = Version(
        version_id(file_id, vault.unique()), file_id, 1, number % 5 * 1000, TYPES[number % 3], owner, at, scan=scan
    )
    tags = tuple(sorted({f"t{number % 2}", f"u{number % 3}"}))
    return File(file_id, owner, parent, f"{WORDS[number % len(WORDS)]} {number}", at, at, version, tags)


def a_folder(vault: Vault, owner: UserId, parent: FolderId, number: int) -> Folder:
    at = START + timedelta(minutes=number % 7)
    name = f"{WORDS[number % len(WORDS)]}{number}"
    return Folder(FolderId(vault.new_id("folder")), owner, parent, name, at, at)


async def fill(vault: Vault, added: Sequence[Folder | File]) -> None:
    """These items and their entries, as their own transactions would have made them."""
    now = vault.now()
    for at in range(0, len(added), 45):
        some = added[at : at + 45]
        await vault.commit([*map(changes.add, some), *(changes.add_entry(it, now) for it in some)])


async def page(vault: Vault, actor: Actor, key: ListingKey) -> ListedPage:
    (found,) = await children.listed_pages(vault, actor, [key])
    assert found is not None
    return found


async def all_pages(vault: Vault, actor: Actor, key: ListingKey) -> list[Folder | File]:
    """Every page, one after another."""
    listed: list[Folder | File] = []
    for _ in range(1000):
        found = await page(vault, actor, key)
        assert len(found.children) <= key.first
        listed += found.children
        if not found.has_next:
            return listed
        key = replace(key, after=found.end or found.cursors[-1])
    raise AssertionError("the list has no end")


async def people_folder(vault: Vault, actor: Actor, name: str) -> Folder:
    top = (await account.viewer(vault, actor.user_id)).root_folder_id
    return await organize.create_folder(vault, actor, top, name)


wheres = st.builds(
    ItemWhere,
    kind=st.none() | st.sampled_from(ItemKind),
    name_prefix=st.none() | st.sampled_from(["", "A", "alpha", "STRASSE", "ß", "#", "\U0010ffff", "nothing", "日"]),
    content_type_prefix=st.none() | st.sampled_from(["image/", "IMAGE/PNG", "text/plain", "x"]),
    tags=st.sampled_from([(), ("t1",), ("t0", "u2"), ("none",)]),
    updated_from=st.none() | st.sampled_from([START, START + timedelta(minutes=3)]),
    updated_before=st.none() | st.sampled_from([START, START + timedelta(minutes=5)]),
    scan_status=st.none() | st.sampled_from(ScanStatus),
)
orders = st.builds(ItemOrder, field=st.sampled_from(ItemOrderField), descending=st.booleans())


def expected(whole: Sequence[Folder | File], where: ItemWhere, order: ItemOrder) -> list[Folder | File]:
    """The same list by another way: everything, sorted by values and not by text."""

    def value(it: Folder | File) -> tuple[object, bytes]:
        name = names.fold(it.name).encode()
        size = it.current.size_bytes if isinstance(it, File) else 0
        return {"NAME": 0, "UPDATED": it.updated_at, "SIZE": size}[order.field], name

    def wanted(it: Folder | File) -> bool:
        file = it if isinstance(it, File) else None
        return (
            where.kind in {None, "FILE" if file else "FOLDER"}
            and names.fold(it.name).startswith(names.fold(where.name_prefix or ""))
            and (where.updated_from is None or where.updated_from <= it.updated_at)
            and (where.updated_before is None or it.updated_at < where.updated_before)
            and (where.scan_status is None or (file is not None and file.current.scan.status is where.scan_status))
            and (not where.tags or (file is not None and all(tag in file.tags for tag in where.tags)))
            and (
                where.content_type_prefix is None
                or (file is not None and file.current.content_type.startswith(where.content_type_prefix.lower()))
            )
        )

    return sorted(filter(wanted, whole), key=value, reverse=order.descending)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A person's folder and all that is in it; a failing example does not show it all."""

    actor: Actor
    folder: Folder
    whole: list[Folder | File] = field(repr=False)


@pytest.fixture(scope="module")
async def crowd(vault: Vault) -> Crowd:
    """A person's folder of 90 files and folders, unlike in everything."""
    origin = Origin("request-crowd", "127.0.0.1", "tests")
    user_id = await account.sign_in(vault, "crowd@example.com", "crowd", origin)
    actor = Actor(user_id, origin, vault.now() + timedelta(hours=1))
    folder = await people_folder(vault, actor, "crowd")
    files = [a_file(vault, user_id, folder.id, number) for number in range(60)]
    folders = [a_folder(vault, user_id, folder.id, number) for number in range(30)]
    await fill(vault, [*files, *folders])
    return Crowd(actor, folder, [*files, *folders])


@settings(max_examples=40, deadline=None)
@given(where=wheres, order=orders, first=st.integers(1, 100))
async def test_any_choice_in_any_order_is_what_a_sort_gives(
    vault: Vault, crowd: Crowd, where: ItemWhere, order: ItemOrder, first: int
) -> None:
    listed = await all_pages(vault, crowd.actor, ListingKey(crowd.folder.id, first, None, where, order))
    assert [it.id for it in listed] == [it.id for it in expected(crowd.whole, where, order)]


@settings(max_examples=10, deadline=None)
@given(
    order=orders,
    first=st.integers(1, 5),
    numbers=st.lists(st.integers(0, 40), min_size=8, max_size=16, unique=True),
)
async def test_a_cursor_keeps_its_place_while_others_come_and_go(
    vault: Vault,
    crowd: Crowd,
    order: ItemOrder,
    first: int,
    numbers: list[int],
) -> None:
    """Whatever comes or goes between two pages, what was there all the time is listed once, in its order."""
    actor = crowd.actor
    folder = await people_folder(vault, actor, vault.unique())
    whole = [a_file(vault, actor.user_id, folder.id, number) for number in numbers]
    stay, late, going = whole[:-3], whole[-3:-1], whole[-1:]
    await fill(vault, [*stay, *going])
    listed: list[Folder | File] = []
    key: ListingKey | None = ListingKey(folder.id, first, None, EVERYTHING, order)
    while key is not None:
        found = await page(vault, actor, key)
        listed += found.children
        key = replace(key, after=found.cursors[-1]) if found.has_next else None
        if late:
            await fill(vault, [late.pop()])
        elif going:
            await vault.commit([changes.remove_entry(going.pop())])
    stayed = {it.id for it in stay}
    assert [it.id for it in listed if it.id in stayed] == [it.id for it in expected(stay, EVERYTHING, order)]
    assert len({it.id for it in listed}) == len(listed)


@pytest.mark.parametrize("order_field", [ItemOrderField.UPDATED, ItemOrderField.SIZE])
async def test_a_great_folder_is_ordered_by_name_only(
    vault: Vault, alice: Actor, order_field: ItemOrderField, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "SORTED_MAX", 10)
    folder = await people_folder(vault, alice, "great")
    await fill(vault, [a_file(vault, alice.user_id, folder.id, number) for number in range(11)])
    with pytest.raises(VaultError) as caught:
        await page(vault, alice, ListingKey(folder.id, 5, order=ItemOrder(order_field)))
    assert (caught.value.code, caught.value.path) == (Code.INVALID, ("orderBy",))
    prefixed = ListingKey(folder.id, 5, where=ItemWhere(name_prefix="z"), order=ItemOrder(order_field))
    assert [child.name for child in (await page(vault, alice, prefixed)).children] == ["z 6"]
    assert len(await all_pages(vault, alice, ListingKey(folder.id, 5, order=BY_NAME))) == 11


@pytest.mark.parametrize("descending", [False, True])
async def test_a_page_that_finds_little_looks_no_further_than_it_may(
    vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch, *, descending: bool
) -> None:
    """Of 250 files the page may look at 200: it says where to go on, and the rest is found from there."""
    monkeypatch.setattr(children, "SCANNED_MAX", 200)
    folder = await people_folder(vault, alice, "hay")
    files = [a_file(vault, alice.user_id, folder.id, number) for number in range(250)]
    needles = [replace(file, tags=("needle",)) for file in files[::29]]
    await fill(vault, [*needles, *(file for file in files if file.id not in {it.id for it in needles})])
    where, order = ItemWhere(tags=("needle",)), ItemOrder(descending=descending)
    first = await page(vault, alice, ListingKey(folder.id, 50, None, where, order))
    assert first.has_next
    assert first.end is not None
    assert len(first.children) < len(needles)
    listed = await all_pages(vault, alice, ListingKey(folder.id, 50, None, where, order))
    assert [it.id for it in listed] == [it.id for it in expected(needles, where, order)]


async def test_a_cursor_is_of_its_own_order(vault: Vault, alice: Actor) -> None:
    folder = await people_folder(vault, alice, "cursors")
    for order in (ItemOrder(ItemOrderField.SIZE), BY_NAME):
        with pytest.raises(VaultError) as caught:
            await page(vault, alice, ListingKey(folder.id, 5, cursors.encode("UPDATED#x"), order=order))
        assert (caught.value.code, caught.value.path) == (Code.INVALID, ("after",))


async def test_a_stranger_lists_nothing(vault: Vault, alice: Actor, bob: Actor) -> None:
    hers, his = [await people_folder(vault, actor, "private") for actor in (alice, bob)]
    keys = [
        ListingKey(each.id, 5, order=order)
        for each in (hers, his)
        for order in (BY_NAME, ItemOrder(ItemOrderField.SIZE))
    ]
    found = await children.listed_pages(vault, bob, keys)
    assert [listed is not None for listed in found] == [False, False, True, True]


class TestRecent:
    async def all_recent(self, vault: Vault, actor: Actor, first: int) -> list[File]:
        listed: list[File] = []
        after: str | None = None
        while True:
            found = await recent.recent_files(vault, actor, first, after)
            assert len(found.files) <= first
            listed += found.files
            if not found.has_next:
                return listed
            after = found.end or found.cursors[-1]

    @pytest.mark.parametrize("first", [1, 2, 100])
    async def test_lists_ones_own_files_the_last_changed_first(
        self, vault: Vault, alice: Actor, bob: Actor, first: int
    ) -> None:
        folder = await people_folder(vault, alice, "mine")
        made = [await stored(vault, alice, folder.id, name) for name in "abc"]
        await stored(vault, bob, (await people_folder(vault, bob, "his")).id, "not hers")
        changed = await arrange.rename_file(vault, alice, made[0].id, "changed")
        async with asyncio.timeout(60):
            while await self.all_recent(vault, alice, first) != [changed, made[2], made[1]]:  # noqa: ASYNC110  # an index
                await asyncio.sleep(0.05)

    async def test_leaves_out_what_is_in_the_trash(
        self, vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder of 150 files is thrown away: the one that is left is found behind them."""
        monkeypatch.setattr(recent, "_ROUNDS_MAX", 1)
        left = await people_folder(vault, alice, "left")
        await fill(vault, [replace(a_file(vault, alice.user_id, left.id, 0), updated_at=START - timedelta(days=1))])
        gone = await people_folder(vault, alice, "gone")
        await fill(vault, [a_file(vault, alice.user_id, gone.id, number) for number in range(150)])
        await vault.commit([changes.replace(replace(gone, trashed_at=vault.now(), stamp=gone.stamp + 1))])
        async with asyncio.timeout(60):
            while [file.parent_id for file in await self.all_recent(vault, alice, 10)] != [left.id]:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.05)
        first = await recent.recent_files(vault, alice, 10)
        assert (first.files, first.has_next, first.end is not None) == ((), True, True)
