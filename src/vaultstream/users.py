"""People, and what their files take of their quota."""

from dataclasses import dataclass
from datetime import datetime

from vaultstream.ids import FolderId, UserId


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of plaintext by what holds them; together with `left_bytes` they always make `quota_bytes`."""

    quota_bytes: int
    live_bytes: int = 0
    version_bytes: int = 0
    trash_bytes: int = 0
    reserved_bytes: int = 0

    @property
    def left_bytes(self) -> int:
        """What may still be reserved."""
        used = self.live_bytes + self.version_bytes + self.trash_bytes + self.reserved_bytes
        return self.quota_bytes - used


@dataclass(frozen=True, slots=True)
class User:
    """A person, known by a verified e-mail address."""

    id: UserId
    email: str
    display_name: str
    root_folder_id: FolderId
    storage: Storage
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What others see of a person; the address only where it is theirs to see."""

    id: UserId
    display_name: str
    created_at: datetime
    email: str | None = None
