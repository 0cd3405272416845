"""Versions of a file: restored as a new one, labelled, deleted for ever, thinned by a policy."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from vaultstream import quota, table, thinning
from vaultstream.access import Deed
from vaultstream.actions import deeds, download, process, reach, shred, upload
from vaultstream.actions.again import again
from vaultstream.actions.download import Content
from vaultstream.actions.duplicate import COPY_BYTES_MAX
from vaultstream.actions.placing import require_version
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import changes, items, trash_changes, version_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.thinning import Policy
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.versions import StoredVersion

LABEL_CHARACTERS_MAX = 100
THIN_AGAIN = timedelta(days=1)
_VERSIONS_MAX = 1_000_000
_ERASED_AT_ONCE = 40  # two items for each: a transaction has a hundred at most


async def all_of(vault: Vault, file_id: FileId) -> list[StoredVersion]:
    """Every version of a file, the oldest first; the file's stamp tells whether one came or went since."""
    found = await vault.records.collection(
        table.file(file_id).pk, after=table.VERSION, until=table.VERSION_END, limit=_VERSIONS_MAX
    )
    return [version_items.stored_version_from(item) for item in found]


def held_bytes(file: File, versions: Sequence[StoredVersion]) -> tuple[int, int]:
    """What a file takes of its owner's quota: by its current version, and by the older ones."""
    older = (stored.version.size_bytes for stored in versions if stored.version.id != file.current.id)
    return file.current.size_bytes, sum(older)


async def restore(
    vault: Vault, actor: Actor, file_id: FileId, number: int, *, idempotency_key: str | None = None
) -> File:
    """The file with the contents of an older version as a new one: opened, sealed anew under its own key, scanned.

    Both versions stay. With an idempotency key, a restore that was cut goes on where it was.
    Raises NOT_FOUND, FORBIDDEN, CONFLICT, NOT_SCANNED, INFECTED, QUOTA_EXCEEDED, TOO_LARGE, UPLOAD_BUSY.
    """
    file = await reach.file(vault, actor, file_id, Deed.EDIT)
    if number == file.current.number:
        raise VaultError(Code.CONFLICT, "It is the current version already.", path=("versionNumber",))
    found = await process.load(vault, file.id, number)
    if found is None:
        raise not_found("version")
    version = found[1].version
    if version.size_bytes > COPY_BYTES_MAX:
        raise VaultError(Code.TOO_LARGE, f"At most {COPY_BYTES_MAX} bytes are restored: download, then upload it.")
    content = await download.open(vault, actor, file.id, number)
    wanted = Wanted(
        file_id=file.id,
        size_bytes=version.size_bytes,
        content_type=version.content_type,
        sha256=version.sha256,
        idempotency_key=idempotency_key,
        copy_of=version.id,
    )
    begun = await upload.begin(vault, actor, wanted)
    if begun.status is not UploadStatus.DONE:
        begun = await _filled(vault, actor, content, begun, keep=idempotency_key is not None)
    if begun.status is not UploadStatus.DONE:
        raise VaultError(Code.UPLOAD_GONE, "It was given up in the middle: begin again.")
    return await _told_restored(vault, actor, file, number, begun)


async def _filled(vault: Vault, actor: Actor, content: Content, begun: Upload, *, keep: bool) -> Upload:
    """The upload with all its bytes. What fails is given up at once, unless it can be asked for again by its key."""
    start = begun.progress.offset_bytes
    try:
        await content.record(start, content.size_bytes)
        return await upload.receive(vault, actor, begun.id, start, content.read(start, content.size_bytes))
    except BaseException:
        if not keep:
            with suppress(VaultError):
                await asyncio.shield(upload.abort(vault, actor, begun.id))
        raise


async def _told_restored(vault: Vault, actor: Actor, file: File, number: int, done: Upload) -> File:
    event = deeds.by_person(
        vault,
        actor,
        EventName.VERSION_RESTORED,
        file.id,
        topics=(file.id, file.parent_id),
        version_number=done.version_number,
        restored_number=number,
    )
    await vault.commit([], [event])
    found = await process.load(vault, file.id, done.version_number)
    if found is None:
        raise not_found("file")
    return found[0]


async def label(
    vault: Vault, actor: Actor, file_id: FileId, number: int, text: str | None, *, if_version: int | None = None
) -> File:
    """The file after one of its versions was labelled, and so is kept for ever; None takes the label away."""
    if text is not None and not (0 < len(text) <= LABEL_CHARACTERS_MAX and text.isprintable() and text.strip()):
        raise VaultError(
            Code.INVALID, f"A label has 1 to {LABEL_CHARACTERS_MAX} printable characters.", path=("label",)
        )
    return await again(lambda: _label(vault, actor, file_id, number, text, if_version))


