"""Folders: create, rename, move. The tree stays a tree, and a name stays unique in its folder."""

from vaultstream import access, names, table
from vaultstream.access import Deed
from vaultstream.actions import browse, deeds, once
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.folders import Folder
from vaultstream.ids import FolderId


async def folder_for(vault: Vault, actor: Actor, folder_id: FolderId, deed: Deed) -> Folder:
    """A folder to which the actor may do this deed; raises NOT_FOUND or FORBIDDEN."""
    item = await vault.records.item(table.folder(folder_id))
    folder = items.folder_from(item) if item else None
    access.require(actor.user_id, deed, folder)
    assert folder is not None  # noqa: S101  # `require` refuses what is not there
    return folder


async def create_folder(
    vault: Vault, actor: Actor, parent_id: FolderId, name: str, *, idempotency_key: str | None = None
) -> Folder:
    """A new, empty folder in a folder that the actor may edit."""
    name = names.lawful(name)
    parent = await folder_for(vault, actor, parent_id, Deed.EDIT)
    print_ = once.fingerprint("folderCreate", parent_id, name)
    if earlier := await once.answered(vault, actor, idempotency_key, print_):
        return await folder_for(vault, actor, FolderId(earlier), Deed.READ)
    await _require_depth(vault, actor, parent)
    now = vault.now()
    folder = Folder(FolderId(vault.new_id("folder")), parent.owner_id, parent.id, name, now, now)
    event = deeds.by_person(
        vault, actor, EventName.FOLDER_CREATED, folder.id, topics=(parent.id,), parent_id=parent.id, after=name
    )
    made = [changes.present(table.folder(parent.id)), changes.add(folder), changes.add_entry(folder, now)]
    await vault.commit([*once.remembering(vault, actor, idempotency_key, print_, folder.id), *made], [event])
    return folder


async def rename_folder(
    vault: Vault, actor: Actor, folder_id: FolderId, name: str, *, if_version: int | None = None
) -> Folder:
    """The folder under another name in the same place; the same name again changes nothing."""
    name = names.lawful(name)
    folder = await folder_for(vault, actor, folder_id, Deed.EDIT)
    _require_movable(folder, if_version)
    if folder.name == name:
        return folder
    return await _place(vault, actor, folder, FolderId(folder.parent_id or ""), name, EventName.FOLDER_RENAMED)


async def move_folder(
    vault: Vault, actor: Actor, folder_id: FolderId, parent_id: FolderId, *, if_version: int | None = None
) -> Folder:
    """The folder, with all that is in it, in another folder; never into itself or below itself."""
    folder = await folder_for(vault, actor, folder_id, Deed.EDIT)
    _require_movable(folder, if_version)
    parent = await folder_for(vault, actor, parent_id, Deed.EDIT)
    if parent.owner_id != folder.owner_id:
        raise VaultError(Code.FORBIDDEN, "A folder stays with its owner: choose one of theirs.", path=("parentId",))
    if folder.parent_id == parent.id:
        return folder
    way = await _require_depth(vault, actor, parent)
    if any(above.id == folder.id for above in way):
        raise VaultError(Code.INVALID, "A folder cannot be moved into itself or below itself.", path=("parentId",))
    return await _place(vault, actor, folder, parent.id, folder.name, EventName.FOLDER_MOVED, way)


def _require_movable(folder: Folder, if_version: int | None) -> None:
    if folder.is_root:
        raise VaultError(Code.INVALID, "A top folder has neither a name nor a place to change.")
    if if_version is not None and if_version != folder.revision:
        raise VaultError(
            Code.STALE, f"The folder is at version {folder.revision} by now: load it again.", path=("ifVersion",)
        )


async def _require_depth(vault: Vault, actor: Actor, parent: Folder) -> tuple[Folder, ...]:
    (way,) = await browse.ancestors(vault, actor, [parent.id])
    if len(way) >= browse.DEPTH_MAX:
        raise VaultError(Code.INVALID, f"Folders are at most {browse.DEPTH_MAX} deep.", path=("parentId",))
    return way


async def _place(
    vault: Vault,
    actor: Actor,
    folder: Folder,
    parent_id: FolderId,
    name: str,
    deed: EventName,
    way: tuple[Folder, ...] = (),
) -> Folder:
    """Move the entry and the folder together, while every folder of `way` stays where it is."""
    now = vault.now()
    placed = folder.placed(parent_id, name, now)
    same_key = parent_id == folder.parent_id and names.fold(name) == names.fold(folder.name)
    if same_key:
        entries = [changes.replace_entry(placed)]
    else:
        entries = [changes.remove_entry(folder), changes.add_entry(placed, now)]
    topics = tuple(sorted({folder.id, parent_id, FolderId(folder.parent_id or parent_id)}))
    event = deeds.by_person(
        vault, actor, deed, folder.id, topics=topics, before=folder.name, after=name, parent_id=parent_id
    )
    await vault.commit([changes.replace(placed), *entries, *map(changes.in_place, way)], [event])
    return placed
