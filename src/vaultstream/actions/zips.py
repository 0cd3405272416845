"""Zips: a signed URL for files and folders of a person's choice, and what it gives, decided anew for each of them."""

import asyncio
from collections.abc import Sequence
from functools import partial

from vaultstream import names
from vaultstream.access import Deed
from vaultstream.actions import admit, browse, deeds, download, packing, reach
from vaultstream.actions.browse import FolderPage, FolderPageKey
from vaultstream.actions.download import Content, Link
from vaultstream.actions.packing import Source, Zip
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId, TokenId, UserId
from vaultstream.zip_names import zip_name

SELECTED_MAX = 100  # they stand in the URL, and CloudFront takes 8,192 bytes of one


async def link(vault: Vault, actor: Actor, item_ids: Sequence[ItemId], name: str | None = None) -> Link:
    """A signed URL for a zip of these, and of all that lies below them.

    Raises NOT_FOUND or FORBIDDEN where one of them cannot be had at all, INVALID for none, too many, or a bad name.
    """
    wanted = _lawful(item_ids)
    called = None if name is None else names.lawful(name)
    found = await _chosen(vault, actor, wanted)
    events = [deeds.by_person(vault, actor, EventName.DOWNLOAD_LINKED, it.id, zipped=True) for it in found]
    await vault.commit([], events)
    return download.zip_address(vault, actor, wanted, zip_name(found, called))


async def open(  # noqa: A001  # the verb of the deed; callers say zips.open
    vault: Vault, origin: Origin, user_id: UserId, token_id: TokenId | None, wanted: Sequence[ItemId], name: str
) -> Zip:
    """The zip that a signed URL names, if who it was made for still may have any of it."""

    async def holder() -> Actor:
        return await admit.holder(vault, origin, user_id, token_id)

    async def item(item_id: ItemId) -> Folder | File:
        return (await reach.lineage(vault, await holder(), item_id, Deed.DOWNLOAD)).item

    async def page(folder_id: FolderId, after: str | None) -> FolderPage:
        actor = await holder()
        await reach.folder(vault, actor, folder_id, Deed.DOWNLOAD)
        (found,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, packing.PAGE, after)])
        if found is None:
            raise not_found("folder")
        return found

    async def content(file_id: FileId) -> Content:
        return await download.open(vault, await holder(), file_id)

    source = Source(item, page, content)
    await packing.require_some(source, wanted)
    return Zip(name, partial(packing.packed, source, wanted, vault.now()))


def _lawful(item_ids: Sequence[ItemId]) -> list[ItemId]:
    """Each of them once."""
    wanted = list(dict.fromkeys(item_ids))
    if not 1 <= len(wanted) <= SELECTED_MAX:
        message = f"Choose 1 to {SELECTED_MAX} files and folders; a folder comes with all that it holds."
        raise VaultError(Code.INVALID, message, path=("itemIds",))
    return wanted


async def _chosen(vault: Vault, actor: Actor, wanted: Sequence[ItemId]) -> list[Folder | File]:
    asked = (reach.lineage(vault, actor, item_id, Deed.DOWNLOAD) for item_id in wanted)
    found: list[Folder | File] = []
    for one in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(one, VaultError):
            raise VaultError(one.code, one.message, path=("itemIds",))
        if isinstance(one, BaseException):
            raise one
        found.append(one.item)
    return found