async def _label(
    vault: Vault, actor: Actor, file_id: FileId, number: int, text: str | None, if_version: int | None
) -> File:
    file, stored = await _reached(vault, actor, file_id, number, Deed.EDIT, if_version)
    labelled = replace(stored, version=replace(stored.version, label=text))
    observed = file.observing(labelled.version)
    file = replace(observed, revision=observed.revision + 1)
    event = deeds.by_person(
        vault, actor, EventName.VERSION_LABELLED, file.id, topics=(file.id, file.parent_id), version_number=number
    )
    written = [changes.replace(file), changes.replace_entry(file), changes.replace_version(labelled)]
    await vault.commit([*written, *_looked_at(vault, file)], [event])
    return file


def _looked_at(vault: Vault, file: File) -> list[changes.Change]:
    return [trash_changes.thin_by(file.id, vault.now() + THIN_AGAIN)]


async def delete(vault: Vault, actor: Actor, file_id: FileId, number: int, *, if_version: int | None = None) -> File:
    """The file without one of its older versions, for ever: its keys are shredded, its bytes freed."""
    return await again(lambda: _delete(vault, actor, file_id, number, if_version))


async def _delete(vault: Vault, actor: Actor, file_id: FileId, number: int, if_version: int | None) -> File:
    file, stored = await _reached(vault, actor, file_id, number, Deed.PURGE, if_version)
    if stored.version.id == file.current.id:
        raise VaultError(
            Code.CONFLICT,
            "The current version stays: restore another, or move the file to the trash.",
            path=("versionNumber",),
        )
    event = deeds.by_person(
        vault,
        actor,
        EventName.VERSION_DELETED,
        file.id,
        topics=(file.id, file.parent_id),
        version_number=number,
        size_bytes=stored.version.size_bytes,
    )
    return await _erase(vault, replace(file, revision=file.revision + 1), [stored], event)


async def _reached(
    vault: Vault, actor: Actor, file_id: FileId, number: int, deed: Deed, if_version: int | None
) -> tuple[File, StoredVersion]:
    file = await reach.file(vault, actor, file_id, deed)
    require_version(file, if_version)
    item = await vault.records.item(table.version(file.id, number)) if number > 0 else None
    if item is None:
        raise not_found("version")
    return file, version_items.stored_version_from(item)


async def _erase(vault: Vault, file: File, gone: Sequence[StoredVersion], event: Event) -> File:
    """One transaction: the versions and their keys, the quota, the file that guards it all. Then the objects."""
    kept = replace(file, stamp=file.stamp + 1)
    total = sum(stored.version.size_bytes for stored in gone)
    in_trash = file.trashed_at is not None
    freed = quota.free(trash_bytes=total) if in_trash else quota.free(version_bytes=total)
    written = [changes.replace(kept), *shred.versions(vault, gone), changes.move_quota(file.owner_id, freed)]
    if not in_trash:
        written.append(changes.replace_entry(kept))
    await vault.commit(written, [event])
    await shred.now_if_it_goes(vault, gone)
    return kept


async def thin(vault: Vault, file_id: FileId) -> None:
    """What the sweeper does when a file's versions fall due: delete those that the policy does not keep."""
    item = await vault.records.item(table.file(file_id))
    if item is None:
        await vault.commit([trash_changes.remove(table.thinning(file_id))])
        return
    file, now = items.file_from(item), vault.now()
    (lineage,) = await reach.lineages(vault, Actor(file.owner_id, Origin("sweep"), now), [file])
    stored = await all_of(vault, file.id)
    policy, nouns = Policy(vault.settings.versions_max), [each.version for each in stored]
    drop = () if lineage.in_trash else thinning.superfluous(nouns, now, policy)
    numbers = {version.number for version in drop[-_ERASED_AT_ONCE:]}
    if numbers:
        event = deeds.by_worker(
            vault,
            "sweep",
            EventName.VERSION_THINNED,
            file.id,
            request_id="sweep",
            topics=(file.id, file.parent_id),
            numbers=sorted(numbers),
        )
        await _erase(vault, file, [each for each in stored if each.version.number in numbers], event)
    await _look_again(
        vault, file.id, waiting=len(thinning.unlabelled(nouns)) - len(numbers), more=len(drop) > len(numbers)
    )


async def _look_again(vault: Vault, file_id: FileId, *, waiting: int, more: bool) -> None:
    """Every day, as long as there are older versions that will not be kept for ever."""
    if waiting:
        at = vault.now() + (timedelta(0) if more else THIN_AGAIN)
        await vault.commit([trash_changes.thin_again(file_id, at)])
    else:
        await vault.commit([trash_changes.remove(table.thinning(file_id))])
