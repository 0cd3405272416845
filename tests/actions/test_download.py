"""Downloads by the actions themselves: only what is clean leaves, to whom it was linked for, after it was recorded."""

import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from faults import cut_after, faulty, refused
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import sealed, table
from vaultstream.actions import account, download, process, upload
from vaultstream.actions.download import Content
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.blobs import Blobs
from vaultstream.adapters.records import Records, changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Decision, Event, EventName
from vaultstream.ids import FileId
from vaultstream.settings import Settings
from vaultstream.versions import Scan, ScanStatus, StoredVersion, Thumbnail, ThumbnailSize, ThumbnailStatus

ON_SERVERS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
SIZE = 3 * sealed.FRAME_BYTES + 4_321


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


async def store(vault: Vault, actor: Actor, data: bytes, status: ScanStatus = ScanStatus.CLEAN) -> FileId:
    """A file whose scan stands where a test wants it."""

    async def body() -> AsyncIterator[bytes]:
        yield data

    begun = await upload.begin(vault, actor, Wanted(name=vault.unique(), size_bytes=len(data)))
    if data:
        await upload.receive(vault, actor, begun.id, 0, body())
    await scanned(vault, begun.target.file_id, status)
    return begun.target.file_id


async def scanned(vault: Vault, file_id: FileId, status: ScanStatus) -> None:
    def step(stored: StoredVersion) -> StoredVersion:
        return stored.showing(replace(stored.version, scan=Scan(status)), due_at=None)

    told = process.worker_event(vault, "test", EventName.VERSION_SCANNED, "request-1")
    await process.advance(vault, file_id, None, step, told)


async def opened(vault: Vault, actor: Actor, file_id: FileId, number: int = 1, edge: int | None = None) -> Content:
    return await download.open(vault, actor, file_id, number, thumbnail_edge=edge)


async def read(content: Content, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in content.read(start, stop)])


async def told_of(vault: Vault, file_id: FileId, *wanted: EventName) -> list[Event]:
    """The downloads of a file that wait in the outbox, in their order."""
    shards = [await vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
    events = [event for shard in shards for event in shard if event.item_id == file_id and event.name in wanted]
    return sorted(events, key=lambda event: event.id)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ScanStatus.PENDING, Code.NOT_SCANNED),
        (ScanStatus.SCANNING, Code.NOT_SCANNED),
        (ScanStatus.UNSCANNABLE, Code.NOT_SCANNED),
        (ScanStatus.FAILED, Code.NOT_SCANNED),
        (ScanStatus.INFECTED, Code.INFECTED),
    ],
)
async def test_nothing_but_clean_leaves_and_each_refusal_is_recorded(
    vault: Vault, alice: Actor, status: ScanStatus, code: Code
) -> None:
    assert set(ScanStatus) - {ScanStatus.CLEAN} == {
        *(ScanStatus.PENDING, ScanStatus.SCANNING, ScanStatus.UNSCANNABLE, ScanStatus.FAILED, ScanStatus.INFECTED)
    }
    file_id = await store(vault, alice, b"not clean", status)
    assert await refusal(download.link(vault, alice, file_id)) is code
    assert await refusal(opened(vault, alice, file_id)) is code
    assert await refusal(opened(vault, alice, file_id, edge=96)) is code
    events = await told_of(vault, file_id, EventName.DOWNLOAD_REFUSED)
    assert [(e.decision, e.reason, e.subject, e.version_number) for e in events] == [
        (Decision.DENIED, f"scan {status}", alice.user_id, 1)
    ] * 3
    assert await told_of(vault, file_id, EventName.DOWNLOAD_LINKED, EventName.DOWNLOAD_BEGUN) == []


async def test_a_link_is_signed_for_one_person_and_one_version_and_recorded(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"linked")
    before = vault.now()
    link = await download.link(vault, alice, file_id, inline=True)
    parts = urlsplit(link.url)
    assert link.url.startswith(f"{vault.settings.public_url}/content/{file_id}/1?")
    assert (parse_qs(parts.query)["for"], parse_qs(parts.query)["inline"]) == ([alice.user_id], ["1"])
    lifetime = (link.expires_at - before).total_seconds()
    assert lifetime >= vault.settings.content_url_ttl_seconds
    (event,) = await told_of(vault, file_id, EventName.DOWNLOAD_LINKED)
    assert (event.subject, event.version_number, event.details) == (alice.user_id, 1, {"inline": True})


