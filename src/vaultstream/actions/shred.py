"""Remove what shredded versions have left in S3: after their keys, and as often as it takes."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from vaultstream.adapters.records import trash_changes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.trash import Shred, shred_of
from vaultstream.versions import StoredVersion

_LOOK_AGAIN = timedelta(seconds=60)


def versions(vault: Vault, gone: Sequence[StoredVersion]) -> list[Change]:
    """The changes that delete versions with their headers, so that no key opens their objects from then on, and note
    the objects.
    """
    again_at = vault.now() + _LOOK_AGAIN
    noted = [trash_changes.keep_shred(shred_of(stored), again_at) for stored in gone]
    return [*map(trash_changes.drop_version, gone), *noted]


async def objects(vault: Vault, shreds: Sequence[Shred]) -> None:
    """Remove the objects, then the note of them; once more changes nothing. Raises UNAVAILABLE."""
    for shred in shreds:
        for key in shred.object_keys:
            await vault.blobs.delete(key)
        await vault.commit([trash_changes.end_shred(shred)])


async def now_if_it_goes(vault: Vault, gone: Sequence[StoredVersion]) -> None:
    """Remove the objects of versions that were just deleted; what fails, the sweeper does."""
    with suppress(VaultError):
        await objects(vault, [shred_of(stored) for stored in gone])
