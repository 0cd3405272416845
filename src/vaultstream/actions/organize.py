"""Folders: create, rename, move. The tree stays a tree, and a name stays unique in its folder."""

from collections.abc import Sequence

from vaultstream import names, table
from vaultstream.access import Deed
from vaultstream.actions import deeds, depth, once, placing, reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId


async def create_folder(
    vault: Vault, actor: Actor, parent_id: FolderId, name: str, *, idempotency_key: str | None = None
) -> Folder:
    """A new, empty folder in a folder that the actor may edit."""
    name = names.lawful(name)
    return await again(lambda: _create(vault, actor, parent_id, name, idempotency_key))


async def _create(vault: Vault, actor: Actor, parent_id: FolderId, name: str, key: str | None) -> Folder:
    print_ = once.fingerprint("folderCreate", parent_id, name)
    if earlier := await once.answered(vault, actor, key, print_):
        return await reach.folder(vault, actor, FolderId(earlier), Deed.READ)
    parent = (await depth.room_below(vault, actor, parent_id, 1))[0]
    now = vault.now()
    folder = Folder(FolderId(vault.new_id("folder")), parent.owner_id, parent.id, name, now, now)
    event = deeds.by_person(
        vault, actor, EventName.FOLDER_CREATED, folder.id, topics=(parent.id,), parent_id=parent.id, after=name
    )
    made = [changes.present(table.folder(parent.id)), changes.add(folder), changes.add_entry(folder, now)]
    await vault.commit([*once.remembering(vault, actor, key, print_, folder.id), *made], [event])
    return folder


async def rename_folder(
    vault: Vault, actor: Actor, folder_id: FolderId, name: str, *, if_version: int | None = None
) -> Folder:
    """The folder under another name in the same place; the same name again changes nothing."""
    name = names.lawful(name)
    return await again(lambda: _rename(vault, actor, folder_id, name, if_version))


async def _rename(vault: Vault, actor: Actor, folder_id: FolderId, name: str, if_version: int | None) -> Folder:
    folder = await _movable(vault, actor, folder_id, if_version)
    if folder.name == name:
        return folder
    return await placing.place(vault, actor, folder, _parent(folder), name, EventName.FOLDER_RENAMED)


async def move_folder(
    vault: Vault, actor: Actor, folder_id: FolderId, parent_id: FolderId, *, if_version: int | None = None
) -> Folder:
    """The folder, with all that is in it, in another folder; never into itself or below itself."""
    return await again(lambda: _move(vault, actor, folder_id, parent_id, if_version))


async def _move(vault: Vault, actor: Actor, folder_id: FolderId, parent_id: FolderId, if_version: int | None) -> Folder:
    folder = await _movable(vault, actor, folder_id, if_version)
    if folder.parent_id == parent_id:
        return folder
    target = await placing.require_move(vault, actor, folder_id, parent_id)
    _require_no_circle(folder, (target.item, *target.above))
    way = await depth.room_below(vault, actor, parent_id, folder.height + 1)
    _require_no_circle(folder, way)
    return await placing.place(vault, actor, folder, parent_id, folder.name, EventName.FOLDER_MOVED, way)


def _require_no_circle(folder: Folder, way: Sequence[Folder | File]) -> None:
    if any(above.id == folder.id for above in way):
        raise VaultError(Code.INVALID, "A folder cannot be moved into itself or below itself.", path=("parentId",))


async def _movable(vault: Vault, actor: Actor, folder_id: FolderId, if_version: int | None) -> Folder:
    folder = await reach.folder(vault, actor, folder_id, Deed.EDIT)
    if folder.is_root:
        raise VaultError(Code.INVALID, "A top folder has neither a name nor a place to change.")
    placing.require_version(folder, if_version)
    return folder


def _parent(folder: Folder) -> FolderId:
    return FolderId(folder.parent_id or "")
