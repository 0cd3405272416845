"""Files for the tests of the tree: stored through the vault, and found clean (or not) as the scan worker would."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from vaultstream.actions import process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId
from vaultstream.versions import ScanStatus, StoredVersion


async def stream(data: bytes, chunk: int = 60_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), chunk):
        yield data[at : at + chunk]


async def stored(
    vault: Vault,
    actor: Actor,
    folder_id: FolderId,
    name: str,
    data: bytes = b"",
    *,
    content_type: str = "text/plain",
    scan: ScanStatus | None = None,
) -> File:
    """A new file with these bytes; with `scan`, after a scan of that outcome."""
    wanted = Wanted(folder_id=folder_id, name=name, size_bytes=len(data), content_type=content_type)
    done = await upload.begin(vault, actor, wanted)
    if data:
        done = await upload.receive(vault, actor, done.id, 0, stream(data))
    if scan is not None:
        await scanned(vault, done.target.file_id, scan, data)
    return await now(vault, done.target.file_id)


async def scanned(vault: Vault, file_id: FileId, outcome: ScanStatus, data: bytes, *, again: bool = False) -> None:
    """The current version after a scan that came to this outcome, or after another one."""
    told = process.worker_event(vault, "scan", EventName.VERSION_SCANNED, "tests")

    def step(to: ScanStatus) -> process.Step:
        def taken(before: StoredVersion) -> StoredVersion:
            after = process.with_scan(vault, before, to)
            return replace(after, version=replace(after.version, sha256=hashlib.sha256(data).hexdigest()))

        return taken

    for status in (*[ScanStatus.PENDING][:again], ScanStatus.SCANNING, outcome):
        await process.advance(vault, file_id, None, step(status), told)


async def now(vault: Vault, file_id: FileId) -> File:
    """The file as the table has it."""
    found = await process.load(vault, file_id, None)
    assert found is not None
    return found[0]
