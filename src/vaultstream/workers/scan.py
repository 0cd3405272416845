"""The scan worker: reads all of a version, gives it a verdict and its digest; nothing leaves before CLEAN."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from vaultstream.actions import opening, process
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.metrics import SCAN_VERDICTS
from vaultstream.verdict import ScannerUnavailable, Verdict
from vaultstream.versions import ScanStatus, StoredVersion

_UNDER_WAY = {ScanStatus.PENDING, ScanStatus.SCANNING}


async def handle(vault: Vault, event: Event) -> None:
    """Scan the version that the event names; a version that has its verdict is left alone.

    Raises ScannerUnavailable while no scanner answers: the version waits, it is never taken for clean.
    """
    stored = await _begun(vault, event)
    if stored is None:
        return
    digest = hashlib.sha256()
    try:
        verdict = await vault.scanner.scan(_digested(vault, stored, digest))
    except ScannerUnavailable:
        await _step_back(vault, event)
        raise
    except VaultError as error:
        if error.code is not Code.UNREADABLE:
            raise
        await _finish(vault, event, ScanStatus.FAILED, None, engine=None, signature=None, reason=error.message)
        return
    await _conclude(vault, event, stored, verdict, digest.hexdigest())


async def _begun(vault: Vault, event: Event) -> StoredVersion | None:
    """The version, now SCANNING; a worker that died in the middle left it so, and another goes on from there."""

    def begin(stored: StoredVersion) -> StoredVersion | None:
        scan = stored.version.scan
        if scan.status not in _UNDER_WAY:
            return None
        again = replace(stored, attempts=stored.attempts + 1, due_at=vault.now() + process.LOOK_AGAIN)
        if scan.status is ScanStatus.SCANNING:
            return again
        return process.with_scan(vault, again, ScanStatus.SCANNING)

    told = process.worker_event(vault, "scan", EventName.VERSION_SCAN_BEGUN, event.request_id)
    return await process.advance(vault, event.item_id or "", event.version_number, begin, told)


async def _digested(vault: Vault, stored: StoredVersion, digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    async for piece in opening.whole(vault, stored.version.id, stored.body):
        digest.update(piece)
        yield piece


async def _conclude(vault: Vault, event: Event, stored: StoredVersion, verdict: Verdict, sha256: str) -> None:
    if stored.declared_sha256 not in {None, sha256}:
        reason = "The content does not have the SHA-256 digest that its sender declared."
        await _finish(vault, event, ScanStatus.FAILED, sha256, engine=None, signature=None, reason=reason)
        return
    await _finish(
        vault,
        event,
        ScanStatus(verdict.status),
        sha256,
        engine=verdict.engine,
        signature=verdict.signature,
        reason=verdict.reason,
    )


async def _finish(vault: Vault, event: Event, status: ScanStatus, sha256: str | None, **outcome: str | None) -> None:
    def finish(stored: StoredVersion) -> StoredVersion | None:
        if stored.version.scan.status is not ScanStatus.SCANNING:
            return None
        scanned = process.with_scan(vault, stored, status, finished_at=vault.now(), **outcome)
        return replace(scanned, version=replace(scanned.version, sha256=sha256))

    told = process.worker_event(
        vault, "scan", EventName.VERSION_SCANNED, event.request_id, status=status.value, **outcome
    )
    if await process.advance(vault, event.item_id or "", event.version_number, finish, told) is not None:
        vault.meters.count(SCAN_VERDICTS, status.value)


async def _step_back(vault: Vault, event: Event) -> None:
    def back(stored: StoredVersion) -> StoredVersion | None:
        if stored.version.scan.status is not ScanStatus.SCANNING:
            return None
        waiting = process.with_scan(vault, stored, ScanStatus.PENDING)
        return replace(waiting, attempts=stored.attempts)

    told = process.worker_event(
        vault, "scan", EventName.VERSION_SCAN_WAITS, event.request_id, reason="no scanner answers"
    )
    await process.advance(vault, event.item_id or "", event.version_number, back, told)
