"""What is kept closed: let out what nobody could look into, with a reason; and who had what turned out infected."""

from dataclasses import dataclass, replace

from vaultstream.access import Deed
from vaultstream.actions import browse, deeds, process, reach
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.audit_query import Downloads
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.versions import Release, ScanStatus, StoredVersion, Version

REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who downloaded a version, the first of them first; at most `process.READERS_MAX`."""

    version: Version
    readers: tuple[Downloads, ...]


async def release(vault: Vault, actor: Actor, file_id: FileId, number: int | None, reason: str) -> File:
    """Let a version out that is UNSCANNABLE; who does it manages the file, comes in person, and says why.

    Another release changes nothing. Raises NOT_FOUND, FORBIDDEN, INVALID, and CONFLICT for any other verdict.
    """
    said = reason.strip()
    if not 0 < len(said) <= REASON_CHARACTERS_MAX or not said.isprintable():
        message = f"A reason has 1 to {REASON_CHARACTERS_MAX} printable characters."
        raise VaultError(Code.INVALID, message, path=("reason",))
    await reach.file(vault, actor, file_id, Deed.SHARE)
    if actor.grant is not None:
        raise VaultError(Code.FORBIDDEN, "No token can release a file: sign in yourself.")

    def step(stored: StoredVersion) -> StoredVersion | None:
        scan = stored.version.scan
        if scan.status is not ScanStatus.UNSCANNABLE:
            raise VaultError(Code.CONFLICT, f"The scan is {scan.status}: only what is UNSCANNABLE can be released.")
        if scan.release is not None:
            return None
        freed = scan.released(Release(actor.user_id, vault.now(), said))
        return replace(stored, version=replace(stored.version, scan=freed))

    def told(file: File, stored: StoredVersion) -> Event:
        topics, number = (file.id, file.parent_id), stored.version.number
        return deeds.by_person(
            vault, actor, EventName.VERSION_RELEASED, file.id, topics=topics, version_number=number, why=said
        )

    await process.advance(vault, file_id, number, step, told)
    found = await process.load(vault, file_id, number)
    if found is None:
        raise not_found("version")
    return found[0]


async def exposure(vault: Vault, actor: Actor, file_id: FileId, number: int | None) -> Exposure:
    """Who downloaded a version (the current one for None), for those who manage the file.

    Raises NOT_FOUND, FORBIDDEN, and UNAVAILABLE while the audit log cannot be asked.
    """
    file = await reach.file(vault, actor, file_id, Deed.SHARE)
    stored = await browse.stored_version(vault, file, number)
    if stored is None:
        raise not_found("version")
    version = stored.version
    found = await vault.audit_log.downloads_of(file.id, version.number, process.READERS_MAX)
    return Exposure(version, tuple(found))
