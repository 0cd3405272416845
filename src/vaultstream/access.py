"""Who may do what to an item, and why: the one place that decides."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from vaultstream.errors import Code, VaultError, not_found
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import UserId


class Role(IntEnum):
    """What a person is to an item; each role may do all that the ones below it may."""

    VIEWER = 1
    COMMENTER = 2
    EDITOR = 3
    MANAGER = 4
    OWNER = 5


class Deed(StrEnum):
    """What a person may want to do to an item."""

    READ = "READ"
    DOWNLOAD = "DOWNLOAD"
    COMMENT = "COMMENT"
    EDIT = "EDIT"
    SHARE = "SHARE"
    DELETE = "DELETE"


NEEDS = {
    Deed.READ: Role.VIEWER,
    Deed.DOWNLOAD: Role.VIEWER,
    Deed.COMMENT: Role.COMMENTER,
    Deed.EDIT: Role.EDITOR,
    Deed.SHARE: Role.MANAGER,
    Deed.DELETE: Role.EDITOR,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with its reason; `role` is None for a stranger, who must not learn that the item is there."""

    allowed: bool
    role: Role | None
    why: str


def decide(user_id: UserId, deed: Deed, item: Folder | File) -> Decision:
    """May this person do this deed to this item?"""
    role = role_of(user_id, item)
    if role is None:
        return Decision(False, None, "no grant")
    if role < NEEDS[deed]:
        return Decision(False, role, f"{deed} needs {NEEDS[deed].name}")
    if deed is Deed.DELETE and isinstance(item, Folder) and item.is_root:
        return Decision(False, role, "a top folder stays")
    return Decision(True, role, role.name.lower())


def role_of(user_id: UserId, item: Folder | File) -> Role | None:
    """The best role this person has on this item."""
    return Role.OWNER if item.owner_id == user_id else None


def require(user_id: UserId, deed: Deed, item: Folder | File | None) -> Role:
    """The role under which the deed may be done; raises NOT_FOUND to a stranger, FORBIDDEN to who may see it."""
    kind = "folder" if isinstance(item, Folder) else "file" if isinstance(item, File) else "item"
    if item is None:
        raise not_found()
    decision = decide(user_id, deed, item)
    if decision.role is None:
        raise not_found()
    if not decision.allowed:
        raise VaultError(Code.FORBIDDEN, f"You may see this {kind}, but not do this: {decision.why}.")
    return decision.role


def capabilities(user_id: UserId, item: Folder | File) -> dict[Deed, bool]:
    """All the answers at once, as a page shows them."""
    return {deed: decide(user_id, deed, item).allowed for deed in Deed}
