"""End an upload: stored as a version in one transaction, or given up with everything it had set aside."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from vaultstream import access, names, quota, sealed, table
from vaultstream.access import Deed
from vaultstream.actions import browse, deeds, reach, tier
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.blobs import BlobGone
from vaultstream.adapters.records import changes, items, looks, trash_changes, upload_items
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import UploadId
from vaultstream.uploads import Part, Upload, UploadStatus, object_key, tail_key
from vaultstream.versions import SealedBody, StoredVersion, Version

FIRST_LOOK = timedelta(seconds=60)  # when the sweeper asks for a scan that nobody began
_FIRST_THINNING = timedelta(days=1)
_PARTS_MAX = 10_000
_TRIES = 5


async def find(vault: Vault, actor: Actor, upload_id: UploadId, deed: Deed = Deed.READ) -> Upload:
    """The actor's own upload; one that only waits to be stored is stored now. Raises NOT_FOUND, or FORBIDDEN to a
    program whose token is not for this deed.
    """
    upload = await own(vault, actor, upload_id)
    access.require_scope(actor.grant, deed)
    return await complete(vault, actor, upload) if upload.status is UploadStatus.COMPLETING else upload


async def own(vault: Vault, actor: Actor, upload_id: UploadId) -> Upload:
    """The actor's own upload as it stands; to a program, only one to a place within its bounds. Raises NOT_FOUND."""
    upload = await _load(vault, upload_id)
    if upload is None or upload.user_id != actor.user_id:
        raise not_found("upload")
    if actor.is_bound:
        target = upload.target
        (place,) = await reach.load(vault, [target.parent_id if target.new_file else target.file_id])
        if await browse.readable(vault, actor, [place]) == [None]:
            raise not_found("upload")
    return upload


async def complete(vault: Vault, actor: Actor, upload: Upload) -> Upload:
    """Store an upload whose bytes are all in S3. Any number of callers may try; one transaction counts.

    Raises CONFLICT where the file or the name's claim went away meanwhile.
    """
    body = await _finished_object(vault, upload)
    for _ in range(_TRIES):
        with suppress(_Again):
            done = await _store(vault, actor, upload, body)
            await _tidy(vault, upload)
            return done
        again = await _load(vault, upload.id)
        if again is None or again.status is not UploadStatus.COMPLETING:
            return again or upload
    raise changes.changed_underneath()


class _Again(Exception):
    """Another write came between; look and try again."""


async def _finished_object(vault: Vault, upload: Upload) -> SealedBody:
    """The whole object, finished from its parts where that was not done yet, and of the right size."""
    progress, length = upload.progress, upload.length_bytes or 0
    key = progress.object_key or ""
    if progress.multipart_id is not None:
        with suppress(BlobGone):
            await vault.blobs.finish_parts(key, progress.multipart_id, await _parts(vault, upload))
    if await vault.blobs.size(key) != sealed.body_size(length):
        raise VaultError(Code.UPLOAD_GONE, "Part of this upload is lost: begin a new one.")
    return SealedBody(upload.header, key, length)


async def _parts(vault: Vault, upload: Upload) -> list[Part]:
    pk, first = table.upload(upload.id).pk, table.upload_part(upload.id, 0).sk
    found = await vault.records.collection(pk, after=first, until=table.PART_END, limit=_PARTS_MAX)
    return [upload_items.part_from(item) for item in found][: upload.progress.parts]


async def _store(vault: Vault, actor: Actor, upload: Upload, body: SealedBody) -> Upload:
    """The one transaction: version, file, entry, quota, upload and event."""
    now = vault.now()
    file, replaced_bytes, filed = await _filed(vault, upload, now)
    stored = StoredVersion(file.current, body, upload.declared_sha256, due_at=now + FIRST_LOOK)
    done = replace(
        upload,
        status=UploadStatus.DONE,
        header=b"",
        reserved_bytes=0,
        lease_until=None,
        version_number=file.current.number,
    )
    settled = quota.settle(upload.reserved_bytes, file.current.size_bytes, replaced_bytes)
    if file.trashed_at is not None:
        settled += quota.trash(file.current.size_bytes - replaced_bytes, replaced_bytes)
    moved = changes.move_quota(file.owner_id, settled)
    event = deeds.by_person(
        vault,
        actor,
        EventName.VERSION_STORED,
        file.id,
        topics=(file.id, file.parent_id, upload.id),
        version_number=file.current.number,
        parent_id=file.parent_id,
        size_bytes=file.current.size_bytes,
        upload_id=upload.id,
    )
    look = looks.look_by(stored.version, tier.look_at(stored, now))
    try:
        await vault.commit([*filed, changes.add_version(stored), look, changes.replace_upload(done), moved], [event])
    except VaultError as error:
        if error.code in {Code.STALE, Code.CONFLICT, Code.UPLOAD_BUSY}:
            raise _Again from None
        raise
    return done


