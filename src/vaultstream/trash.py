"""What is on its way out of the vault: purges under way, and objects whose keys are shredded."""

from dataclasses import dataclass

from vaultstream.ids import ItemId, UserId, VersionId
from vaultstream.versions import StoredVersion


@dataclass(frozen=True, slots=True)
class Purge:
    """A folder or file that goes for ever, with all that is in it, by order of this request."""

    item_id: ItemId
    owner_id: UserId
    request_id: str


@dataclass(frozen=True, slots=True)
class Shred:
    """The S3 objects of a version whose headers, and with them the keys, are gone: nothing opens them any more."""

    version_id: VersionId
    object_keys: tuple[str, ...]


def shred_of(stored: StoredVersion) -> Shred:
    """What a version leaves in S3: its own object and its thumbnails'."""
    bodies = (stored.body, *stored.thumbnails.values())
    return Shred(stored.version.id, tuple(body.object_key for body in bodies))