async def test_nobody_else_finds_the_file_even_by_a_link_of_their_own(vault: Vault, alice: Actor, bob: Actor) -> None:
    file_id = await store(vault, alice, b"mine")
    assert await refusal(download.link(vault, bob, file_id)) is Code.NOT_FOUND
    assert await refusal(opened(vault, bob, file_id)) is Code.NOT_FOUND
    infected = await store(vault, alice, b"mine", ScanStatus.INFECTED)
    assert await refusal(opened(vault, bob, infected)) is Code.NOT_FOUND
    assert await told_of(vault, infected, EventName.DOWNLOAD_REFUSED) == []


@pytest.mark.parametrize("number", [0, 2, -1, 10**12])
async def test_a_version_that_never_was_is_not_found(vault: Vault, alice: Actor, number: int) -> None:
    file_id = await store(vault, alice, b"one version")
    assert await refusal(download.link(vault, alice, file_id, number)) is Code.NOT_FOUND
    assert await refusal(opened(vault, alice, file_id, number)) is Code.NOT_FOUND


async def test_a_file_in_the_trash_is_refused_and_its_owner_told_why(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"trashed")
    found = await process.load(vault, file_id, 1)
    assert found is not None
    await vault.commit([changes.replace(replace(found[0], trashed_at=vault.now(), stamp=found[0].stamp + 1))])
    assert await refusal(download.link(vault, alice, file_id)) is Code.FORBIDDEN
    assert await refusal(opened(vault, alice, file_id)) is Code.FORBIDDEN


async def test_a_verdict_that_comes_after_the_link_still_counts(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"clean until rescanned")
    await download.link(vault, alice, file_id)
    await scanned(vault, file_id, ScanStatus.INFECTED)
    assert await refusal(opened(vault, alice, file_id)) is Code.INFECTED


@pytest.fixture(scope="module")
async def large(vault: Vault, settings: Settings) -> tuple[Content, bytes]:
    """A clean file of several frames, opened by its owner."""
    owner = await _somebody(vault)
    data = os.urandom(SIZE)
    return await opened(vault, owner, await store(vault, owner, data)), data


async def _somebody(vault: Vault) -> Actor:
    origin = Origin("request-1", "127.0.0.1", "tests")
    user_id = await account.sign_in(vault, "owner@example.com", "Owner", origin)
    return Actor(user_id, origin, vault.now() + timedelta(hours=1))


@tried(**ON_SERVERS, max_examples=40)
@given(st.data())
async def test_a_range_is_a_slice(large: tuple[Content, bytes], data: st.DataObject) -> None:
    content, plain = large
    start = data.draw(st.integers(0, SIZE - 1) | st.sampled_from(range(0, SIZE, sealed.FRAME_BYTES)))
    stop = data.draw(st.integers(start + 1, SIZE))
    assert await read(content, start, stop) == plain[start:stop]


@pytest.mark.parametrize("size", [0, 1, sealed.FRAME_BYTES])
async def test_all_of_a_file_is_all_of_it(vault: Vault, alice: Actor, size: int) -> None:
    data = os.urandom(size)
    content = await opened(vault, alice, await store(vault, alice, data))
    assert content.size_bytes == size
    assert await read(content, 0, size) == data


async def test_what_is_recorded_comes_before_what_is_read_and_names_the_bytes(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"0123456789")
    content = await opened(vault, alice, file_id)
    assert await told_of(vault, file_id, EventName.DOWNLOAD_BEGUN) == []
    await content.record(2, 7)
    (event,) = await told_of(vault, file_id, EventName.DOWNLOAD_BEGUN)
    assert (event.subject, event.ip, event.version_number) == (alice.user_id, alice.origin.ip, 1)
    assert event.details == {"start": 2, "stop": 7, "thumbnail_edge_px": None}
    assert await read(content, 2, 7) == b"23456"


