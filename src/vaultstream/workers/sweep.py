"""The sweeper: nothing stays between two states for ever. It asks again for what fell due, and redelivers."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from vaultstream import table
from vaultstream.actions import checkpoint, process, share, upload
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.adapters.records import share_items, upload_items, version_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.events import EventName
from vaultstream.ids import ulid
from vaultstream.metrics import AUDIT_MISPLACED_ROWS, CHECKPOINT_FAILURES, OUTBOX_OLDEST_SECONDS, SCAN_VERDICTS
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailStatus
from vaultstream.workers import due, lifecycle, purge, rescan, scrub

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=30)  # how long an event may be on its way before it is delivered again
_BATCH = 50
_SCANNING = {ScanStatus.PENDING, ScanStatus.SCANNING}
_EXHAUSTED = "It did not finish after several attempts."


async def handle(vault: Vault) -> None:
    """One round over everything that fell due; what fails is left for the next round."""
    await _redeliver(vault)
    await _versions(vault)
    await lifecycle.sweep(vault)
    await _uploads(vault)
    await _shares(vault)
    await purge.handle(vault)
    await rescan.sweep(vault)
    await scrub.sweep(vault)
    await _checkpoint(vault)
    with suppress(AuditUnavailable):  # the gauge keeps what was seen last
        vault.meters.set(AUDIT_MISPLACED_ROWS, await vault.audit_log.misplaced())


async def _checkpoint(vault: Vault) -> None:
    if not vault.settings.audit_bucket:
        return
    try:
        await checkpoint.take_if_due(vault)
    except VaultError as error:
        vault.meters.count(CHECKPOINT_FAILURES)
        log.warning("the audit log's checkpoint is left for the next round: %s", error.code)


async def _redeliver(vault: Vault) -> None:
    """Events that are still in the outbox were lost on the way, or the audit log is down: put them out again."""
    now, oldest_seconds = vault.now(), 0.0
    overdue = ulid(int((now - OVERDUE).timestamp() * 1000), bytes(10))
    for shard in table.outbox_shards():
        if events := await vault.records.undelivered(shard, overdue, _BATCH):
            oldest_seconds = max(oldest_seconds, (now - events[0].at).total_seconds())
            await vault.bus.put(events)
    vault.meters.set(OUTBOX_OLDEST_SECONDS, oldest_seconds)


async def _versions(vault: Vault) -> None:
    async def again(item: Item) -> None:
        await _again(vault, version_items.stored_version_from(item))

    await due.each(vault, version_items.DUE, again)


async def _again(vault: Vault, stored: StoredVersion) -> None:
    """Ask for the scan or the thumbnails once more; after so many attempts say that they failed."""
    version = stored.version
    if stored.rescanning:
        await rescan.ask(vault, stored)
        return
    scanning = version.scan.status in _SCANNING
    deed = EventName.SCAN_DUE if scanning else EventName.THUMBNAIL_DUE
    if stored.attempts >= process.ATTEMPTS_MAX:
        deed = EventName.VERSION_SCANNED if scanning else EventName.VERSION_THUMBNAIL

    def step(now: StoredVersion) -> StoredVersion | None:
        if now.due_at is None or now.due_at > vault.now():
            return None
        if now.attempts >= process.ATTEMPTS_MAX:
            return _failed(vault, now)
        return replace(now, due_at=vault.now() + process.LOOK_AGAIN, attempts=now.attempts + 1)

    told = process.worker_event(vault, "sweep", deed, "sweep", attempts=stored.attempts)
    moved = await process.advance(vault, version.file_id, version.number, step, told)
    if moved is not None and deed is EventName.VERSION_SCANNED:
        vault.meters.count(SCAN_VERDICTS, ScanStatus.FAILED)


def _failed(vault: Vault, stored: StoredVersion) -> StoredVersion:
    version = stored.version
    if version.scan.status in _SCANNING:
        return process.with_scan(vault, stored, ScanStatus.FAILED, reason=_EXHAUSTED, finished_at=vault.now())
    thumbnail = version.thumbnail.to(ThumbnailStatus.FAILED, reason=_EXHAUSTED)
    return stored.showing(replace(version, thumbnail=thumbnail), due_at=None)


async def _uploads(vault: Vault) -> None:
    async def expire(item: Item) -> None:
        await upload.expire(vault, upload_items.upload_from(item))

    await due.each(vault, upload_items.DUE, expire)


async def _shares(vault: Vault) -> None:
    async def expire(item: Item) -> None:
        await share.expire(vault, share_items.share_from(item))

    await due.each(vault, share_items.DUE, expire)
