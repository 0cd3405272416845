"""Shares: what one person was given on a folder or file, by whom, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from vaultstream.ids import ItemId, ShareId, UserId, share_id


class Role(IntEnum):
    """What a person is to an item; each role may do all that the ones below it may."""

    VIEWER = 1
    COMMENTER = 2
    EDITOR = 3
    MANAGER = 4
    OWNER = 5


@dataclass(frozen=True, slots=True)
class Share:
    """A grant of a role (VIEWER to MANAGER) on an item and on all that lies under it."""

    item_id: ItemId
    grantee_id: UserId
    role: Role
    granted_by: UserId
    created_at: datetime
    expires_at: datetime | None = None
    stamp: int = 1

    def __post_init__(self) -> None:
        """Ownership is not given by a share."""
        if self.role is Role.OWNER:
            raise ValueError("a share makes nobody an owner")

    @property
    def id(self) -> ShareId:
        """Known by what is shared and with whom."""
        return share_id(self.item_id, self.grantee_id)

    def holds(self, now: datetime) -> bool:
        """Whether it is good at this moment."""
        return self.expires_at is None or now < self.expires_at
