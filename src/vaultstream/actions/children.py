"""What a folder holds, chosen and ordered: by name from the table's own order, by anything else after sorting.

Every read is strongly consistent and bounded. By name, one page looks at `SCANNED_MAX` entries at most, and says
where to go on. Any other order needs all the entries at once, so that it is for folders of `SORTED_MAX` at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vaultstream import cursors, table
from vaultstream.actions import browse
from vaultstream.actions.together import together
from vaultstream.actor import Actor
from vaultstream.adapters.records import items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId
from vaultstream.listing import BY_NAME, EVERYTHING, ItemOrder, ItemOrderField, ItemWhere, position
from vaultstream.names import FOLDED_BYTES_MAX

SCANNED_MAX = 1000
SORTED_MAX = 2000
_PAGE_MAX = 100
_LAST_CHARACTER = "\U0010ffff"
_Place = tuple[str, Folder | File]


@dataclass(frozen=True, slots=True)
class ListingKey:
    """Which children of a folder: the first so many (1 to 100) after a cursor, of those that match, in this order."""

    folder_id: FolderId
    first: int
    after: str | None = None
    where: ItemWhere = EVERYTHING
    order: ItemOrder = BY_NAME


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Children with the cursor of each; `end` is where to go on where that is not after the last of them."""

    children: tuple[Folder | File, ...]
    cursors: tuple[str, ...]
    has_next: bool
    end: str | None = None


def cursor_prefix(order: ItemOrder) -> str:
    """How the cursors of this order begin: those of another order are refused."""
    return table.ENTRY if order.field is ItemOrderField.NAME else f"{order.field}#"


async def listed_pages(vault: Vault, actor: Actor, keys: Sequence[ListingKey]) -> list[ListedPage | None]:
    """A page of each folder; None where the actor may not read it. Raises INVALID for what cannot be ordered."""
    seen = await browse.folders(vault, actor, [key.folder_id for key in keys])
    asked = [key for key, folder in zip(keys, seen, strict=True) if folder is not None]
    pages = dict(zip(asked, await together(_page(vault, key) for key in asked), strict=True))
    return [pages.get(key) for key in keys]


async def _page(vault: Vault, key: ListingKey) -> ListedPage:
    if key.order.field is ItemOrderField.NAME:
        return await _by_name(vault, key)
    return await _sorted(vault, key)


async def _by_name(vault: Vault, key: ListingKey) -> ListedPage:
    first, forward = min(key.first, _PAGE_MAX), not key.order.descending
    low, high = _span(key.where)
    after = cursors.decode(key.after, prefix=table.ENTRY) if key.after else None
    found: list[_Place] = []
    for _ in range(SCANNED_MAX // _PAGE_MAX):
        pk, limit = table.folder(key.folder_id).pk, _PAGE_MAX
        entries = await vault.reads.between(pk, items.child_from, low, high, after=after, limit=limit, forward=forward)
        found += [(at, child) for at, child in entries if child is not None and key.where.matches(child)]
        if len(found) > first or len(entries) < limit:
            return _cut(found, first)
        after = entries[-1][0]
    page = _cut(found, first)
    return ListedPage(page.children, page.cursors, has_next=True, end=cursors.encode(after or low))


async def _sorted(vault: Vault, key: ListingKey) -> ListedPage:
    pk, (low, high) = table.folder(key.folder_id).pk, _span(key.where)
    entries = await vault.reads.between(pk, items.child_from, low, high, after=None, limit=SORTED_MAX + 1)
    if len(entries) > SORTED_MAX:
        message = f"A folder of more than {SORTED_MAX} items is listed by NAME only: choose that, or a name prefix."
        raise VaultError(Code.INVALID, message, path=("orderBy",))
    prefix, order = cursor_prefix(key.order), key.order
    children = [child for _, child in entries if child is not None and key.where.matches(child)]
    places = [(prefix + position(child, order.field), child) for child in children]
    places.sort(key=lambda place: place[0], reverse=order.descending)
    if key.after is not None:
        after = cursors.decode(key.after, prefix=prefix)
        places = [place for place in places if (place[0] < after if order.descending else place[0] > after)]
    return _cut(places, min(key.first, _PAGE_MAX))


def _span(where: ItemWhere) -> tuple[str, str]:
    """The first and the last sort key that an entry with this name prefix may have."""
    low = table.ENTRY + where.folded_prefix
    room = max(0, FOLDED_BYTES_MAX - len(where.folded_prefix.encode()))
    return low, low + _LAST_CHARACTER * (room // len(_LAST_CHARACTER.encode()))


def _cut(places: list[_Place], first: int) -> ListedPage:
    page = places[:first]
    marks = tuple(cursors.encode(at) for at, _ in page)
    return ListedPage(tuple(child for _, child in page), marks, has_next=len(places) > first)
