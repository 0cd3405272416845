"""Streams by the actions themselves: the present state first, every change after it, and only while it may be seen."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import pytest
from doors import until
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.talking import a_file, let, loaded, root, signed_out
from vaultstream import ids
from vaultstream.actions import browse, comment, organize, process, sight, upload, watch
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.sight import ChangeKind, FolderChange
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters import live
from vaultstream.adapters.records import comment_changes, sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.folders import Folder
from vaultstream.ids import FolderId
from vaultstream.shares import Role, Share
from vaultstream.uploads import UploadStatus
from vaultstream.versions import ScanStatus

Newcomer = Callable[[], Awaitable[Actor]]
_T = TypeVar("_T")


@dataclass
class Follower(Generic[_T]):
    """What one watcher has heard, and how it ended."""

    heard: list[_T] = field(default_factory=list)
    ended: Code | None = None
    is_over: bool = False

    async def follow(self, values: AsyncGenerator[_T, None], pause: Callable[[], Awaitable[object]] | None) -> None:
        try:
            async with aclosing(values):
                async for value in values:
                    self.heard.append(value)
                    if pause is not None:
                        await pause()
        except VaultError as error:
            self.ended = error.code
        self.is_over = True

    async def has(self, count: int) -> None:
        await until(lambda: _true(len(self.heard) >= count))

    async def over(self) -> Code | None:
        await until(lambda: _true(self.is_over))
        return self.ended


async def _true(value: bool) -> bool:
    return value


@asynccontextmanager
async def following(
    values: AsyncGenerator[_T, None], pause: Callable[[], Awaitable[object]] | None = None
) -> AsyncIterator[Follower[_T]]:
    """A watcher in a task of its own, which is gone at the end."""
    follower: Follower[_T] = Follower()
    task = asyncio.create_task(follower.follow(values, pause))
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def folder(vault: Vault, alice: Actor) -> Folder:
    return await organize.create_folder(vault, alice, await root(vault, alice), "watched")


def told(follower: Follower[FolderChange]) -> list[tuple[str, str]]:
    return [(change.kind.value, change.item.name) for change in follower.heard]


async def test_a_folder_is_told_first_and_then_what_becomes_of_its_children(
    vault: Vault, alice: Actor, folder: Folder
) -> None:
    old = await organize.create_folder(vault, alice, folder.id, "old")
    async with following(watch.folder_changed(vault, alice, folder.id)) as heard:
        await heard.has(1)
        assert heard.heard[0].item == await browse_folder(vault, alice, folder.id)
        new = await organize.create_folder(vault, alice, folder.id, "new")
        await heard.has(2)
        await organize.rename_folder(vault, alice, old.id, "renamed")
        await heard.has(3)
        await organize.move_folder(vault, alice, new.id, await root(vault, alice))
        await heard.has(4)
        await a_file(vault, alice, "a file", folder.id)
        await heard.has(5)
        await organize.rename_folder(vault, alice, folder.id, "itself")
        await until(lambda: _true(("CHANGED", "itself") in told(heard)))
    assert told(heard)[:5] == [
        ("PRESENT", "watched"),
        ("ADDED", "new"),
        ("CHANGED", "renamed"),
        ("REMOVED", "new"),
        ("ADDED", "a file"),
    ]
    moments = [change.at for change in heard.heard]
    assert moments == sorted(moments)


async def browse_folder(vault: Vault, actor: Actor, folder_id: FolderId) -> Folder | None:
    return (await browse.folders(vault, actor, [folder_id]))[0]


class Place:
    """A folder that several people change at the same time."""

    def __init__(self, vault: Vault, owner: Actor, top: FolderId, id_: FolderId) -> None:
        self.vault, self.owner, self.top, self.id = vault, owner, top, id_
        self.made: dict[int, FolderId] = {}

    async def lane(self, steps: list[tuple[str, int, int]]) -> None:
        for step in steps:
            try:
                await self.change(*step)
            except VaultError as error:
                assert error.code in {Code.NAME_TAKEN, Code.STALE, Code.CONFLICT}

    async def change(self, step: str, which: int, name: int) -> None:
        vault, owner = self.vault, self.owner
        if step == "make":
            self.made[which] = (await organize.create_folder(vault, owner, self.id, f"{name}")).id
        elif which in self.made and step == "rename":
            await organize.rename_folder(vault, owner, self.made[which], f"{name}")
        elif which in self.made:
            await organize.move_folder(vault, owner, self.made[which], self.top if step == "out" else self.id)

    async def listed(self) -> dict[str, int]:
        (page,) = await browse.folder_pages(self.vault, self.owner, [FolderPageKey(self.id, 100)])
        assert page is not None
        return {child.id: child.revision for child in page.children}

    async def slowly(self, trips: int) -> None:
        for _ in range(trips):
            await self.vault.records.ping()


STEPS = st.tuples(st.sampled_from(["make", "rename", "out", "back"]), st.integers(0, 3), st.integers(0, 4))


@tried(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each example takes seconds where it fails
)
@given(st.lists(st.lists(STEPS, max_size=12), min_size=1, max_size=3), st.lists(st.integers(1, 4), max_size=3))
async def test_what_is_seen_of_a_folder_never_goes_back_and_ends_as_the_table_has_it(
    vault: Vault, newcomer: Newcomer, lanes: list[list[tuple[str, int, int]]], slowness: list[int]
) -> None:
    """Several people change it at the same time, several watch it, and some of them are slow."""
    owner = await newcomer()
    top = await root(vault, owner)
    place = Place(vault, owner, top, (await organize.create_folder(vault, owner, top, "place")).id)
    async with AsyncExitStack() as stack:
        watchers = [
            await stack.enter_async_context(
                following(watch.folder_changed(vault, owner, place.id), partial(place.slowly, trips))
            )
            for trips in (0, *slowness)
        ]
        for one in watchers:
            await one.has(1)
        await asyncio.gather(*map(place.lane, lanes))
        at_last = await place.listed()
        for one in watchers:
            await until(partial(has_become, one, at_last))


async def has_become(one: Follower[FolderChange], at_last: dict[str, int]) -> bool:
    return folded(one.heard) == at_last


def folded(changes: list[FolderChange]) -> dict[str, int]:
    """The children as the stream tells of them; each kind must fit what was told before, and nothing goes back."""
    assert changes[0].kind is ChangeKind.PRESENT
    revisions: dict[str, int] = {}
    there: dict[str, int] = {}
    for change in changes[1:]:
        item = change.item
        assert (item.id in there) == (change.kind is not ChangeKind.ADDED)
        if change.kind is ChangeKind.REMOVED:
            assert there.pop(item.id) == item.revision
            continue
        assert item.revision > revisions.get(item.id, 0)
        revisions[item.id] = there[item.id] = item.revision
    return there


class TestWhoMayNoLongerSee:
    @pytest.mark.parametrize("stream", ["folder", "files", "file", "comments"])
    async def test_is_told_so_as_soon_as_the_share_is_taken_back(
        self, vault: Vault, alice: Actor, bob: Actor, folder: Folder, stream: str
    ) -> None:
        file_id = await a_file(vault, alice, folder_id=folder.id)
        await comment.add(vault, alice, file_id, "hello")
        await let(vault, alice, folder.id, bob, Role.VIEWER)
        streams: dict[str, AsyncGenerator[Any, None]] = {
            "folder": watch.folder_changed(vault, bob, folder.id),
            "files": watch.file_status(vault, bob, folder_id=folder.id),
            "file": watch.file_status(vault, bob, file_id=file_id),
            "comments": watch.comment_added(vault, bob, file_id),
        }
        async with following(streams.pop(stream)) as heard:
            await heard.has(1)
            await let(vault, alice, folder.id, bob, None)
            assert await heard.over() is Code.NOT_FOUND
            await organize.create_folder(vault, alice, folder.id, "secret")
            assert len(heard.heard) == 1
        for unused in streams.values():
            await unused.aclose()

    async def test_hears_nothing_after_the_share_has_run_out(
        self, vault: Vault, alice: Actor, bob: Actor, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is nudged when a share runs out: the watcher looks again by itself."""
        monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.2)
        ends = vault.now() + timedelta(seconds=1)
        share = Share(folder.id, bob.user_id, Role.VIEWER, alice.user_id, vault.now(), ends)
        await vault.commit([sharing_changes.add_share(share, vault.now())])
        async with following(watch.folder_changed(vault, bob, folder.id)) as heard:
            assert await heard.over() is Code.NOT_FOUND
            assert told(heard) == [("PRESENT", "watched")]
        assert vault.now() >= ends

    async def test_is_a_stranger_from_the_beginning(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        file_id, top = await a_file(vault, alice), await root(vault, alice)
        begun = await upload.begin(vault, alice, Wanted(name="coming", size_bytes=5))
        missing = ids.FileId("file_01H00000000000000000000000")
        for stream in (
            watch.folder_changed(vault, bob, top),
            watch.file_status(vault, bob, file_id=file_id),
            watch.comment_added(vault, bob, file_id),
            watch.upload_progress(vault, bob, begun.id),
            watch.comment_added(vault, alice, missing),
        ):
            async with following(stream) as heard:
                assert (await heard.over(), heard.heard) == (Code.NOT_FOUND, [])

    async def test_is_told_that_the_sign_in_has_ended(self, vault: Vault, alice: Actor, folder: Folder) -> None:
        late = signed_out(alice, vault)
        begun = await upload.begin(vault, alice, Wanted(name="coming", size_bytes=5))
        for stream in (watch.folder_changed(vault, late, folder.id), watch.upload_progress(vault, late, begun.id)):
            async with following(stream) as heard:
                assert (await heard.over(), heard.heard) == (Code.UNAUTHENTICATED, [])

    async def test_is_asked_anew_before_each_value_however_slow_the_reader(
        self, vault: Vault, alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sight, "_JUDGED_FOR", timedelta(0))
        file_id = await a_file(vault, alice)
        await let(vault, alice, file_id, bob, Role.VIEWER)
        for number in range(5):
            await comment.add(vault, alice, file_id, f"{number}")

        async def revoked() -> None:
            await let(vault, alice, file_id, bob, None)

        async with following(watch.comment_added(vault, bob, file_id), revoked) as heard:
            assert await heard.over() is Code.NOT_FOUND
            assert [said.body for said in heard.heard] == ["0"]


class TestTheStatusOfFiles:
    async def test_of_one_file_is_told_once_for_each_of_its_states(self, vault: Vault, alice: Actor) -> None:
        file_id = await a_file(vault, alice)
        async with following(watch.file_status(vault, alice, file_id=file_id)) as heard:
            await heard.has(1)
            await comment.add(vault, alice, file_id, "no change of the file")
            await scanning(vault, file_id, ScanStatus.SCANNING)
            await heard.has(2)
            await scanning(vault, file_id, ScanStatus.CLEAN)
            await heard.has(3)
        assert [status.version.scan.status.value for status in heard.heard] == ["PENDING", "SCANNING", "CLEAN"]

    async def test_of_a_folder_has_each_file_first_and_no_folder(
        self, vault: Vault, alice: Actor, folder: Folder
    ) -> None:
        names = ["a.txt", "b.txt", "c.txt"]
        made = [await a_file(vault, alice, name, folder.id) for name in names]
        await organize.create_folder(vault, alice, folder.id, "no file")
        async with following(watch.file_status(vault, alice, folder_id=folder.id)) as heard:
            await heard.has(3)
            await organize.create_folder(vault, alice, folder.id, "no file either")
            await scanning(vault, made[1], ScanStatus.SCANNING)
            await heard.has(4)
        assert [status.file.name for status in heard.heard] == [*names, "b.txt"]
        assert heard.heard[3].file == await loaded(vault, made[1])

    async def test_is_of_a_file_or_a_folder(self, vault: Vault, alice: Actor) -> None:
        async with following(watch.file_status(vault, alice)) as heard:
            assert await heard.over() is Code.INVALID


async def scanning(vault: Vault, file_id: ids.FileId, status: ScanStatus) -> None:
    told = process.worker_event(vault, "scan", EventName.VERSION_SCAN_BEGUN, "tests")
    await process.advance(vault, file_id, None, lambda stored: process.with_scan(vault, stored, status), told)


class TestComments:
    async def test_are_told_in_order_and_each_once(
        self, vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "_COMMENTS_AT_ONCE", 3)
        file_id = await a_file(vault, alice)
        said = [await comment.add(vault, alice, file_id, f"{number}") for number in range(8)]
        async with (
            following(watch.comment_added(vault, alice, file_id)) as quick,
            following(watch.comment_added(vault, alice, file_id), vault.records.ping) as slow,
        ):
            await quick.has(8)
            said += [await comment.add(vault, alice, file_id, f"{number}") for number in range(8, 20)]
            await quick.has(20)
            await slow.has(20)
        assert quick.heard == slow.heard == said

    async def test_that_are_stored_late_are_told_too(self, vault: Vault, alice: Actor) -> None:
        """Ids are made before the write: a slower process may store an older one after a younger one."""
        file_id = await a_file(vault, alice)
        older = ids.comment_id(file_id, vault.unique())
        async with following(watch.comment_added(vault, alice, file_id)) as heard:
            await comment.add(vault, alice, file_id, "younger")
            await heard.has(1)
            late = Comment(older, file_id, alice.user_id, "older", vault.now())
            await vault.commit([comment_changes.add_comment(late)])
            await vault.live.publish([file_id])
            await heard.has(2)
            await comment.add(vault, alice, file_id, "youngest")
            await heard.has(3)
        assert [said.body for said in heard.heard] == ["younger", "older", "youngest"]


async def test_an_upload_is_followed_until_it_is_over(vault: Vault, alice: Actor) -> None:
    data = b"x" * 1000
    begun = await upload.begin(vault, alice, Wanted(name="followed.bin", size_bytes=len(data)))

    async def body(part: bytes) -> AsyncIterator[bytes]:
        yield part

    async with following(watch.upload_progress(vault, alice, begun.id)) as heard:
        await heard.has(1)
        await upload.receive(vault, alice, begun.id, 0, body(data[:400]))
        await until(lambda: _true(heard.heard[-1].progress.offset_bytes == 400))
        await upload.receive(vault, alice, begun.id, 400, body(data[400:]))
        assert await heard.over() is None
    states = [(one.status.value, one.progress.offset_bytes) for one in heard.heard]
    assert states[0] == ("RECEIVING", 0)
    assert states[-1] == ("DONE", 1000)
    assert len(set(states)) == len(states)
    assert [offset for _, offset in states] == sorted(offset for _, offset in states)


async def test_an_upload_that_is_given_up_is_told_and_over(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="given up.bin", size_bytes=9))
    async with following(watch.upload_progress(vault, alice, begun.id)) as heard:
        await heard.has(1)
        await upload.abort(vault, alice, begun.id)
        assert await heard.over() is None
    assert [one.status for one in heard.heard] == [UploadStatus.RECEIVING, UploadStatus.ABORTED]


