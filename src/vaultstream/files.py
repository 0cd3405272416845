"""Files: a name in a folder, and the version that is shown under it."""

from dataclasses import dataclass, replace
from datetime import datetime

from vaultstream.ids import FileId, FolderId, UserId
from vaultstream.versions import Version


@dataclass(frozen=True, slots=True)
class File:
    """A file with its current version. `revision` counts what people changed; `stamp` counts every write."""

    id: FileId
    owner_id: UserId
    parent_id: FolderId
    name: str
    created_at: datetime
    updated_at: datetime
    current: Version
    tags: tuple[str, ...] = ()
    trashed_at: datetime | None = None
    revision: int = 1
    stamp: int = 1

    def with_version(self, version: Version, at: datetime) -> "File":
        """The file after a person stored a newer version."""
        if version.number <= self.current.number:
            raise ValueError("a new version has a higher number")
        return replace(self, current=version, updated_at=at, revision=self.revision + 1, stamp=self.stamp + 1)

    def observing(self, version: Version) -> "File":
        """The file after a worker found something out about one of its versions (scan, thumbnail, tier)."""
        current = version if version.id == self.current.id else self.current
        return replace(self, current=current, stamp=self.stamp + 1)
