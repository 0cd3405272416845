"""Search: the index proposes, the table and the one function of access decide what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from vaultstream import access, cursors, table
from vaultstream.access import Deed
from vaultstream.actions import reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import share_items
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId
from vaultstream.search import Place, Scope, Sought

SHARES_MAX = 1000  # of what is shared with a person, the newest so many are searched
_PAGE_MAX = 100
_EXAMINED = (2_000, 20_000, 20_000, 20_000, 20_000)  # matching rows of the index in each round for one page
_SHARED = "GRANT#"


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Items with the cursor of each; `end` is where to go on where that is not after the last of them."""

    items: tuple[Folder | File, ...]
    cursors: tuple[str, ...]
    has_next: bool
    end: str | None = None


async def search(vault: Vault, actor: Actor, sought: Sought, first: int, after: str | None = None) -> SearchPage:
    """What the actor may see of what is sought, as it is now.

    The index may lag a moment. A page may be shorter than `first` and says where to go on, since it examines a
    bounded part of the index. Raises INVALID for a cursor of another list, SearchUnavailable while PostgreSQL is down.
    """
    limit, cursor = min(first, _PAGE_MAX), partial(_cursor, vault, actor, sought)
    place = _place(vault, actor, sought, after) if after else None
    scope = await _scope(vault, actor, sought)
    found: list[tuple[str, Folder | File]] = []
    for examined in _EXAMINED:
        proposed = await vault.search_index.candidates(sought, scope, place, limit + 1, examined=examined)
        known = {it.id: it for it in await _true(vault, actor, sought, [each.id for each in proposed.found])}
        found += [(cursor(each), known[each.id]) for each in proposed.found if each.id in known]
        if len(found) > limit or proposed.end is None:
            return _cut(found, limit, has_next=len(found) > limit)
        place = proposed.end
    page = _cut(found, limit, has_next=True)
    return SearchPage(page.items, page.cursors, True, cursor(place) if place else None)


async def _scope(vault: Vault, actor: Actor, sought: Sought) -> Scope:
    """The actor's own things and those of people who share with them, as far as they are asked for."""
    own, owner_id = actor.user_id, sought.where.owner_id
    if sought.where.in_trash or owner_id == own:
        return Scope(own, (own,) if owner_id in {None, own} else ())
    shared = await _shared(vault, actor)
    owners = sorted({own, *(it.owner_id for it in shared)})
    return Scope(own, tuple(each for each in owners if owner_id in {None, each}), tuple(it.id for it in shared))


async def _shared(vault: Vault, actor: Actor) -> list[Folder | File]:
    """The items that somebody shares with the actor, by an index that may lag a moment."""
    pk, now = table.persons_things(actor.user_id), vault.now()
    found = await vault.records.things(pk, prefix=_SHARED, limit=SHARES_MAX)
    item_ids = [share.item_id for share in map(share_items.share_from, found) if share.holds(now)]
    return [it for it in await reach.load(vault, item_ids) if it is not None]


async def _true(vault: Vault, actor: Actor, sought: Sought, item_ids: Sequence[ItemId]) -> list[Folder | File]:
    """Those that are there, are what is sought, and may be seen: by the table, whatever the index says."""
    loaded = await reach.load(vault, item_ids)
    matching = [it for it in loaded if it is not None and sought.matches(it)]
    now = vault.now()
    return [
        lineage.item
        for lineage in await reach.lineages(vault, actor, matching)
        if lineage.in_trash == sought.where.in_trash and access.decide(actor.user_id, Deed.READ, lineage, now).allowed
    ]


def _cut(found: list[tuple[str, Folder | File]], limit: int, *, has_next: bool) -> SearchPage:
    page = found[:limit]
    return SearchPage(tuple(it for _, it in page), tuple(at for at, _ in page), has_next)


def _cursor(vault: Vault, actor: Actor, sought: Sought, place: Place) -> str:
    """Covered, since where a page ends there may be a name that is none of the actor's business."""
    prefix = sought.cursor_prefix
    return cursors.encode(prefix + vault.veil.cover(place.to_text(), prefix + actor.user_id))


def _place(vault: Vault, actor: Actor, sought: Sought, cursor: str) -> Place:
    prefix = sought.cursor_prefix
    covered = cursors.decode(cursor, prefix=prefix).removeprefix(prefix)
    return Place.from_text(vault.veil.uncover(covered, prefix + actor.user_id))
