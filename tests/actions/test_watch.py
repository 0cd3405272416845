"""Watching files: what is there first, then every change in order, for as long as one may see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest
from clocks import Ahead, moved

from vaultstream.actions import account, organize, process, upload, watch
from vaultstream.actions.upload import Wanted
from vaultstream.actions.watch import FileStatus
from vaultstream.actor import Actor
from vaultstream.adapters import live as live_module
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.ids import FileId, FolderId
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret, Settings
from vaultstream.versions import ScanStatus, StoredVersion


@pytest.fixture(autouse=True)
def only_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """No watcher looks again by itself here: what wakes one was a nudge."""
    monkeypatch.setattr(live_module, "LOOK_AGAIN_SECONDS", 3600)


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


async def store(vault: Vault, actor: Actor, **wanted: object) -> FileId:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    begun = await upload.begin(vault, actor, Wanted(**{"name": vault.unique(), "size_bytes": 1} | wanted))
    await upload.receive(vault, actor, begun.id, 0, body())
    return begun.target.file_id


async def change(vault: Vault, file_id: FileId, number: int = 1) -> ScanStatus:
    """One lawful step of a scan, there and back."""

    def step(stored: StoredVersion) -> StoredVersion:
        waits = stored.version.scan.status is ScanStatus.PENDING
        return process.with_scan(vault, stored, ScanStatus.SCANNING if waits else ScanStatus.PENDING)

    told = process.worker_event(vault, "test", EventName.VERSION_SCAN_BEGUN, "request-1")
    stepped = await process.advance(vault, file_id, number, step, told)
    assert stepped is not None
    return stepped.version.scan.status


async def told(statuses: AsyncIterator[FileStatus]) -> FileStatus:
    async with asyncio.timeout(60):
        return await anext(statuses)


async def folder_of(vault: Vault, actor: Actor) -> FolderId:
    root = (await account.viewer(vault, actor.user_id)).root_folder_id
    return (await organize.create_folder(vault, actor, root, vault.unique())).id


async def test_what_is_there_comes_first_and_then_each_change(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)
    async with aclosing(watch.file_status(vault, alice, file_id=file_id)) as statuses:
        first = await told(statuses)
        assert (first.file.id, first.version, first.file.stamp) == (file_id, first.file.current, 1)
        assert first.version.scan.status is ScanStatus.PENDING
        for stamp in range(2, 6):
            status = await change(vault, file_id)
            now = await told(statuses)
            assert (now.file.stamp, now.version.scan.status) == (stamp, status)
            assert now.at > first.at


async def test_changes_between_two_looks_are_not_lost_and_never_come_out_of_order(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)
    async with aclosing(watch.file_status(vault, alice, file_id=file_id)) as statuses:
        await told(statuses)
        for _ in range(5):
            await change(vault, file_id)
        stamps = []
        while not stamps or stamps[-1] < 6:
            stamps.append((await told(statuses)).file.stamp)
        writing = asyncio.create_task(_many_changes(vault, file_id, 12))
        while stamps[-1] < 18:
            stamps.append((await told(statuses)).file.stamp)
        await writing
    assert stamps == sorted(set(stamps))


async def _many_changes(vault: Vault, file_id: FileId, count: int) -> None:
    for _ in range(count):
        await change(vault, file_id)


async def test_a_change_in_the_moment_of_the_first_look_is_not_lost(vault: Vault, alice: Actor) -> None:
    """The bell hangs before the look, and rings once Redis listens: whatever falls between is seen."""
    for _ in range(10):
        file_id = await store(vault, alice)
        async with aclosing(watch.file_status(vault, alice, file_id=file_id)) as statuses:
            changing = asyncio.create_task(change(vault, file_id))
            while (await told(statuses)).file.stamp < 2:
                pass
            await changing


async def test_a_folder_tells_of_all_its_files_and_of_those_that_come(vault: Vault, alice: Actor) -> None:
    folder_id = await folder_of(vault, alice)
    await organize.create_folder(vault, alice, folder_id, "a folder within")
    ids = [await store(vault, alice, folder_id=folder_id, name=name) for name in ("c", "a", "b")]
    async with aclosing(watch.file_status(vault, alice, folder_id=folder_id)) as statuses:
        assert [(await told(statuses)).file.name for _ in range(3)] == ["a", "b", "c"]
        await change(vault, ids[0])
        assert (await told(statuses)).file.id == ids[0]
        new = await store(vault, alice, folder_id=folder_id, name="d")
        now = await told(statuses)
        assert (now.file.id, now.file.stamp) == (new, 1)
        await store(vault, alice, name="elsewhere")
        await store(vault, alice, file_id=ids[1], name=None)
        now = await told(statuses)
        assert (now.file.id, now.version.number) == (ids[1], 2)


async def test_a_folder_of_more_than_a_page_is_told_of_whole(vault: Vault, alice: Actor) -> None:
    folder_id = await folder_of(vault, alice)
    found = await process.load(vault, await store(vault, alice, folder_id=folder_id, name="000"), 1)
    assert found is not None
    copies = [
        replace(found[0], id=FileId(vault.new_id("file")), name=f"{n:03d}", parent_id=folder_id) for n in range(1, 130)
    ]
    for at in range(0, len(copies), 50):
        made = [(changes.add(it), changes.add_entry(it, vault.now())) for it in copies[at : at + 50]]
        await vault.commit([each for pair in made for each in pair])
    async with aclosing(watch.file_status(vault, alice, folder_id=folder_id)) as statuses:
        assert [(await told(statuses)).file.name for _ in range(130)] == [f"{n:03d}" for n in range(130)]


async def test_many_watch_one_file(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)

    async def watching() -> int:
        async with aclosing(watch.file_status(vault, alice, file_id=file_id)) as statuses:
            looking.release()
            while (now := await told(statuses)).file.stamp < 3:
                pass
            return now.file.stamp

    looking = asyncio.Semaphore(0)
    watchers = [asyncio.create_task(watching()) for _ in range(20)]
    for _ in watchers:
        await looking.acquire()
    await change(vault, file_id)
    await change(vault, file_id)
    assert await asyncio.gather(*watchers) == [3] * 20


async def test_without_redis_a_watcher_looks_again_by_itself(
    settings: Settings, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "LOOK_AGAIN_SECONDS", 0.05)
    async with opened(replace(settings, redis_url=Secret(f"redis://127.0.0.1:{free_port()}/0"))) as deaf:
        file_id = await store(deaf, alice)
        async with aclosing(watch.file_status(deaf, alice, file_id=file_id)) as statuses:
            await told(statuses)
            await change(deaf, file_id)
            assert (await told(statuses)).file.stamp == 2


async def test_it_ends_when_the_sign_in_does(vault: Vault, alice: Actor) -> None:
    ahead = Ahead()
    later = moved(vault, ahead)
    file_id = await store(vault, alice)
    async with aclosing(watch.file_status(later, alice, file_id=file_id)) as statuses:
        await told(statuses)
        left = alice.expires_at - vault.now()
        ahead.by = left - timedelta(minutes=1)
        await change(vault, file_id)
        assert (await told(statuses)).file.stamp == 2
        ahead.by = left + timedelta(seconds=1)
        await change(vault, file_id)
        assert await refusal(told(statuses)) is Code.UNAUTHENTICATED
        with pytest.raises(StopAsyncIteration):
            await anext(statuses)


async def test_it_ends_when_the_file_is_no_longer_ones_own(vault: Vault, alice: Actor, bob: Actor) -> None:
    file_id = await store(vault, alice)
    async with aclosing(watch.file_status(vault, alice, file_id=file_id)) as statuses:
        file = (await told(statuses)).file
        theirs = replace(file, owner_id=bob.user_id, stamp=file.stamp + 1)
        await vault.commit([changes.replace(theirs)])
        await vault.live.publish([file_id])
        assert await refusal(told(statuses)) is Code.NOT_FOUND


async def test_a_stranger_finds_nothing_to_watch(vault: Vault, alice: Actor, bob: Actor) -> None:
    folder_id = await folder_of(vault, alice)
    file_id = await store(vault, alice, folder_id=folder_id)
    nowhere = FolderId("folder_01KA0000000000000000000000")
    for statuses in (
        watch.file_status(vault, bob, file_id=file_id),
        watch.file_status(vault, bob, folder_id=folder_id),
        watch.file_status(vault, alice, folder_id=nowhere),
        watch.file_status(vault, alice, file_id=FileId("file_01KA0000000000000000000000")),
    ):
        assert await refusal(told(statuses)) is Code.NOT_FOUND


async def test_one_watches_either_a_file_or_a_folder(vault: Vault, alice: Actor) -> None:
    folder_id = await folder_of(vault, alice)
    file_id = await store(vault, alice, folder_id=folder_id)
    assert await refusal(told(watch.file_status(vault, alice))) is Code.INVALID
    assert await refusal(told(watch.file_status(vault, alice, file_id=file_id, folder_id=folder_id))) is Code.INVALID


async def test_who_stops_watching_is_forgotten(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)
    statuses = watch.file_status(vault, alice, file_id=file_id)
    await told(statuses)
    assert file_id in vault.live._topics
    await statuses.aclose()
    assert file_id not in vault.live._topics
    waiting = watch.file_status(vault, alice, file_id=file_id)
    await told(waiting)
    task = asyncio.create_task(told(waiting))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert file_id not in vault.live._topics
