"""What the watchers of one folder or file see at a moment: read once for all of them, judged for each."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from weakref import WeakKeyDictionary

from vaultstream import access, table
from vaultstream.access import Deed, Lineage
from vaultstream.actions import admit, reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import items, share_items
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId, UserId
from vaultstream.shares import Share

WATCHED_MAX = 10_000  # children of a folder, by name, that its watchers follow
_SHARES_MAX = 10_000  # of one item; who would come after them is refused
_JUDGED_FOR = timedelta(seconds=1)

Noun = Folder | File


class ChangeKind(StrEnum):
    """PRESENT is the folder itself as it was when the watch began; the others tell of what is in it."""

    PRESENT = "PRESENT"
    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True)
class FolderChange:
    """What became of a child of a folder, or of the folder itself; REMOVED has the child as it was last seen."""

    kind: ChangeKind
    item: Noun
    at: datetime


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Sight:
    """An item, what is above it, everybody's shares on any of these, and a folder's children: one value for all."""

    at: datetime
    item: Noun | None = None
    above: tuple[Folder, ...] = ()
    shares: Mapping[UserId, tuple[Share, ...]] = field(default_factory=dict)
    children: Mapping[ItemId, Noun] = field(default_factory=dict)
    _since: "WeakKeyDictionary[Sight, tuple[FolderChange, ...]]" = field(default_factory=WeakKeyDictionary)

    def lineage(self, actor: Actor) -> Lineage | None:
        """What decides what the actor may do; None where there is no such item."""
        if self.item is None:
            return None
        return Lineage(self.item, self.above, self.shares.get(actor.user_id, ()), actor.grant)

    def changes_since(self, old: "Sight") -> tuple[FolderChange, ...]:
        """What is different from an earlier sight, worked out once for all who saw that one."""
        known = self._since.get(old)
        if known is None:
            known = self._since[old] = tuple(_changes(old, self))
        return known


def _changes(old: Sight, new: Sight) -> Sequence[FolderChange]:
    changes = []
    if new.item and old.item and _is_newer(new.item, old.item):
        changes.append(FolderChange(ChangeKind.CHANGED, new.item, new.at))
    for item_id, child in new.children.items():
        before = old.children.get(item_id)
        if before is None:
            changes.append(FolderChange(ChangeKind.ADDED, child, new.at))
        elif _is_newer(child, before):
            changes.append(FolderChange(ChangeKind.CHANGED, child, new.at))
    gone = (child for item_id, child in old.children.items() if item_id not in new.children)
    return [*changes, *(FolderChange(ChangeKind.REMOVED, child, new.at) for child in gone)]


def _is_newer(now: Noun, before: Noun) -> bool:
    """Whether there is anything new to show: of files every write, of folders what people changed."""
    return now.stamp > before.stamp if isinstance(now, File) else now.revision > before.revision


class Sentry:
    """Lets one person look at one item for as long as they may."""

    def __init__(self, vault: Vault, actor: Actor, item_id: ItemId) -> None:
        self._vault = vault
        self._actor = actor
        self._item_id = item_id
        self._judged = Sight(vault.now())  # nothing is seen before the first look

    async def look(self) -> Sight:
        """What is there now; raises NOT_FOUND to who may not see it, UNAUTHENTICATED once their sign-in has ended."""
        self._judged = await look(self._vault, self._item_id)
        await admit.require_still(self._vault, self._actor)
        self._require()
        return self._judged

    async def judge(self) -> None:
        """Raise as `look` does, before each value that is told: by grants, and a token, read within the last second."""
        if self._vault.now() - self._judged.at > _JUDGED_FOR:
            await self.look()
        else:
            self._require()

    def _require(self) -> None:
        admit.require_signed_in(self._vault, self._actor)
        access.require(self._actor.user_id, Deed.READ, self._judged.lineage(self._actor), self._vault.now())


async def look(vault: Vault, item_id: ItemId) -> Sight:
    """The item as it is now, in one read for all who ask at the same time."""
    return await vault.live.look(item_id, partial(_read, vault, item_id))


async def _read(vault: Vault, item_id: ItemId, last: Sight | None) -> Sight:
    at = vault.now()
    (item, shares), children = await asyncio.gather(_head(vault, item_id), _children(vault, item_id))
    above: list[Folder] = []
    parent_id = item.parent_id if item else None
    while parent_id is not None and len(above) <= reach.DEPTH_MAX:
        parent, more = await _head(vault, parent_id)
        if not isinstance(parent, Folder):
            break
        above.append(parent)
        shares += more
        parent_id = parent.parent_id
    if last is not None:
        children |= await _overlooked(vault, item_id, last, children)
    return Sight(at, item, tuple(above), _by_person(shares), children)


async def _head(vault: Vault, item_id: ItemId) -> tuple[Noun | None, list[Share]]:
    key = table.item(item_id)
    item, grants = await asyncio.gather(
        vault.records.item(key),
        vault.records.collection(key.pk, after=table.GRANT, until=table.GRANT_END, limit=_SHARES_MAX),
    )
    return items.noun_from(item) if item else None, [share_items.share_from(grant) for grant in grants]


async def _children(vault: Vault, item_id: ItemId) -> dict[ItemId, Noun]:
    if not item_id.startswith("folder_"):
        return {}
    pk = table.item(item_id).pk
    entries = await vault.records.collection(pk, after=table.ENTRY, until=table.ENTRY_END, limit=WATCHED_MAX)
    return {child.id: child for child in map(items.child_from, entries) if child is not None}


async def _overlooked(
    vault: Vault, item_id: ItemId, last: Sight, children: Mapping[ItemId, Noun]
) -> dict[ItemId, Noun]:
    """Those of the last sight that are still there: a Query is no snapshot, and may miss what is renamed meanwhile."""
    missing = [child_id for child_id in last.children if child_id not in children]
    found = await reach.load(vault, missing) if missing else []
    return {it.id: it for it in found if it is not None and it.parent_id == item_id and it.trashed_at is None}


def _by_person(shares: Sequence[Share]) -> dict[UserId, tuple[Share, ...]]:
    people: dict[UserId, list[Share]] = {}
    for share in shares:
        people.setdefault(share.grantee_id, []).append(share)
    return {user_id: tuple(theirs) for user_id, theirs in people.items()}
