"""The sweeper on the real store: what got stuck goes on, what nobody wants any more is given back, twice is once."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.config import Config
from clocks import Ahead, moved
from faults import faulty, refused

from vaultstream import table
from vaultstream.actions import account, opening, organize, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters import clients
from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.bus import Bus
from vaultstream.adapters.notary import Notary
from vaultstream.adapters.records import Records, upload_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.local.probes import free_port
from vaultstream.local.provision_messages import queue_name
from vaultstream.metrics import AUDIT_MISPLACED_ROWS, CHECKPOINT_FAILURES, OUTBOX_OLDEST_SECONDS, SCAN_VERDICTS
from vaultstream.settings import Settings
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.users import Storage
from vaultstream.versions import Scan, ScanStatus, StoredVersion, Thumbnail, ThumbnailStatus
from vaultstream.workers import sweep


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def store(vault: Vault, actor: Actor) -> FileId:
    begun = await upload.begin(vault, actor, Wanted(name=vault.unique(), size_bytes=1))
    await upload.receive(vault, actor, begun.id, 0, stream(b"x"))
    return begun.target.file_id


async def storage(vault: Vault, actor: Actor) -> Storage:
    return (await account.viewer(vault, actor.user_id)).storage


async def stored(vault: Vault, file_id: FileId) -> tuple[File, StoredVersion]:
    found = await process.load(vault, file_id, 1)
    assert found is not None
    assert found[0].current == found[1].version
    return found


async def state_of(vault: Vault, begun: Upload) -> Upload:
    item = await vault.records.item(table.upload(begun.id))
    assert item is not None
    return upload_items.upload_from(item)


async def stuck(vault: Vault, file_id: FileId, scan: ScanStatus, thumbnail: ThumbnailStatus) -> None:
    """As a worker that died leaves a version: under way, and due a minute later."""

    def step(stored: StoredVersion) -> StoredVersion:
        version = replace(stored.version, scan=Scan(scan), thumbnail=Thumbnail(thumbnail))
        return stored.showing(version, due_at=vault.now() + process.LOOK_AGAIN)

    told = process.worker_event(vault, "test", EventName.VERSION_SCAN_BEGUN, "request-1")
    await process.advance(vault, file_id, 1, step, told)


async def told_of(vault: Vault, item_id: str, *wanted: EventName) -> list[Event]:
    """The events about an item that wait in the outbox, in their order."""
    shards = [await vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
    events = [event for shard in shards for event in shard if event.item_id == item_id and event.name in wanted]
    return sorted(events, key=lambda event: event.id)


async def deliver_all(vault: Vault) -> None:
    """Strike everything off the outbox."""
    for shard in table.outbox_shards():
        await vault.records.delivered([event.id for event in await vault.records.undelivered(shard, "7", 1000)])


async def in_queue(settings: Settings, worker: str, wanted: set[str]) -> None:
    """Return once these events came through a worker's queue; others there may be as well."""
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:
        url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, worker)))["QueueUrl"]
        while wanted:
            answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            assert "Messages" in answer, f"{len(wanted)} events did not come"
            for message in answer["Messages"]:
                wanted = wanted - {json.loads(message["Body"])["detail"]["id"]}
                await sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


async def is_empty(settings: Settings, worker: str) -> bool:
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:
        url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, worker)))["QueueUrl"]
        return "Messages" not in await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)


