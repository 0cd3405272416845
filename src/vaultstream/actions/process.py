"""What workers find out about a version, written in one transaction; and a person's wish to try again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from vaultstream import table
from vaultstream.access import Deed
from vaultstream.actions import deeds, reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, items, version_items
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailStatus, UnlawfulMove, Version

LOOK_AGAIN = timedelta(seconds=60)
BEAT_SECONDS = 20.0
ATTEMPTS_MAX = 8
READERS_MAX = 100  # of what turned out infected, that are counted and told of
TRIES = 8

log = logging.getLogger(__name__)

Step = Callable[[StoredVersion], StoredVersion | None]
Told = Callable[[File, StoredVersion], Event]


async def load(vault: Vault, file_id: str, number: int | None) -> tuple[File, StoredVersion] | None:
    """A file and one of its versions (the current one for None), in one or two reads; None where it is gone."""
    item = await vault.records.item(table.file(file_id))
    if item is None:
        return None
    file = items.file_from(item)
    wanted = file.current.number if number is None else number
    stored = await vault.records.item(table.version(file_id, wanted))
    return None if stored is None else (file, version_items.stored_version_from(stored))


async def advance(
    vault: Vault, file_id: str, number: int | None, step: Step, told: Told | None
) -> StoredVersion | None:
    """Read a version, take it a step on, write it with file, entry and event; again where somebody came between.

    None where the version is gone or `step` finds nothing to do.
    """
    for _ in range(TRIES):
        found = await load(vault, file_id, number)
        stepped = step(found[1]) if found else None
        if found is None or stepped is None:
            return None
        if await kept(vault, found[0], stepped, told):
            return stepped
    raise changes.changed_underneath()


async def kept(vault: Vault, file: File, stepped: StoredVersion, told: Told | None, *more: Change) -> bool:
    """Write a step with file, entry, any event and what goes with it; False where somebody came between since `file`
    was read.
    """
    file = file.observing(stepped.version)
    written = [changes.replace(file), changes.replace_version(stepped), *more]
    if stepped.version.id == file.current.id and file.trashed_at is None:
        written.append(changes.replace_entry(file))
    try:
        await vault.commit(written, [told(file, stepped)] if told else [])
    except VaultError as error:
        if error.code not in {Code.STALE, Code.CONFLICT}:
            raise
        return False
    return True


@asynccontextmanager
async def beating(vault: Vault, stored: StoredVersion) -> AsyncIterator[None]:
    """While the block lasts, the version does not fall due: whoever works on it for long is not thought dead."""
    version = stored.version

    def step(now: StoredVersion) -> StoredVersion | None:
        return None if now.due_at is None else replace(now, due_at=max(now.due_at, vault.now() + LOOK_AGAIN))

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await advance(vault, version.file_id, version.number, step, None)
            except VaultError as error:
                log.warning("version %s missed a beat: %s", version.id, error.code)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def with_scan(vault: Vault, stored: StoredVersion, status: ScanStatus, **outcome: object) -> StoredVersion:
    """The version with its scan in the next state, and when to look again."""
    version = replace(stored.version, scan=stored.version.scan.to(status, **outcome))
    drawing = version.thumbnail.status in {ThumbnailStatus.PENDING, ThumbnailStatus.RENDERING}
    if status is not ScanStatus.CLEAN and version.thumbnail.status is ThumbnailStatus.RENDERING:
        version = replace(version, thumbnail=version.thumbnail.to(ThumbnailStatus.PENDING))
    under_way = status in {ScanStatus.PENDING, ScanStatus.SCANNING} or (status is ScanStatus.CLEAN and drawing)
    due_at = vault.now() + LOOK_AGAIN if under_way else None
    shown = stored.showing(version, due_at=due_at, attempts=stored.attempts if status is ScanStatus.SCANNING else 0)
    return replace(shown, rescanning=False)


async def retry_scan(vault: Vault, actor: Actor, file_id: FileId, number: int | None) -> File:
    """Ask for another scan of a version whose scan did not come to a verdict."""

    def again(stored: StoredVersion) -> StoredVersion:
        if stored.version.scan.status not in {ScanStatus.FAILED, ScanStatus.UNSCANNABLE, ScanStatus.PENDING}:
            raise VaultError(Code.CONFLICT, f"The scan is {stored.version.scan.status}: there is nothing to retry.")
        if stored.version.scan.status is ScanStatus.PENDING:
            return stored
        return with_scan(vault, stored, ScanStatus.PENDING)

    return await _retry(vault, actor, file_id, number, again, EventName.SCAN_DUE)


async def retry_thumbnail(vault: Vault, actor: Actor, file_id: FileId, number: int | None) -> File:
    """Ask for the thumbnails of a version again, whose rendering failed."""

    def again(stored: StoredVersion) -> StoredVersion:
        version = stored.version
        if version.scan.status is not ScanStatus.CLEAN:
            raise VaultError(Code.NOT_SCANNED, "Thumbnails are made once the scan has found the file clean.")
        try:
            thumbnail = version.thumbnail.to(ThumbnailStatus.PENDING)
        except UnlawfulMove:
            raise VaultError(
                Code.CONFLICT, f"The thumbnail is {version.thumbnail.status}: there is nothing to retry."
            ) from None
        return stored.showing(replace(version, thumbnail=thumbnail), due_at=vault.now() + LOOK_AGAIN)

    return await _retry(vault, actor, file_id, number, again, EventName.THUMBNAIL_DUE)


async def hasten_thumbnail(vault: Vault, actor: Actor, file_id: FileId, number: int | None) -> File:
    """Somebody looks at a version whose thumbnails wait for their turn: it is now. Any other state is left alone."""
    await reach.file(vault, actor, file_id, Deed.READ)
    found = await load(vault, file_id, number)
    if found is None:
        raise not_found("version")
    file, version = found[0], found[1].version
    if version.scan.status is ScanStatus.CLEAN and version.thumbnail.status is ThumbnailStatus.PENDING:
        name, number = EventName.THUMBNAIL_HASTENED, version.number
        await vault.commit([], [deeds.by_person(vault, actor, name, file.id, version_number=number)])
    return file


async def _retry(vault: Vault, actor: Actor, file_id: FileId, number: int | None, step: Step, deed: EventName) -> File:
    await reach.file(vault, actor, file_id, Deed.EDIT)

    def told(file: File, stored: StoredVersion) -> Event:
        number = stored.version.number
        return deeds.by_person(vault, actor, deed, file.id, topics=(file.id, file.parent_id), version_number=number)

    stepped = await advance(vault, file_id, number, step, told)
    again = await load(vault, file_id, number)
    if stepped is None or again is None:
        raise not_found("version")
    return again[0]


def worker_event(vault: Vault, worker: str, deed: EventName, request_id: str, **outcome: str | int | None) -> Told:
    """How a worker tells of a step: what it found goes into the details."""

    def told(file: File, stored: StoredVersion) -> Event:
        version: Version = stored.version
        return deeds.by_worker(
            vault,
            worker,
            deed,
            file.id,
            request_id=request_id,
            topics=(file.id, file.parent_id),
            version_number=version.number,
            **outcome,
        )

    return told
