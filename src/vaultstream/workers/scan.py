"""The scan worker: reads all of a version, gives it a verdict and its digest; nothing leaves before CLEAN."""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from vaultstream.actions import opening, process
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.metrics import SCAN_VERDICTS
from vaultstream.verdict import ScannerUnavailable
from vaultstream.versions import ScanStatus, StoredVersion

_UNDER_WAY = {ScanStatus.PENDING, ScanStatus.SCANNING}


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of reading a version; the digest is known where all of it was read."""

    status: ScanStatus
    sha256: str | None
    outcome: Mapping[str, str | None]


@dataclass(slots=True)
class _Read:
    is_whole: bool = False


async def handle(vault: Vault, event: Event) -> None:
    """Scan the version that the event names; a version that has its verdict is left alone.

    Raises ScannerUnavailable while no scanner answers: the version waits, it is never taken for clean.
    """
    stored = await _begun(vault, event)
    if stored is None:
        return
    try:
        looked = await look(vault, stored)
    except ScannerUnavailable:
        await _step_back(vault, event)
        raise
    await _finish(vault, event, looked)


async def look(vault: Vault, stored: StoredVersion) -> Looked:
    """Read a version and ask the scanners; what cannot be opened, or is not what it was said to be, has FAILED.

    Raises ScannerUnavailable.
    """
    digest, read = hashlib.sha256(), _Read()
    try:
        async with process.beating(vault, stored):
            verdict = await vault.scanner.scan(_digested(vault, stored, digest, read))
    except VaultError as error:
        if error.code is not Code.UNREADABLE:
            raise
        return _failed(error.message)
    sha256 = digest.hexdigest() if read.is_whole else None  # a conviction ends the reading
    if sha256 is not None and stored.version.sha256 not in {None, sha256}:
        return _failed("The content is not what it was when it was first scanned.")
    if sha256 is not None and stored.declared_sha256 not in {None, sha256}:
        return _failed("The content does not have the SHA-256 digest that its sender declared.", sha256)
    outcome = {"engine": verdict.engine, "signature": verdict.signature, "reason": verdict.reason}
    return Looked(ScanStatus(verdict.status), sha256, outcome)


def _failed(reason: str, sha256: str | None = None) -> Looked:
    return Looked(ScanStatus.FAILED, sha256, {"engine": None, "signature": None, "reason": reason})


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


async def _digested(
    vault: Vault, stored: StoredVersion, digest: "hashlib._Hash", read: _Read
) -> AsyncGenerator[bytes, None]:
    async with aclosing(opening.whole(vault, stored.version.id, stored.body)) as pieces:
        async for piece in pieces:
            digest.update(piece)
            yield piece
    read.is_whole = True


async def _finish(vault: Vault, event: Event, looked: Looked) -> None:
    def finish(stored: StoredVersion) -> StoredVersion | None:
        if stored.version.scan.status is not ScanStatus.SCANNING:
            return None
        scanned = process.with_scan(vault, stored, looked.status, finished_at=vault.now(), **looked.outcome)
        return replace(scanned, version=replace(scanned.version, sha256=looked.sha256))

    told = process.worker_event(
        vault, "scan", EventName.VERSION_SCANNED, event.request_id, status=looked.status.value, **looked.outcome
    )
    if await process.advance(vault, event.item_id or "", event.version_number, finish, told) is not None:
        vault.meters.count(SCAN_VERDICTS, looked.status.value)


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
