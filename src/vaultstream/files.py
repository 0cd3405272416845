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

    def placed(self, parent_id: FolderId, name: str, at: datetime) -> "File":
        """The file under another name or in another folder, or both."""
        return self._changed(at, parent_id=parent_id, name=name)

    def tagged(self, tags: tuple[str, ...], at: datetime) -> "File":
        """The file with these tags in place of those it had."""
        return self._changed(at, tags=tags)

    def _changed(self, at: datetime, **fields: object) -> "File":
        counted = {"updated_at": at, "revision": self.revision + 1, "stamp": self.stamp + 1}
        return replace(self, **fields, **counted)  # type: ignore[arg-type]  # the callers' fields are of their types

    def trashed(self, at: datetime) -> "File":
        """The file as it is in the trash; it keeps its parent, its name and its versions."""
        return replace(self, trashed_at=at, revision=self.revision + 1, stamp=self.stamp + 1)

    def restored(self, parent_id: FolderId, name: str, at: datetime) -> "File":
        """The file as it came out of the trash."""
        return replace(
            self,
            parent_id=parent_id,
            name=name,
            updated_at=at,
            trashed_at=None,
            revision=self.revision + 1,
            stamp=self.stamp + 1,
        )
