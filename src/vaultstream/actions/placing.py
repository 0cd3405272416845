"""Put a folder or file under another name or into another folder: what both have in common."""

from dataclasses import replace
from typing import TypeVar

from vaultstream import access, names, table
from vaultstream.access import Decision, Deed, Lineage
from vaultstream.actions import deeds, reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId

_Noun = TypeVar("_Noun", Folder, File)


def require_version(it: Folder | File, if_version: int | None) -> None:
    """Refuse as STALE what people changed since it was seen."""
    if if_version is not None and if_version != it.revision:
        raise VaultError(Code.STALE, f"It is at version {it.revision} by now: load it again.", path=("ifVersion",))


async def require_move(vault: Vault, actor: Actor, item_id: ItemId, parent_id: FolderId) -> Lineage:
    """The folder to move an item to, with what is above it.

    Refused are: to take an item out of a folder that the actor may not edit, to give it to another owner, and to
    bring it where the actor may do more to it than here, or for longer. Raises NOT_FOUND, FORBIDDEN.
    """
    item = await reach.lineage(vault, actor, item_id, Deed.EDIT)
    parent = await reach.lineage(vault, actor, parent_id, Deed.EDIT)
    if parent.item.owner_id != item.item.owner_id:
        raise VaultError(Code.FORBIDDEN, "It stays with its owner: choose a folder of theirs.", path=("parentId",))
    if not item.above:
        raise not_found()
    now = vault.now()
    origin = replace(item, item=item.above[0], above=item.above[1:])
    if not access.decide(actor.user_id, Deed.EDIT, origin, now).allowed:
        raise VaultError(Code.FORBIDDEN, "You may not take it out of its folder: that is not yours to change.")
    held, gained = (access.decide(actor.user_id, Deed.EDIT, each, now) for each in (item, parent))
    if _is_more(gained, held):
        raise VaultError(Code.FORBIDDEN, "There you could do more to it, or for longer.", path=("parentId",))
    return parent


def _is_more(gained: Decision, held: Decision) -> bool:
    """Whether the one is a higher role than the other, or the same for longer."""
    if gained.role is None or held.role is None or gained.role > held.role:
        return True
    ends, later = (each.via.expires_at if each.via else None for each in (held, gained))
    return ends is not None and (later is None or later > ends)


async def place(
    vault: Vault,
    actor: Actor,
    it: _Noun,
    parent_id: FolderId,
    name: str,
    deed: EventName,
    way: tuple[Folder, ...] = (),
) -> _Noun:
    """Move the item and its entry together, while every folder of `way` stays where it is.

    Raises NAME_TAKEN, or STALE and CONFLICT where somebody came between.
    """
    now = vault.now()
    placed = it.placed(parent_id, name, now)
    entries: list[Change]
    if parent_id == it.parent_id and names.fold(name) == names.fold(it.name):
        entries = [changes.replace_entry(placed)]
    else:
        entries = [changes.remove_entry(it), changes.add_entry(placed, now)]
    kept: list[Change] = [changes.in_place(folder) for folder in way] or [changes.present(table.folder(parent_id))]
    topics = tuple(sorted({it.id, parent_id, it.parent_id or parent_id}))
    event = deeds.by_person(
        vault,
        actor,
        deed,
        it.id,
        topics=topics,
        before=it.name,
        after=name,
        from_id=it.parent_id,
        parent_id=parent_id,
    )
    await vault.commit([changes.replace(placed), *entries, *kept], [event])
    return placed