async def _filed(vault: Vault, upload: Upload, now: datetime) -> tuple[File, int, list[Change]]:
    """The file with the new version as its current one, the bytes that became an old version, and the changes."""
    target = upload.target
    if target.new_file:
        version = _version(upload, 1, now)
        file = File(target.file_id, target.owner_id, target.parent_id, target.name, now, now, version)
        parent = table.folder(target.parent_id)
        return file, 0, [changes.present(parent), changes.add(file), changes.replace_entry(file, of=upload.id)]
    item = await vault.records.item(table.file(target.file_id))
    if item is None:
        raise VaultError(Code.CONFLICT, "The file is gone: upload it as a new one.")
    before = items.file_from(item)
    file = before.with_version(_version(upload, before.current.number + 1, now), now)
    # What was begun before the file went to the trash is kept there with it: its sender was told that it is safe.
    entry = [] if file.trashed_at else [changes.replace_entry(file)]
    thinned = trash_changes.thin_by(file.id, now + _FIRST_THINNING)
    return file, before.current.size_bytes, [changes.replace(file), *entry, thinned]


def _version(upload: Upload, number: int, now: datetime) -> Version:
    target = upload.target
    return Version(
        id=target.version_id,
        file_id=target.file_id,
        number=number,
        size_bytes=upload.length_bytes or 0,
        content_type=target.content_type,
        created_by=upload.user_id,
        created_at=now,
    )


async def abort(vault: Vault, actor: Actor, upload_id: UploadId) -> Upload:
    """Give an upload up: its quota, its name and its bytes are free again. Once more changes nothing."""
    try:
        upload = await find(vault, actor, upload_id, Deed.EDIT)
    except VaultError as error:
        # Its bytes are all there, but its place is not: whoever sent it may give it up.
        stuck = await _load(vault, upload_id)
        if error.code is not Code.CONFLICT or stuck is None:
            raise
        upload = stuck
    if upload.status is UploadStatus.ABORTED:
        return upload
    if upload.status is UploadStatus.DONE:
        raise VaultError(Code.CONFLICT, "This upload was stored: move its file to the trash instead.")
    return await _give_up(vault, actor, upload, EventName.UPLOAD_ABORTED)


async def expire(vault: Vault, upload: Upload) -> Upload:
    """What the sweeper does to an upload that fell due: store it if its bytes are all there, else give it up."""
    actor = Actor(upload.user_id, Origin("sweep"), vault.now())
    if upload.status is UploadStatus.COMPLETING:
        try:
            return await complete(vault, actor, upload)
        except VaultError as error:
            if error.code is Code.UNAVAILABLE or upload.expires_at > vault.now():
                raise
    return await _give_up(vault, actor, upload, EventName.UPLOAD_EXPIRED)


async def _give_up(vault: Vault, actor: Actor, upload: Upload, deed: EventName) -> Upload:
    for _ in range(_TRIES):
        aborted = replace(upload, status=UploadStatus.ABORTED, header=b"", reserved_bytes=0, lease_until=None)
        freed = [changes.replace_upload(aborted, seen=upload), *await _freed(vault, upload)]
        event = deeds.by_person(vault, actor, deed, upload.target.file_id, topics=(upload.id,), upload_id=upload.id)
        try:
            await vault.commit(freed, [event])
        except VaultError as error:
            if error.code not in {Code.CONFLICT, Code.UPLOAD_BUSY}:
                raise
        else:
            await _discard(vault, upload)
            return aborted
        upload = await _load(vault, upload.id) or upload
        if upload.status in {UploadStatus.DONE, UploadStatus.ABORTED}:
            return upload
    raise changes.changed_underneath()


async def _freed(vault: Vault, upload: Upload) -> list[Change]:
    """What goes back: the reserved bytes, and the name if it is still kept for this upload."""
    freed = []
    if upload.reserved_bytes:
        freed.append(changes.move_quota(upload.target.owner_id, quota.release(upload.reserved_bytes)))
    if upload.target.new_file:
        target = upload.target
        entry = await vault.records.item(table.entry(target.parent_id, names.fold(target.name)))
        if entry is not None and entry.get("upload_id") == upload.id:
            freed.append(changes.drop_claim(upload))
    return freed


async def _discard(vault: Vault, upload: Upload) -> None:
    """Remove what was in S3; what fails here, the bucket's own lifecycle removes."""
    progress = upload.progress
    with suppress(VaultError):
        if progress.multipart_id is not None:
            await vault.blobs.drop_parts(progress.object_key or "", progress.multipart_id)
            await vault.blobs.delete(progress.object_key or "")
    await discard_untold(vault, upload)
    await _tidy(vault, upload)


async def discard_untold(vault: Vault, left: Upload) -> None:
    """Remove what the last request that had this upload put whole and could not tell of, now that it no longer can:
    only what is made of parts is gone on with.
    """
    keys = {object_key(left.target, left.epoch)} if left.lease_until is not None else set()  # it was never given back
    if left.progress.multipart_id is None and left.progress.object_key is not None:
        keys.add(left.progress.object_key)
    with suppress(VaultError):
        for key in keys:
            await vault.blobs.delete(key)


async def _tidy(vault: Vault, upload: Upload) -> None:
    if upload.progress.tail_epoch is not None:
        with suppress(VaultError):
            await vault.blobs.delete(tail_key(upload.id, upload.progress.tail_epoch))


async def _load(vault: Vault, upload_id: UploadId) -> Upload | None:
    item = await vault.records.item(table.upload(upload_id))
    return upload_items.upload_from(item) if item else None
