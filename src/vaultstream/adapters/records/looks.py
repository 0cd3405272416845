"""When to ask S3 how it keeps a version: an item of its own, so that it falls due whatever else does."""

from dataclasses import dataclass
from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, Change
from vaultstream.adapters.records.moments import moment
from vaultstream.ids import VersionId
from vaultstream.versions import Version

DUE = "LOOK"


@dataclass(frozen=True, slots=True)
class Look:
    """The version to look at."""

    version_id: VersionId
    number: int


def look_by(version: Version | Look, at: datetime | None) -> Change:
    """The version is to be looked at at this time, and no other; None for never again."""
    version_id = version.id if isinstance(version, Version) else version.version_id
    key = table.look(version_id).attributes()
    if at is None:
        return Change("Delete", {"Key": to_attributes(key)}, CHANGED_UNDERNEATH)
    item = key | {
        "version_id": version_id,
        "number": version.number,
        table.GSI3.pk: table.due_shard(DUE, version_id),
        table.GSI3.sk: f"{moment(at)}#{version_id}",
    }
    return Change("Put", {"Item": to_attributes(item)}, CHANGED_UNDERNEATH)


def look_from(item: Item) -> Look:
    """The look in its item."""
    return Look(item["version_id"], item["number"])
