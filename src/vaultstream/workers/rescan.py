"""Verdicts of older rules are asked for again when the rules change; until the new one is there the old one stands."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from vaultstream import table
from vaultstream.actions import process
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.adapters.records import version_items
from vaultstream.adapters.records.moments import time_of
from vaultstream.adapters.records.round_changes import know_signatures
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.metrics import SCAN_VERDICTS
from vaultstream.verdict import ScannerUnavailable
from vaultstream.versions import Scan, ScanStatus, StoredVersion
from vaultstream.workers.scan import Looked, look

log = logging.getLogger(__name__)

ASK_AGAIN = timedelta(hours=1)
ARCHIVED_AGAIN = timedelta(
    days=30
)  # what is archived cannot be had by anybody either, and is restored for nobody's scan
_BATCH = 10  # of each shard in a round: new uploads come before old verdicts


async def sweep(vault: Vault) -> None:
    """Ask for a scan of some versions that older rules have judged. While a scanner is down there is nothing to ask."""
    try:
        engine = await vault.scanner.engine()
    except ScannerUnavailable:
        return
    since = await _since(vault, engine)
    for shard in table.due_shards(version_items.SCANNED):
        for item in await vault.records.due(shard, since, _BATCH):
            await ask(vault, version_items.stored_version_from(item))


async def ask(vault: Vault, stored: StoredVersion) -> None:
    """Tell the worker of a version, and remember to tell it again."""

    def step(now: StoredVersion) -> StoredVersion | None:
        is_waiting = now.due_at is not None and now.due_at > vault.now()
        if is_waiting or not now.version.scan.is_verdict:
            return None
        return replace(now, rescanning=True, due_at=vault.now() + ASK_AGAIN)

    version = stored.version
    told = process.worker_event(vault, "sweep", EventName.VERSION_RESCAN_DUE, "sweep")
    try:
        await process.advance(vault, version.file_id, version.number, step, told)
    except VaultError as error:
        log.warning("version %s is left for the next round: %s", version.id, error.code)


async def handle(vault: Vault, event: Event) -> None:
    """Scan the version that the event names once more; who is not asked for is left alone.

    Raises ScannerUnavailable while no scanner answers: the old verdict stands.
    """
    found = await process.load(vault, event.item_id or "", event.version_number)
    if found is None or not found[1].rescanning:
        return
    try:
        looked = await look(vault, found[1])
    except VaultError as error:
        if error.code is not Code.ARCHIVED:
            raise
        await _postpone(vault, found[1])
        return
    before = found[1].version.scan

    def step(stored: StoredVersion) -> StoredVersion | None:
        return _judged(vault, stored, looked) if stored.rescanning else None

    outcome: dict[str, str | int | None] = {**looked.outcome, "before": before.status.value}
    if looked.status is ScanStatus.INFECTED and before.lets_out:
        outcome["readers"] = await _readers(vault, found[1])
    told = process.worker_event(
        vault, "rescan", EventName.VERSION_SCANNED, event.request_id, status=looked.status.value, **outcome
    )
    if await process.advance(vault, event.item_id or "", event.version_number, step, told):
        vault.meters.count(SCAN_VERDICTS, looked.status.value)


async def _postpone(vault: Vault, stored: StoredVersion) -> None:
    def step(now: StoredVersion) -> StoredVersion | None:
        return replace(now, due_at=vault.now() + ARCHIVED_AGAIN) if now.rescanning else None

    await process.advance(vault, stored.version.file_id, stored.version.number, step, None)


def _judged(vault: Vault, stored: StoredVersion, looked: Looked) -> StoredVersion:
    """The version with its new verdict. A release stands as long as nobody can look into it."""
    release = stored.version.scan.release
    scanning = replace(stored, version=replace(stored.version, scan=Scan(ScanStatus.SCANNING)))
    judged = process.with_scan(vault, scanning, looked.status, finished_at=vault.now(), **looked.outcome)
    scan = judged.version.scan
    if release is not None and scan.status is ScanStatus.UNSCANNABLE:
        scan = scan.released(release)
    return replace(judged, version=replace(judged.version, scan=scan))


async def _readers(vault: Vault, stored: StoredVersion) -> int | None:
    """How many had downloaded it before it was found infected; None while the audit log cannot be asked.

    Who they are, those who manage the file ask for themselves.
    """
    version = stored.version
    try:
        return len(await vault.audit_log.downloads_of(version.file_id, version.number, process.READERS_MAX))
    except AuditUnavailable:
        return None


async def _since(vault: Vault, engine: str) -> datetime:
    """Since when the scanners have had these rules; where no others are known, they always had them."""
    known = await vault.records.item(table.signatures())
    if known is not None and known["engine"] == engine:
        return time_of(known["since"])
    since = vault.now() if known is not None else datetime.fromtimestamp(0, UTC)
    await vault.commit([know_signatures(engine, since)])
    return since