async def test_the_watchers_of_a_folder_share_their_looks_and_each_is_judged(
    vault: Vault, alice: Actor, bob: Actor, newcomer: Newcomer, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await newcomer() for _ in range(3)]
    for person in (bob, *people):
        await let(vault, alice, folder.id, person, Role.VIEWER)
    watchers = [alice, bob, *people] * 8
    followers = [Follower[FolderChange]() for _ in watchers]
    tasks = [
        asyncio.create_task(follower.follow(watch.folder_changed(vault, actor, folder.id), None))
        for actor, follower in zip(watchers, followers, strict=True)
    ]
    try:
        for follower in followers:
            await follower.has(1)
        reads = 0
        read = sight._read  # counts what the watchers share

        async def counted(*given: Any) -> sight.Sight:
            nonlocal reads
            reads += 1
            return await read(*given)

        monkeypatch.setattr(sight, "_read", counted)
        await organize.create_folder(vault, alice, folder.id, "for all")
        for follower in followers:
            await follower.has(2)
        assert reads <= 4  # the nudge of the writer, and what was under way before it
        await let(vault, alice, folder.id, bob, None)
        await organize.create_folder(vault, alice, folder.id, "not for bob")
        for actor, follower in zip(watchers, followers, strict=True):
            if actor is bob:
                assert await follower.over() is Code.NOT_FOUND
            else:
                await follower.has(3)
            assert ("not for bob" in [name for _, name in told(follower)]) == (actor is not bob)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_a_listing_overlooked_is_not_told_as_removed(
    vault: Vault, alice: Actor, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that is renamed while a long folder is read may be on none of the pages."""
    child = await organize.create_folder(vault, alice, folder.id, "child")
    listing = sight._children  # a race that cannot be arranged from outside
    misses = 0

    async def overlooked(*given: Any) -> Any:
        nonlocal misses
        found = await listing(*given)
        if any(it.name == "renamed" for it in found.values()) and misses < 2:
            misses += 1
            found.pop(child.id)
        return found

    monkeypatch.setattr(sight, "_children", overlooked)
    async with following(watch.folder_changed(vault, alice, folder.id)) as heard:
        await heard.has(1)
        await organize.rename_folder(vault, alice, child.id, "renamed")
        await heard.has(2)
        await organize.create_folder(vault, alice, folder.id, "last")
        await heard.has(3)
    assert misses > 0
    assert told(heard) == [("PRESENT", "watched"), ("CHANGED", "renamed"), ("ADDED", "last")]


async def test_a_watcher_that_comes_back_is_nudged_again(vault: Vault, alice: Actor, folder: Folder) -> None:
    """The topic is given up with its last watcher, and asked for again in the same moment."""
    for number in range(10):
        async with following(watch.folder_changed(vault, replace(alice), folder.id)) as heard:
            await heard.has(1)
            await organize.create_folder(vault, alice, folder.id, f"{number}")
            await heard.has(2)
            assert told(heard)[1] == ("ADDED", f"{number}")
