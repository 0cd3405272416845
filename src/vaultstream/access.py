"""Who may do what to an item, and why: the one place that decides."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from vaultstream.errors import Code, VaultError, not_found
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId, UserId
from vaultstream.links import ShareLink
from vaultstream.shares import Role, Share
from vaultstream.tokens import Grant, Scope

__all__ = [
    "NEEDS",
    "SCOPES",
    "Decision",
    "Deed",
    "Lineage",
    "Role",
    "alike",
    "capabilities",
    "decide",
    "decide_link",
    "require",
    "require_scope",
]


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
# What a token must be for; None where a person must come in person, since no program can be let to do it.
SCOPES: Mapping[Deed, Scope | None] = MappingProxyType(
    {
        Deed.READ: Scope.READ,
        Deed.DOWNLOAD: Scope.READ,
        Deed.COMMENT: Scope.WRITE,
        Deed.EDIT: Scope.WRITE,
        Deed.SHARE: Scope.SHARE,
        Deed.DELETE: Scope.WRITE,
        Deed.RESTORE: Scope.WRITE,
        Deed.PURGE: None,
    }
)
_IN_TRASH = {Deed.READ, Deed.RESTORE, Deed.PURGE}
_OFF_THE_TOP = {Deed.DELETE, Deed.RESTORE, Deed.PURGE, Deed.SHARE}


@dataclass(frozen=True, slots=True)
class Lineage:
    """An item, the folders above it from the nearest to the top, and one person's shares on any of them.

    `grant` is that of the token by which the person's program comes; None for the person.
    """

    item: Folder | File
    above: tuple[Folder, ...] = ()
    shares: tuple[Share, ...] = ()
    grant: Grant | None = None

    @property
    def in_trash(self) -> bool:
        """Whether it was thrown away, by itself or with a folder above it."""
        return self.item.trashed_at is not None or any(it.trashed_at is not None for it in self.above)

    def holding(self, now: datetime) -> Iterator[Share]:
        """The shares that count now: not expired, and on the item or on a folder that really is above it."""
        places = self.places
        return (share for share in self.shares if share.holds(now) and share.item_id in places)

    @property
    def places(self) -> set[ItemId]:
        """The item itself and all that is above it."""
        return {self.item.id, *(folder.id for folder in self.above)}

    @property
    def is_out_of_bounds(self) -> bool:
        """Whether it lies outside the folder to which the token is bound."""
        bound = None if self.grant is None else self.grant.folder_id
        return bound is not None and bound not in self.places


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
    """May this person do this deed to this item at this moment, or the program that comes by a token of theirs?

    A program may do what its person may, if its token is for such deeds and the item within the token's bounds.
    """
    if lineage.is_out_of_bounds:
        return Decision(False, None, "it lies outside the folder of the token")
    decision = _decide(user_id, deed, lineage, now)
    lacking = _lacking(_scopes(lineage.grant), deed)
    return replace(decision, allowed=False, why=lacking) if decision.allowed and lacking else decision


def _scopes(grant: Grant | None) -> frozenset[Scope] | None:
    return None if grant is None else grant.scopes


def _lacking(scopes: frozenset[Scope] | None, deed: Deed) -> str | None:
    """Why a token is not for such a deed; None where it is, or where there is none."""
    scope = SCOPES[deed]
    if scopes is None or scope in scopes:
        return None
    return f"the token needs the scope {scope}" if scope else "no token can do it, so sign in yourself"


def _decide(user_id: UserId, deed: Deed, lineage: Lineage, now: datetime) -> Decision:
    role, via = _standing(user_id, lineage, now)
    refusal = _refusal(deed, role, in_trash=lineage.in_trash, is_top=_is_top(lineage.item))
    if refusal is not None:
        return Decision(False, role, refusal, via)
    if role is None or via is None:
        return Decision(True, role, "they own it")
    where = "on it" if via.item_id == lineage.item.id else "on a folder above it"
    return Decision(True, role, f"{role.name} by a share {where}", via)


def _refusal(deed: Deed, role: Role | None, *, in_trash: bool, is_top: bool) -> str | None:
    """Why who is this to an item may not do this deed to it; None where they may."""
    if role is None:
        return "nothing of it is shared with them"
    if role < NEEDS[deed]:
        return f"it needs the role {NEEDS[deed].name}"
    if in_trash and deed not in _IN_TRASH:
        return "it is in the trash"
    return "a top folder stays its owner's alone" if is_top and deed in _OFF_THE_TOP else None


def _is_top(item: Folder | File) -> bool:
    return isinstance(item, Folder) and item.is_root


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
    if not link.holds(now) or link.item_id not in lineage.places or lineage.in_trash:
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


def require_scope(grant: Grant | None, deed: Deed) -> None:
    """Raise FORBIDDEN where a token is not for such deeds, whatever they are done to."""
    if lacking := _lacking(_scopes(grant), deed):
        raise VaultError(Code.FORBIDDEN, f"This cannot be done by this token: {lacking}.")


def capabilities(user_id: UserId, lineage: Lineage, now: datetime) -> Mapping[Deed, bool]:
    """All the answers at once."""
    role = None if lineage.is_out_of_bounds else _standing(user_id, lineage, now)[0]
    return _able(role, lineage.in_trash, _is_top(lineage.item), _scopes(lineage.grant))


def alike(user_id: UserId, it: Folder | File) -> Hashable:
    """The same for items about which all answers are the same: one's own files in one folder differ in no respect that
    decides, but in whether they were thrown away.
    """
    if isinstance(it, File) and it.owner_id == user_id:
        return File, it.parent_id, it.trashed_at is None
    return it.id, it.stamp


@lru_cache
def _able(
    role: Role | None, in_trash: bool, is_top: bool, scopes: frozenset[Scope] | None
) -> Mapping[Deed, bool]:  # the items of a page are mostly alike
    return MappingProxyType(
        {
            deed: _refusal(deed, role, in_trash=in_trash, is_top=is_top) is None and _lacking(scopes, deed) is None
            for deed in Deed
        }
    )
