"""How deep the tree may be: every folder keeps a bound of what is below it, so that a move needs no walk down.

A folder's bound is above that of each folder in it. It is raised from the top down, before a level is added, and
guarded by the folder's stamp, as its place is: whoever moves it meanwhile counts what is about to come.
"""

from vaultstream.access import Deed
from vaultstream.actions import reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.folders import Folder
from vaultstream.ids import FolderId

_RAISED_AT_ONCE = 40  # two items for each: a transaction has a hundred at most


async def room_below(vault: Vault, actor: Actor, folder_id: FolderId, levels: int) -> tuple[Folder, ...]:
    """A folder that the actor may edit and all that is above it, the nearest first, once `levels` more fit below.

    Raises NOT_FOUND, FORBIDDEN, or INVALID where it would be too deep.
    """
    return await again(lambda: _room_below(vault, actor, folder_id, levels))


async def _room_below(vault: Vault, actor: Actor, folder_id: FolderId, levels: int) -> tuple[Folder, ...]:
    found = await reach.lineage(vault, actor, folder_id, Deed.EDIT)
    assert isinstance(found.item, Folder)  # noqa: S101  # the id says so
    way = (found.item, *found.above)
    if len(way) + levels > reach.DEPTH_MAX:
        raise VaultError(Code.INVALID, f"Folders are at most {reach.DEPTH_MAX} deep.", path=("parentId",))
    short = [folder.reaching(levels + at) for at, folder in enumerate(way) if folder.height < levels + at]
    short.reverse()
    for at in range(0, len(short), _RAISED_AT_ONCE):
        await _write(vault, short[at : at + _RAISED_AT_ONCE])
    raised = {folder.id: folder for folder in short}
    return tuple(raised.get(folder.id, folder) for folder in way)


async def _write(vault: Vault, raised: list[Folder]) -> None:
    """No event: nobody's deed, and nothing that is shown."""
    entries = [changes.replace_entry(folder) for folder in raised if not folder.is_root]
    await vault.commit([*map(changes.replace, raised), *entries])
