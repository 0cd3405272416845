"""The scan and thumbnail workers on the real store: verdicts, pictures, and what a second run changes."""

import hashlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.adapters import corpus, kinds
from tests.adapters.test_renderer_confinement import drawing_processes, until
from vaultstream import table
from vaultstream.actions import account, browse, download, opening, process, upload
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.renderer import Ranges, Renderer
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import WORKERS, Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.renderings import TOO_COSTLY, Rendering
from vaultstream.verdict import ScannerUnavailable
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailStatus
from vaultstream.workers import scan, thumbnail


def jpeg(width: int, height: int) -> bytes:
    return corpus.encoded(corpus.picture(width, height), "jpeg")


async def stream(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def store(vault: Vault, actor: Actor, data: bytes, content_type: str, sha256: str | None = None) -> FileId:
    wanted = Wanted(name=vault.unique(), size_bytes=len(data), content_type=content_type, sha256=sha256)
    begun = await upload.begin(vault, actor, wanted)
    await upload.receive(vault, actor, begun.id, 0, stream(data))
    return begun.target.file_id


def told(vault: Vault, name: EventName, file_id: FileId) -> Event:
    return Event(vault.unique(), name, vault.now(), "worker:test", "request-1", file_id, 1)


async def scanned(vault: Vault, file_id: FileId) -> StoredVersion:
    await scan.handle(vault, told(vault, EventName.VERSION_STORED, file_id))
    return await state(vault, file_id)


async def rendered(vault: Vault, file_id: FileId) -> StoredVersion:
    await thumbnail.handle(vault, told(vault, EventName.VERSION_SCANNED, file_id))
    return await state(vault, file_id)


async def state(vault: Vault, file_id: FileId) -> StoredVersion:
    found = await process.load(vault, file_id, 1)
    assert found is not None
    assert found[0].current == found[1].version
    return found[1]


async def test_a_harmless_file_is_clean_and_has_its_digest(vault: Vault, alice: Actor) -> None:
    stored = await scanned(vault, await store(vault, alice, b"hello", "text/plain"))
    assert stored.version.scan.status is ScanStatus.CLEAN
    assert stored.version.sha256 == hashlib.sha256(b"hello").hexdigest()


async def test_the_test_virus_is_found_and_cannot_be_downloaded(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, corpus.EICAR, "text/plain")
    stored = await scanned(vault, file_id)
    assert stored.version.scan.status is ScanStatus.INFECTED
    assert stored.version.scan.signature
    with pytest.raises(VaultError) as caught:
        await download.link(vault, alice, file_id)
    assert caught.value.code is Code.INFECTED
    assert (await rendered(vault, file_id)).version.thumbnail.status is ThumbnailStatus.PENDING


async def test_nothing_leaves_before_its_verdict(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"unscanned", "text/plain")
    with pytest.raises(VaultError) as caught:
        await download.link(vault, alice, file_id)
    assert caught.value.code is Code.NOT_SCANNED


async def test_a_second_run_of_either_worker_changes_nothing(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, jpeg(800, 600), "image/jpeg")
    await scanned(vault, file_id)
    once = await rendered(vault, file_id)
    assert await scanned(vault, file_id) == once
    assert await rendered(vault, file_id) == once
    assert once.due_at is None


async def test_a_picture_has_sealed_thumbnails_that_open(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, jpeg(2000, 1000), "image/jpeg")
    await scanned(vault, file_id)
    stored = await rendered(vault, file_id)
    assert stored.version.thumbnail.status is ThumbnailStatus.READY
    for size in stored.version.thumbnail.sizes:
        body = stored.thumbnails[size.edge_px]
        pieces = opening.whole(vault, stored.version.id, body, edge_px=size.edge_px)
        picture = b"".join([piece async for piece in pieces])
        assert picture[:4] == b"RIFF"
        assert picture[8:12] == b"WEBP"
        assert b"WEBP" not in await vault.blobs.whole(body.object_key)
        assert max(size.width, size.height) == size.edge_px


async def test_a_film_that_is_too_long_to_be_read_whole_is_drawn_from_ranges_of_what_is_sealed(
    vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = kinds.film(frames=60)
    file_id = await store(vault, alice, film, "video/mp4")
    await scanned(vault, file_id)
    monkeypatch.setattr("vaultstream.adapters.renderer.MAX_SOURCE_BYTES", len(film) - 1)
    stored = await rendered(vault, file_id)
    assert stored.version.thumbnail.status is ThumbnailStatus.READY
    assert [(size.width, size.height) for size in stored.version.thumbnail.sizes] == [(96, 72), (320, 240), (400, 300)]


async def test_a_thumbnail_opens_under_its_own_context_only(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, jpeg(300, 300), "image/jpeg")
    await scanned(vault, file_id)
    stored = await rendered(vault, file_id)
    body = stored.thumbnails[96]
    with pytest.raises(VaultError) as caught:
        _ = [piece async for piece in opening.whole(vault, stored.version.id, body, edge_px=320)]
    assert caught.value.code is Code.UNREADABLE


async def test_what_has_no_picture_says_so(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"\0just bytes", "text/plain")
    await scanned(vault, file_id)
    assert (await rendered(vault, file_id)).version.thumbnail.status is ThumbnailStatus.UNSUPPORTED


async def test_a_broken_picture_fails_with_a_reason_and_can_be_tried_again(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"\xff\xd8\xff" + b"broken" * 50, "image/jpeg")
    await scanned(vault, file_id)
    broken = await rendered(vault, file_id)
    assert broken.version.thumbnail.status is ThumbnailStatus.FAILED
    assert broken.version.thumbnail.reason
    again = await process.retry_thumbnail(vault, alice, file_id, None)
    assert again.current.thumbnail.status is ThumbnailStatus.PENDING


class Struck:
    """A renderer of which the first children are killed when they have half of their file."""

    def __init__(self, renderer: Renderer, deaths: int) -> None:
        self._renderer, self._left = renderer, deaths

    async def render(self, data: AsyncIterator[bytes], content_type: str, size_bytes: int, ranges: Ranges) -> Rendering:
        async def halves() -> AsyncIterator[bytes]:
            whole = b"".join([piece async for piece in data])
            yield whole[: len(whole) // 2]
            if self._left > 0:
                self._left -= 1
                (child,) = drawing_processes()
                os.kill(child, signal.SIGKILL)
                await until(lambda: child not in drawing_processes())
            yield whole[len(whole) // 2 :]

        return await self._renderer.render(halves(), content_type, size_bytes, ranges)


@pytest.mark.parametrize(
    ("deaths", "status", "reason"),
    [(1, ThumbnailStatus.READY, None), (2, ThumbnailStatus.FAILED, TOO_COSTLY)],
)
async def test_who_draws_and_is_killed_has_one_successor(
    vault: Vault, alice: Actor, deaths: int, status: ThumbnailStatus, reason: str | None
) -> None:
    file_id = await store(vault, alice, jpeg(800, 600), "image/jpeg")
    await scanned(vault, file_id)
    struck = replace(vault, renderer=Struck(vault.renderer, deaths))
    thumbnail_of = (await rendered(struck, file_id)).version.thumbnail
    assert (thumbnail_of.status, thumbnail_of.reason) == (status, reason)


async def test_a_digest_that_was_declared_and_is_wrong_fails_the_scan(vault: Vault, alice: Actor) -> None:
    """In several requests the digest is not known before the scan has read all."""
    data = b"x" * 100_000
    wanted = Wanted(name="declared", size_bytes=len(data), sha256=hashlib.sha256(b"other").hexdigest())
    begun = await upload.begin(vault, alice, wanted)
    await upload.receive(vault, alice, begun.id, 0, stream(data[:50_000]))
    await upload.receive(vault, alice, begun.id, 50_000, stream(data[50_000:]))
    stored = await scanned(vault, begun.target.file_id)
    assert stored.version.scan.status is ScanStatus.FAILED
    assert "SHA-256" in (stored.version.scan.reason or "")


async def test_damage_in_the_store_fails_the_scan_and_releases_nothing(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"to be damaged" * 100, "text/plain")
    key = (await state(vault, file_id)).body.object_key
    body = bytearray(await vault.blobs.whole(key))
    body[100] ^= 1
    await vault.blobs.put(key, body)
    assert (await scanned(vault, file_id)).version.scan.status is ScanStatus.FAILED


async def test_without_a_scanner_a_file_waits_and_is_never_clean(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"waiting", "text/plain")

    class Gone:
        async def scan(self, chunks: AsyncIterator[bytes]) -> None:
            async for _ in chunks:
                raise ScannerUnavailable("no scanner")

    object.__setattr__(vault, "scanner", (kept := vault.scanner) and Gone())
    try:
        with pytest.raises(ScannerUnavailable):
            await scanned(vault, file_id)
    finally:
        object.__setattr__(vault, "scanner", kept)
    waiting = await state(vault, file_id)
    assert waiting.version.scan.status is ScanStatus.PENDING
    assert waiting.due_at is not None
    assert (await scanned(vault, file_id)).version.scan.status is ScanStatus.CLEAN


async def test_a_worker_that_died_in_the_middle_is_followed_by_another(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, b"again", "text/plain")

    def begin(stored: StoredVersion) -> StoredVersion:
        return process.with_scan(vault, stored, ScanStatus.SCANNING)

    about = process.worker_event(vault, "test", EventName.VERSION_SCAN_BEGUN, "request-1")
    await process.advance(vault, file_id, 1, begin, about)
    assert (await scanned(vault, file_id)).version.scan.status is ScanStatus.CLEAN


async def test_the_listing_shows_what_the_workers_found(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice, jpeg(100, 100), "image/jpeg")
    await scanned(vault, file_id)
    await rendered(vault, file_id)
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(root, 10)])
    assert page is not None
    (file,) = [child for child in page.children if isinstance(child, File)]
    assert (file.current.scan.status, file.current.thumbnail.status) == (ScanStatus.CLEAN, ThumbnailStatus.READY)


async def test_a_virus_at_the_beginning_of_a_declared_file_is_a_virus_and_no_broken_promise(
    vault: Vault, alice: Actor
) -> None:
    """A conviction ends the reading, so the digest of what was read is nobody's."""
    data = corpus.EICAR + bytes(3 << 20)
    half = len(data) // 2
    wanted = Wanted(name="declared", size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    begun = await upload.begin(vault, alice, wanted)
    await upload.receive(vault, alice, begun.id, 0, stream(data[:half]))
    await upload.receive(vault, alice, begun.id, half, stream(data[half:]))
    version = (await scanned(vault, begun.target.file_id)).version
    assert version.scan.status is ScanStatus.INFECTED
    assert version.sha256 is None


async def test_what_somebody_looks_at_is_drawn_by_a_queue_of_its_own_and_once(
    vault: Vault, alice: Actor, bob: Actor
) -> None:
    file_id = await store(vault, alice, jpeg(80, 60), "image/jpeg")

    async def hastened() -> list[Event]:
        shards = [await vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
        wanted = (file_id, EventName.THUMBNAIL_HASTENED)
        return [event for shard in shards for event in shard if (event.item_id, event.name) == wanted]

    await process.hasten_thumbnail(vault, alice, file_id, None)
    assert await hastened() == [], "what is not clean has no turn"
    await scanned(vault, file_id)
    with pytest.raises(VaultError) as caught:
        await process.hasten_thumbnail(vault, bob, file_id, None)
    assert caught.value.code is Code.NOT_FOUND
    await process.hasten_thumbnail(vault, alice, file_id, None)
    (event,) = await hastened()
    assert [worker.name for worker in WORKERS if event.name in worker.gets] == ["hasten", "audit", "search"]
    await thumbnail.handle(vault, event)
    assert (await state(vault, file_id)).version.thumbnail.status is ThumbnailStatus.READY
    await process.hasten_thumbnail(vault, alice, file_id, None)
    assert await hastened() == [event]
