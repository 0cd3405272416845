"""Files: rename, move, tag. The entry and the file change together; the file stays its owner's."""

from collections.abc import Sequence

from vaultstream import names, tags
from vaultstream.access import Deed
from vaultstream.actions import deeds, placing, reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId


async def rename_file(vault: Vault, actor: Actor, file_id: FileId, name: str, *, if_version: int | None = None) -> File:
    """The file under another name in the same place; the same name again changes nothing."""
    name = names.lawful(name)

    async def rename() -> File:
        file = await _editable(vault, actor, file_id, if_version)
        if file.name == name:
            return file
        return await placing.place(vault, actor, file, file.parent_id, name, EventName.FILE_RENAMED)

    return await again(rename)


async def move_file(
    vault: Vault, actor: Actor, file_id: FileId, parent_id: FolderId, *, if_version: int | None = None
) -> File:
    """The file, with its versions, in another folder of its owner's; where it is already, nothing changes."""

    async def move() -> File:
        file = await _editable(vault, actor, file_id, if_version)
        if file.parent_id == parent_id:
            return file
        await placing.require_move(vault, actor, file_id, parent_id)
        return await placing.place(vault, actor, file, parent_id, file.name, EventName.FILE_MOVED)

    return await again(move)


async def tag_file(
    vault: Vault, actor: Actor, file_id: FileId, wanted: Sequence[str], *, if_version: int | None = None
) -> File:
    """The file with these tags, folded and each once, in place of those it had."""
    kept = tags.lawful(wanted)

    async def tag() -> File:
        file = await _editable(vault, actor, file_id, if_version)
        return file if file.tags == kept else await _tagged(vault, actor, file, kept)

    return await again(tag)


async def _tagged(vault: Vault, actor: Actor, file: File, kept: tuple[str, ...]) -> File:
    tagged = file.tagged(kept, vault.now())
    topics = (file.id, file.parent_id)
    event = deeds.by_person(
        vault, actor, EventName.FILE_TAGGED, file.id, topics=topics, before=list(file.tags), after=list(kept)
    )
    await vault.commit([changes.replace(tagged), changes.replace_entry(tagged)], [event])
    return tagged


async def _editable(vault: Vault, actor: Actor, file_id: FileId, if_version: int | None) -> File:
    file = await reach.file(vault, actor, file_id, Deed.EDIT)
    placing.require_version(file, if_version)
    return file