async def test_an_event_whose_delivery_was_lost_is_delivered_again_until_it_is_kept(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    await deliver_all(vault)
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    folder = await organize.create_folder(vault, alice, root, "lost")
    (event,) = await told_of(vault, folder.id, EventName.FOLDER_CREATED)
    await sweep.handle(vault)
    assert await is_empty(settings, "audit"), "an event is given time to arrive by itself"
    assert vault.meters.numbers(OUTBOX_OLDEST_SECONDS) == {(): 0}
    for _ in range(2):
        await sweep.handle(moved(vault, seconds=31))
        await in_queue(settings, "audit", {event.id})
        assert vault.meters.numbers(OUTBOX_OLDEST_SECONDS)[()] >= 31
    await deliver_all(vault)
    await sweep.handle(moved(vault, seconds=31))
    assert await is_empty(settings, "audit")
    assert vault.meters.numbers(OUTBOX_OLDEST_SECONDS) == {(): 0}


async def test_a_scan_that_got_stuck_is_asked_for_again_and_after_so_often_has_failed(
    vault: Vault, alice: Actor
) -> None:
    file_id = await store(vault, alice)
    await stuck(vault, file_id, ScanStatus.SCANNING, ThumbnailStatus.PENDING)
    failed_before = vault.meters.numbers(SCAN_VERDICTS).get(("FAILED",), 0)
    ahead = Ahead()
    later = moved(vault, ahead)
    for attempt in range(1, process.ATTEMPTS_MAX + 1):
        await sweep.handle(later)
        assert (await stored(vault, file_id))[1].attempts == attempt - 1, "it is not due yet"
        ahead.move(seconds=61)
        await sweep.handle(later)
        file, version = await stored(vault, file_id)
        assert (version.version.scan.status, version.attempts) == (ScanStatus.SCANNING, attempt)
        assert len(await told_of(vault, file_id, EventName.SCAN_DUE)) == attempt
    ahead.move(seconds=61)
    await sweep.handle(later)
    file, version = await stored(vault, file_id)
    assert version.version.scan.status is ScanStatus.FAILED
    assert version.version.scan.reason
    assert version.due_at is None
    (event,) = await told_of(vault, file_id, EventName.VERSION_SCANNED)
    assert set(event.topics) == {file_id, file.parent_id}
    ahead.move(hours=1)
    await sweep.handle(later)
    assert await stored(vault, file_id) == (file, version)
    assert len(await told_of(vault, file_id, EventName.SCAN_DUE)) == process.ATTEMPTS_MAX
    assert vault.meters.numbers(SCAN_VERDICTS)[("FAILED",)] == failed_before + 1


async def test_thumbnails_that_got_stuck_are_asked_for_again_and_after_so_often_have_failed(
    vault: Vault, alice: Actor
) -> None:
    file_id = await store(vault, alice)
    await stuck(vault, file_id, ScanStatus.CLEAN, ThumbnailStatus.RENDERING)
    ahead = Ahead()
    later = moved(vault, ahead)
    for _ in range(process.ATTEMPTS_MAX + 1):
        ahead.move(seconds=61)
        await sweep.handle(later)
    _, version = await stored(vault, file_id)
    assert version.version.thumbnail.status is ThumbnailStatus.FAILED
    assert version.version.scan.status is ScanStatus.CLEAN
    assert version.due_at is None
    assert len(await told_of(vault, file_id, EventName.THUMBNAIL_DUE)) == process.ATTEMPTS_MAX
    assert len(await told_of(vault, file_id, EventName.VERSION_THUMBNAIL)) == 1


async def test_a_scan_that_nobody_began_is_asked_for(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)
    await sweep.handle(moved(vault, seconds=61))
    (event,) = await told_of(vault, file_id, EventName.SCAN_DUE)
    assert (event.subject, event.version_number) == ("worker:sweep", 1)


async def test_two_sweepers_at_once_ask_once(vault: Vault, alice: Actor) -> None:
    file_id = await store(vault, alice)
    later = moved(vault, seconds=61)
    await asyncio.gather(*(sweep.handle(later) for _ in range(3)))
    assert (await stored(vault, file_id))[1].attempts == 1
    assert len(await told_of(vault, file_id, EventName.SCAN_DUE)) == 1


async def test_an_upload_that_expired_is_given_up_with_all_it_had_set_aside(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="left behind", size_bytes=1000))
    await upload.receive(vault, alice, begun.id, 0, stream(b"x" * 300))
    ttl = settings.upload_ttl_seconds
    await sweep.handle(moved(vault, seconds=ttl - 60))
    assert (await state_of(vault, begun)).status is UploadStatus.RECEIVING
    for _ in range(2):
        await sweep.handle(moved(vault, seconds=ttl + 1))
        assert (await state_of(vault, begun)).status is UploadStatus.ABORTED
        assert await storage(vault, alice) == Storage(settings.default_quota_bytes)
    assert await vault.blobs.size(f"tails/{begun.id}/0") is None
    assert len(await told_of(vault, begun.target.file_id, EventName.UPLOAD_EXPIRED)) == 1
    await upload.begin(vault, alice, Wanted(name="LEFT BEHIND", size_bytes=1))


async def test_what_grew_while_the_sweeper_looked_is_given_back_as_well(vault: Vault, alice: Actor) -> None:
    """An upload of no known length reserves as it grows, under one and the same epoch."""
    ahead = Ahead()
    later = moved(vault, ahead)
    begun = await upload.begin(later, alice, Wanted(name="growing"))
    megabytes = os.urandom(9 * 2**20)

    async def body() -> AsyncIterator[bytes]:
        yield megabytes
        early = await state_of(vault, begun)
        ahead.move(seconds=5)
        yield megabytes
        assert (await state_of(vault, begun)).reserved_bytes > early.reserved_bytes == 0
        given_up = await upload.expire(later, early)
        assert given_up.status is UploadStatus.ABORTED

    with pytest.raises(VaultError) as caught:
        await upload.receive(later, alice, begun.id, 0, body())
    assert caught.value.code in {Code.UPLOAD_BUSY, Code.UPLOAD_GONE}, "as the next part or the next write finds out"
    assert await storage(vault, alice) == Storage(vault.settings.default_quota_bytes)