async def test_what_cannot_be_recorded_is_refused(vault: Vault, settings: Settings, alice: Actor) -> None:
    file_id = await store(vault, alice, b"unrecorded")
    async with faulty(settings, "dynamodb") as (faults, client):
        silent = replace(vault, records=Records(client, settings.table))
        content = await opened(silent, alice, file_id)
        faults.plan("TransactWriteItems", refused)
        assert await refusal(content.record(0, 3)) is Code.UNAVAILABLE
        assert await refusal(download.link(silent, alice, file_id)) is Code.UNAVAILABLE


async def test_a_store_that_breaks_off_is_unavailable_and_what_came_is_true(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    data = os.urandom(SIZE)
    file_id = await store(vault, alice, data)
    async with faulty(settings, "s3") as (faults, client):
        content = await opened(replace(vault, blobs=Blobs(client, settings.bucket)), alice, file_id)
        faults.plan("GetObject", cut_after(2 * sealed.FRAME_BYTES + 100), times=1)
        came = bytearray()

        async def reading() -> None:
            async for piece in content.read(0, SIZE):
                came.extend(piece)

        assert await refusal(reading()) is Code.UNAVAILABLE
        assert data.startswith(came)
        assert await read(content, len(came), SIZE) == data[len(came) :]


@pytest.mark.parametrize("kept", [0, 100, sealed.FRAME_BYTES + 32, SIZE])
async def test_an_object_that_lost_its_end_is_unreadable_and_gives_nothing_false(
    vault: Vault, alice: Actor, kept: int
) -> None:
    data = os.urandom(SIZE)
    file_id = await store(vault, alice, data)
    found = await process.load(vault, file_id, 1)
    assert found is not None
    key = found[1].body.object_key
    await vault.blobs.put(key, (await vault.blobs.whole(key))[:kept])
    content = await opened(vault, alice, file_id)
    for start, stop in ((0, SIZE), (SIZE - 10, SIZE), (2 * sealed.FRAME_BYTES, SIZE)):
        came = bytearray()

        async def reading(start: int = start, stop: int = stop, came: bytearray = came) -> None:
            async for piece in content.read(start, stop):
                came.extend(piece)

        assert await refusal(reading()) is Code.UNREADABLE
        assert data[start:].startswith(came)


async def test_an_object_that_is_gone_or_another_is_unreadable(vault: Vault, alice: Actor) -> None:
    bodies = []
    for _ in range(2):
        file_id = await store(vault, alice, b"one of two")
        found = await process.load(vault, file_id, 1)
        assert found is not None
        bodies.append((file_id, found[1].body.object_key))
    (first, first_key), (second, second_key) = bodies
    await vault.blobs.put(first_key, await vault.blobs.whole(second_key))
    await vault.blobs.delete(second_key)
    for file_id in (first, second):
        content = await opened(vault, alice, file_id)
        assert await refusal(read(content, 0, 10)) is Code.UNREADABLE


async def test_a_reader_who_leaves_early_leaves_the_store_usable(large: tuple[Content, bytes]) -> None:
    content, plain = large
    for _ in range(60):  # more than the client's connections
        async with aclosing(content.read(0, SIZE)) as pieces:
            assert plain.startswith(await anext(pieces))
    assert await read(content, 0, SIZE) == plain


async def test_a_thumbnail_has_a_link_only_where_it_may_be_seen(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"a picture")
    found = await process.load(vault, file_id, 1)
    assert found is not None
    version = found[0].current
    assert download.thumbnail_url(vault, alice, version, 96) is None
    ready = Thumbnail(ThumbnailStatus.READY, sizes=(ThumbnailSize(320, 320, 200), ThumbnailSize(96, 96, 60)))
    shown = replace(version, thumbnail=ready)
    for wanted, edge in ((1, 96), (96, 96), (97, 320), (5000, 320)):
        url = download.thumbnail_url(vault, alice, shown, wanted)
        assert url is not None
        assert f"/content/{file_id}/1/thumbnail/{edge}?" in url
    for status in set(ScanStatus) - {ScanStatus.CLEAN}:
        assert download.thumbnail_url(vault, alice, replace(shown, scan=Scan(status)), 96) is None
    assert await refusal(opened(vault, alice, file_id, edge=96)) is Code.NOT_FOUND
