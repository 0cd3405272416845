"""A file that people talk about, for tests: stored by its owner, shared as a test says."""

from dataclasses import replace

from vaultstream import table
from vaultstream.actions import account, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import share_items
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.shares import Role, Share


async def a_file(vault: Vault, owner: Actor, name: str = "talk.txt", folder_id: FolderId | None = None) -> FileId:
    """A new file of no bytes."""
    begun = await upload.begin(vault, owner, Wanted(name=name, folder_id=folder_id, size_bytes=0))
    return begun.target.file_id


async def loaded(vault: Vault, file_id: FileId) -> File:
    """The file as the table has it."""
    found = await process.load(vault, file_id, None)
    assert found is not None
    return found[0]


async def root(vault: Vault, owner: Actor) -> FolderId:
    """The owner's top folder."""
    return (await account.viewer(vault, owner.user_id)).root_folder_id


async def let(vault: Vault, owner: Actor, item_id: ItemId, grantee: Actor, role: Role | None) -> None:
    """Put a share on the item as it would be left by its owner, or take it away (None); watchers are nudged."""
    share = Share(item_id, grantee.user_id, role or Role.VIEWER, owner.user_id, vault.now())
    if role is None:
        key = to_attributes(table.grant(item_id, grantee.user_id).attributes())
        change = Change("Delete", {"Key": key}, CHANGED_UNDERNEATH)
    else:
        change = Change("Put", {"Item": to_attributes(share_items.share_item(share))}, CHANGED_UNDERNEATH)
    await vault.commit([change])
    await vault.live.publish([item_id, grantee.user_id])


def signed_out(actor: Actor, vault: Vault) -> Actor:
    """The same person at the end of their sign-in."""
    return replace(actor, expires_at=vault.now())


async def code_of(deed: object) -> Code | None:
    """Why it was refused; None where it was done."""
    try:
        await deed  # type: ignore[misc]  # any awaitable
    except VaultError as error:
        return error.code
    return None