async def test_an_upload_whose_server_died_before_it_was_stored_is_stored(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    data = os.urandom(100_000)
    begun = await upload.begin(vault, alice, Wanted(name="dead server", size_bytes=len(data)))
    async with faulty(settings, "dynamodb") as (faults, client):
        dying = replace(vault, records=Records(client, settings.table))
        faults.plan("TransactWriteItems", refused, after=2)  # its lease and its last bytes count, no more comes
        with pytest.raises(VaultError) as caught:
            await upload.receive(dying, alice, begun.id, 0, stream(data))
        assert caught.value.code is Code.UNAVAILABLE
    assert (await state_of(vault, begun)).status is UploadStatus.COMPLETING
    await sweep.handle(vault)
    assert (await state_of(vault, begun)).status is UploadStatus.COMPLETING, "its server may still be at it"
    for _ in range(2):
        await sweep.handle(moved(vault, seconds=11))
        assert (await state_of(vault, begun)).status is UploadStatus.DONE
        assert await storage(vault, alice) == Storage(settings.default_quota_bytes, live_bytes=len(data))
    _, version = await stored(vault, begun.target.file_id)
    pieces = [piece async for piece in opening.whole(vault, version.version.id, version.body)]
    assert b"".join(pieces) == data
    assert len(await told_of(vault, begun.target.file_id, EventName.VERSION_STORED)) == 1


async def test_an_upload_whose_bytes_are_lost_is_given_up_when_it_expires(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="lost bytes", size_bytes=5))
    async with faulty(settings, "dynamodb") as (faults, client):
        dying = replace(vault, records=Records(client, settings.table))
        faults.plan("TransactWriteItems", refused, after=2)
        with pytest.raises(VaultError):
            await upload.receive(dying, alice, begun.id, 0, stream(b"12345"))
    await vault.blobs.delete((await state_of(vault, begun)).progress.object_key or "")
    await sweep.handle(moved(vault, seconds=60))
    assert (await state_of(vault, begun)).status is UploadStatus.COMPLETING
    await sweep.handle(moved(vault, seconds=settings.upload_ttl_seconds + 1))
    assert (await state_of(vault, begun)).status is UploadStatus.ABORTED
    assert await storage(vault, alice) == Storage(settings.default_quota_bytes)


async def test_without_the_bus_the_rest_of_the_round_is_done(vault: Vault, settings: Settings, alice: Actor) -> None:
    file_id = await store(vault, alice)
    begun = await upload.begin(vault, alice, Wanted(name="expires", size_bytes=10))
    gone = clients.session(settings).client(
        "events",
        region_name=settings.region,
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(retries={"total_max_attempts": 1}),
    )
    async with gone as client:
        deaf = replace(vault, bus=Bus(client, settings.bus))
        await sweep.handle(moved(deaf, seconds=settings.upload_ttl_seconds + 1))
    assert (await stored(vault, file_id))[1].attempts == 1
    assert (await state_of(vault, begun)).status is UploadStatus.ABORTED


async def test_a_checkpoint_that_cannot_be_taken_is_counted(vault: Vault) -> None:
    deed = Event(vault.unique(), EventName.DOWNLOAD_BEGUN, vault.now(), "user_1", "req_1", item_id="file_1")
    await vault.audit_log.append([deed])
    await sweep.handle(moved(vault, hours=1))
    assert vault.meters.numbers(CHECKPOINT_FAILURES) == {}
    await vault.audit_log.append([replace(deed, id=vault.unique())])
    keyless = replace(vault, notary=Notary(vault.notary._client, "alias/nobodys"))
    await sweep.handle(moved(keyless, hours=2))
    assert vault.meters.numbers(CHECKPOINT_FAILURES) == {(): 1}


async def test_rows_without_a_month_are_told_and_no_outage_of_the_log_ends_the_round(vault: Vault) -> None:
    await sweep.handle(vault)
    before = vault.meters.numbers(AUDIT_MISPLACED_ROWS)[()]
    years_ago = vault.now() - timedelta(days=9 * 365)
    await vault.audit_log.append([Event(vault.unique(), EventName.DOWNLOAD_BEGUN, years_ago, "user_1", "req_1")])
    await sweep.handle(vault)
    assert vault.meters.numbers(AUDIT_MISPLACED_ROWS) == {(): before + 1}
    gone = AuditLog(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    await sweep.handle(replace(vault, audit_log=gone))
    assert vault.meters.numbers(AUDIT_MISPLACED_ROWS) == {(): before + 1}
    await gone.close()
