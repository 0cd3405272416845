"""From an id to the item and all that decides who may do what to it, in a round trip for each level above."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from vaultstream import access, table
from vaultstream.access import Deed, Lineage
from vaultstream.actor import Actor
from vaultstream.adapters.records import items, share_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.shares import Share
from vaultstream.tokens import Grant

DEPTH_MAX = 64
NONE_SEEN: Mapping[FolderId, Folder] = MappingProxyType({})


async def folder(vault: Vault, actor: Actor, folder_id: FolderId, deed: Deed) -> Folder:
    """A folder to which the actor may do this deed; raises NOT_FOUND or FORBIDDEN."""
    found = (await lineage(vault, actor, folder_id, deed)).item
    assert isinstance(found, Folder)  # noqa: S101  # the id says so
    return found


async def file(vault: Vault, actor: Actor, file_id: FileId, deed: Deed) -> File:
    """A file to which the actor may do this deed; raises NOT_FOUND or FORBIDDEN."""
    found = (await lineage(vault, actor, file_id, deed)).item
    assert isinstance(found, File)  # noqa: S101  # the id says so
    return found


async def lineage(vault: Vault, actor: Actor, item_id: ItemId, deed: Deed) -> Lineage:
    """An item with what is above it, if the actor may do this deed to it; raises NOT_FOUND or FORBIDDEN."""
    (found,) = await load(vault, [item_id])
    known = (await lineages(vault, actor, [found]))[0] if found else None
    access.require(actor.user_id, deed, known, vault.now())
    assert known is not None  # noqa: S101  # `require` refuses what is not there
    return known


async def load(vault: Vault, ids: Sequence[ItemId]) -> list[Folder | File | None]:
    """The items themselves, in one round trip and without asking who wants to know."""
    return await vault.reads.items([table.item(item_id) for item_id in ids], items.noun_from)


async def lineages(
    vault: Vault, actor: Actor, wanted: Sequence[Folder | File], *, seen: Mapping[FolderId, Folder] = NONE_SEEN
) -> list[Lineage]:
    """Each item with the folders above it and the actor's shares on any of them: one round trip a level.

    Folders that were `seen`, read from the table or for it since whoever asks began, are not read again.
    """
    known: dict[str, Folder] = {it.id: it for it in (*seen.values(), *wanted) if isinstance(it, Folder)}
    shares: dict[str, Share] = {}
    # All that is above an item has its owner, so one look at the items tells whose shares are to be asked for.
    foreign = [it.id for it in wanted if it.owner_id != actor.user_id]
    asked: set[str] = set(foreign)
    places = {it.parent_id for it in wanted}
    for _ in range(DEPTH_MAX + 1):
        passed, level = _up_from(places, known)
        asked |= passed | level if foreign else set()
        if not level and not asked:
            break
        folders = await _level(vault, actor, sorted(level), sorted(asked), shares)
        known |= {folder.id: folder for folder in folders}
        places, asked = {folder.parent_id for folder in folders}, set()
    above = {parent_id: _above(parent_id, known) for parent_id in {it.parent_id for it in wanted}}
    return [_lineage(it, above[it.parent_id], shares, actor.grant) for it in wanted]


def _up_from(places: set[FolderId | None], known: Mapping[str, Folder]) -> tuple[set[str], set[str]]:
    """The known folders at these places and above them, and the first ones above that are not known."""
    passed: set[str] = set()
    missing: set[str] = set()
    for start in places:
        place = start
        while place is not None and place not in passed:
            if (folder := known.get(place)) is None:
                missing.add(place)
                break
            passed.add(place)
            place = folder.parent_id
    return passed, missing


async def _level(
    vault: Vault, actor: Actor, level: Sequence[str], grants: Sequence[str], shares: dict[str, Share]
) -> list[Folder]:
    """The folders of one level, and the actor's shares on these items, which are added to `shares`."""
    heads = [table.folder(folder_id) for folder_id in level]
    keys = [table.grant(item_id, actor.user_id) for item_id in grants]
    found = await vault.reads.items([*heads, *keys], _folder_or_share)
    shares |= {it.item_id: it for it in found if isinstance(it, Share)}
    return [it for it in found if isinstance(it, Folder)]


def _folder_or_share(item: Item) -> Folder | Share:
    is_share = item[table.SK].startswith(table.GRANT)
    return share_items.share_from(item) if is_share else items.folder_from(item)


def _above(folder_id: FolderId | None, known: dict[str, Folder]) -> tuple[Folder, ...]:
    """This folder and those above it, from the nearest to the top."""
    above: list[Folder] = []
    while folder_id is not None and (folder := known.get(folder_id)) and len(above) <= DEPTH_MAX:
        above.append(folder)
        folder_id = folder.parent_id
    return tuple(above)


def _lineage(it: Folder | File, above: tuple[Folder, ...], shares: dict[str, Share], grant: Grant | None) -> Lineage:
    places = (it.id, *(folder.id for folder in above)) if shares else ()
    return Lineage(it, above, tuple(shares[place] for place in places if place in shares), grant)
