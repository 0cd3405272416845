"""Where versions are kept: what S3 does by itself is written down, and what was archived is restored on demand.

S3 is asked each time: its events only say when to look, so their order and number do not matter. What no event told
of falls due in the table, and the sweeper looks.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from vaultstream import table, tiers
from vaultstream.access import Deed
from vaultstream.actions import deeds, download, process, reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.blobs import BlobGone
from vaultstream.adapters.records import changes, looks, version_items
from vaultstream.adapters.records.looks import Look
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId, file_of
from vaultstream.sealed import body_size
from vaultstream.versions import Kept, RestoreStatus, StoredVersion, Tiering, Version

LATE = timedelta(days=2)  # S3 begins with a rule's work at midnight, and may take its time
AGAIN = timedelta(days=1)
SOON = timedelta(minutes=1)
LATER = timedelta(hours=1)
_VERSIONS_MAX = 1_000_000


def look_at(stored: StoredVersion, now: datetime) -> datetime | None:
    """When to ask S3 for what no event may have told; None for what stays where it is."""
    version, tiering = stored.version, stored.version.tiering
    if tiering.asked_days is not None:
        return now + SOON
    if tiering.restore is RestoreStatus.IN_PROGRESS:
        return max(tiering.expected_at or now, now) + LATER
    if tiering.restore is RestoreStatus.RESTORED and tiering.restored_until is not None:
        return max(tiering.restored_until, now) + LATER
    rule = tiers.rule_for(stored.body.object_key, body_size(stored.body.plain_bytes))
    steps = rule.transitions if rule else ()
    colder = next((step for step in steps if step.to.rank > tiering.tier.rank), None)
    if colder is None:
        return None
    return max(version.created_at + timedelta(days=colder.after_days) + LATE, now + AGAIN)


async def restore(vault: Vault, actor: Actor, file_id: FileId, number: int | None, days: int) -> Version:
    """Ask for an archived version (the current one for None) to be readable for some days, from when it is restored.

    Asking again changes nothing while it is on its way, and keeps a copy that is there for longer. S3 is told by the
    lifecycle worker. Raises NOT_FOUND, FORBIDDEN, INVALID, NOT_SCANNED, INFECTED, or CONFLICT for what is not archived.
    """
    if not 1 <= days <= tiers.RESTORE_DAYS_MAX:
        raise VaultError(Code.INVALID, f"Restore it for 1 to {tiers.RESTORE_DAYS_MAX} days.", path=("days",))
    file = await reach.file(vault, actor, file_id, Deed.DOWNLOAD)
    found = await process.load(vault, file.id, number)
    if found is None:
        raise not_found("version")
    await download.require_clean(vault, actor, file, found[1].version)

    number = found[1].version.number
    return await again(lambda: _restore(vault, actor, file.id, number, days))


async def _restore(vault: Vault, actor: Actor, file_id: FileId, number: int, days: int) -> Version:
    found = await process.load(vault, file_id, number)
    if found is None:
        raise not_found("version")
    file, stored = found
    now = vault.now()
    asked = _asked(stored, days, now)
    if asked is None:
        return stored.version

    def told(file: File, _: StoredVersion) -> Event:
        return deeds.by_person(
            vault,
            actor,
            EventName.STORAGE_RESTORE_ASKED,
            file.id,
            topics=(file.id, file.parent_id),
            version_number=number,
            days=days,
        )

    if not await process.kept(vault, file, asked, told, looks.look_by(asked.version, look_at(asked, now))):
        raise changes.changed_underneath()
    return asked.version


def _asked(stored: StoredVersion, days: int, now: datetime) -> StoredVersion | None:
    tiering = stored.version.tiering.at(now)
    if not tiering.tier.is_archive:
        raise VaultError(Code.CONFLICT, f"It is kept as {tiering.tier} and can be read as it is: download it.")
    if tiering.restore is RestoreStatus.IN_PROGRESS or _is_there(tiering.restored_until, days, now):
        return None
    asked = tiering.asked(days, now + timedelta(hours=tiers.RESTORE_HOURS))
    return replace(stored, version=replace(stored.version, tiering=asked))


def _is_there(until: datetime | None, days: int, now: datetime) -> bool:
    return until is not None and until >= now + timedelta(days=days)


async def hear(vault: Vault, event: Event) -> None:
    """Look at the version that an event is of: S3's own, or a person's wish to have it restored."""
    file_id, number = event.item_id, event.version_number
    if file_id is None:
        return
    version = await _version(vault, FileId(file_id), number, event.details.get("version_id"))
    if version is not None:
        await look(vault, Look(version.id, version.number), event)


async def _version(vault: Vault, file_id: FileId, number: int | None, version_id: object) -> Version | None:
    """By its number, or by its id, which is all that S3 knows."""
    if number is not None:
        found = await process.load(vault, file_id, number)
        return found[1].version if found else None
    items = await vault.records.collection(
        table.file(file_id).pk, after=table.VERSION, until=table.VERSION_END, limit=_VERSIONS_MAX
    )
    known = (version_items.stored_version_from(item).version for item in items)
    return next((version for version in known if version.id == version_id), None)


async def look(vault: Vault, at: Look, event: Event | None = None) -> None:
    """Ask S3 how a version is kept, tell it what it was not told, and write down what is so; twice changes nothing.

    S3 is asked after the version was read, and what it says is written only if nobody wrote the version since: so
    an older answer never follows a newer one.
    """
    for _ in range(process.TRIES):
        found = await process.load(vault, file_of(at.version_id), at.number)
        if found is None:
            await vault.commit([looks.look_by(at, None)])
            return
        file, stored = found
        seen, now = await _asked_of_s3(vault, stored), vault.now()
        if seen is None:  # the integrity scrub tells of it
            await vault.commit([looks.look_by(at, now + AGAIN)])
            return
        tiering = seen[0].seen(seen[1], _when(seen[1], event, now))
        stepped = replace(stored, version=replace(stored.version, tiering=tiering))
        next_look = looks.look_by(at, look_at(stepped, now))
        if stepped == stored:
            await vault.commit([next_look])
            return
        if await process.kept(vault, file, stepped, _told(vault, tiering, event), next_look):
            return
    raise changes.changed_underneath()


async def _asked_of_s3(vault: Vault, stored: StoredVersion) -> tuple[Tiering, Kept] | None:
    """What was known, and how S3 keeps the object once it was told what somebody asked; None where there is none."""
    key, tiering = stored.body.object_key, stored.version.tiering
    kept = await vault.blobs.kept(key)
    if kept is None or tiering.asked_days is None or not kept.tier.is_archive:
        return None if kept is None else (tiering, kept)
    try:
        await vault.blobs.restore(key, tiering.asked_days)
    except BlobGone:
        return None
    kept = await vault.blobs.kept(key)
    return None if kept is None else (replace(tiering, asked_days=None), kept)


def _when(kept: Kept, event: Event | None, now: datetime) -> datetime:
    """Since when it is kept so, if it is this that the event tells; else it is only known to be so now."""
    return event.at if event is not None and event.details.get("tier") == kept.tier else now


def _told(vault: Vault, tiering: Tiering, event: Event | None) -> process.Told:
    request_id = event.request_id if event else "sweep"
    outcome = {"tier": tiering.tier.value, "restore": tiering.restore.value}
    return process.worker_event(vault, "lifecycle", EventName.STORAGE_CHANGED, request_id, **outcome)
