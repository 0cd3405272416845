"""Folders: the tree in which items have their names."""

from dataclasses import dataclass, replace
from datetime import datetime

from vaultstream.ids import FolderId, UserId


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder. `revision` counts what people changed; `stamp` counts every write and guards the next one."""

    id: FolderId
    owner_id: UserId
    parent_id: FolderId | None
    name: str
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    revision: int = 1
    stamp: int = 1

    @property
    def is_root(self) -> bool:
        """A person's own top folder: it has no name of its own choosing, and it stays where it is."""
        return self.parent_id is None

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
