"""Who may do what to an item, and why: the one place that decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vaultstream.errors import Code, VaultError, not_found
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId, UserId
from vaultstream.links import ShareLink
from vaultstream.shares import Role, Share

__all__ = ["NEEDS", "Decision", "Deed", "Lineage", "Role", "capabilities", "decide", "decide_link", "require"]


class Deed(StrEnum):
    """What a person may want to do to an item. PURGE is for ever; what is in the trash can be read and purged only."""

    READ = "READ"
    DOWNLOAD = "DOWNLOAD"
    COMMENT = "COMMENT"
    EDIT = "EDIT"
    SHARE = "SHARE"
    DELETE = "DELETE"
    RESTORE = "RESTORE"
    PURGE = "PURGE"


NEEDS = {
    Deed.READ: Role.VIEWER,
    Deed.DOWNLOAD: Role.VIEWER,
    Deed.COMMENT: Role.COMMENTER,
    Deed.EDIT: Role.EDITOR,
    Deed.SHARE: Role.MANAGER,
    Deed.DELETE: Role.EDITOR,
    Deed.RESTORE: Role.OWNER,
    Deed.PURGE: Role.OWNER,
}
_IN_TRASH = {Deed.READ, Deed.RESTORE, Deed.PURGE}


@dataclass(frozen=True, slots=True)
class Lineage:
    """An item, the folders above it from the nearest to the top, and one person's shares on any of them."""

    item: Folder | File
    above: tuple[Folder, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def in_trash(self) -> bool:
        """Whether it was thrown away, by itself or with a folder above it."""
        return any(it.trashed_at is not None for it in (self.item, *self.above))

    def holding(self, now: datetime) -> Iterator[Share]:
        """The shares that count now: not expired, and on the item or on a folder that really is above it."""
        places: set[ItemId] = {self.item.id, *(folder.id for folder in self.above)}
        return (share for share in self.shares if share.holds(now) and share.item_id in places)


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with its reason; `role` is None for a stranger, who must not learn that the item is there.

    `via` is the share that gives the role, None for an owner or a stranger.
    """

    allowed: bool
    role: Role | None
    why: str
    via: Share | None = None


def decide(user_id: UserId, deed: Deed, lineage: Lineage, now: datetime) -> Decision:
    """May this person do this deed to this item at this moment?"""
    role, via = _standing(user_id, lineage, now)
    if role is None:
        return Decision(False, None, "nothing of it is shared with them")
    if role < NEEDS[deed]:
        return Decision(False, role, f"it needs the role {NEEDS[deed].name}", via)
    if lineage.in_trash and deed not in _IN_TRASH:
        return Decision(False, role, "it is in the trash", via)
    item = lineage.item
    if isinstance(item, Folder) and item.is_root and deed in {Deed.DELETE, Deed.RESTORE, Deed.PURGE, Deed.SHARE}:
        return Decision(False, role, "a top folder stays its owner's alone", via)
    if via is None:
        return Decision(True, role, "they own it")
    where = "on it" if via.item_id == item.id else "on a folder above it"
    return Decision(True, role, f"{role.name} by a share {where}", via)


def _standing(user_id: UserId, lineage: Lineage, now: datetime) -> tuple[Role | None, Share | None]:
    """The best role of this person, and the share that gives it longest; what is in the trash is its owner's."""
    if lineage.item.owner_id == user_id:
        return Role.OWNER, None
    if lineage.in_trash:
        return None, None
    mine = [share for share in lineage.holding(now) if share.grantee_id == user_id]
    best = max(mine, key=lambda share: (share.role, share.expires_at is None, share.expires_at or now), default=None)
    return (None, None) if best is None else (best.role, best)


def decide_link(link: ShareLink, deed: Deed, lineage: Lineage, now: datetime) -> Decision:
    """May whoever holds this link do this deed to this item at this moment?"""
    places: set[ItemId] = {lineage.item.id, *(folder.id for folder in lineage.above)}
    if not link.holds(now) or link.item_id not in places or lineage.in_trash:
        return Decision(False, None, "the link does not lead to it")
    if link.terms.role < NEEDS[deed]:
        return Decision(False, link.terms.role, f"it needs the role {NEEDS[deed].name}")
    if deed is Deed.DOWNLOAD and link.terms.view_only:
        return Decision(False, link.terms.role, "the link is for viewing only")
    return Decision(True, link.terms.role, f"{link.terms.role.name} by a link")


def require(user_id: UserId, deed: Deed, lineage: Lineage | None, now: datetime) -> Decision:
    """The decision by which it may be done; raises NOT_FOUND to a stranger, FORBIDDEN to who may see it."""
    if lineage is None:
        raise not_found()
    decision = decide(user_id, deed, lineage, now)
    if decision.role is None:
        raise not_found()
    if not decision.allowed:
        raise VaultError(Code.FORBIDDEN, f"You may see this item, but not do this: {decision.why}.")
    return decision


def capabilities(user_id: UserId, lineage: Lineage, now: datetime) -> dict[Deed, bool]:
    """All the answers at once, as a page shows them."""
    return {deed: decide(user_id, deed, lineage, now).allowed for deed in Deed}
