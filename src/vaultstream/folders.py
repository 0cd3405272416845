"""Folders: the tree in which items have their names."""

from dataclasses import dataclass, replace
from datetime import datetime

from vaultstream.ids import FolderId, UserId


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder. `revision` counts what people changed; `stamp` counts every write and guards the next one.

    `height` bounds the levels of folders below it: it grows before a level is added and is never lowered.
    """

    id: FolderId
    owner_id: UserId
    parent_id: FolderId | None
    name: str
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    revision: int = 1
    stamp: int = 1
    height: int = 0

    @property
    def is_root(self) -> bool:
        """A person's own top folder: it has no name of its own choosing, and it stays where it is."""
        return self.parent_id is None

    def trashed(self, at: datetime) -> "Folder":
        """The folder as it is in the trash; it keeps its parent and its name, to come back to."""
        return replace(self, trashed_at=at, revision=self.revision + 1, stamp=self.stamp + 1)

    def restored(self, parent_id: FolderId, name: str, at: datetime) -> "Folder":
        """The folder as it came out of the trash."""
        return replace(self.placed(parent_id, name, at), trashed_at=None)

    def placed(self, parent_id: FolderId, name: str, at: datetime) -> "Folder":
        """The folder under another name or another parent, or both."""
        return replace(
            self,
            parent_id=parent_id,
            name=name,
            updated_at=at,
            revision=self.revision + 1,
            stamp=self.stamp + 1,
        )

    def reaching(self, height: int) -> "Folder":
        """The folder once there may be so many levels of folders below it."""
        return replace(self, height=max(self.height, height), stamp=self.stamp + 1)
