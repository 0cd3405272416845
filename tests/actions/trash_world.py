"""A small world for the trash: files with contents, folders, and what stands behind them."""

from collections.abc import AsyncIterator

from vaultstream.actions import account, browse, opening, organize, purge, reach, trash, upload, versions
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.trash import Purge
from vaultstream.users import Storage


async def stream(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Person:
    """One person and what they do, by the actions themselves."""

    def __init__(self, vault: Vault, actor: Actor) -> None:
        self.vault, self.actor = vault, actor

    async def top(self) -> FolderId:
        return (await account.viewer(self.vault, self.actor.user_id)).root_folder_id

    async def storage(self) -> Storage:
        return (await account.viewer(self.vault, self.actor.user_id)).storage

    async def kinds(self) -> tuple[int, int, int, int]:
        """Live, version, trash and reserved bytes."""
        now = await self.storage()
        assert now.left_bytes >= 0
        return now.live_bytes, now.version_bytes, now.trash_bytes, now.reserved_bytes

    async def folder(self, name: str, parent_id: FolderId | None = None) -> Folder:
        return await organize.create_folder(self.vault, self.actor, parent_id or await self.top(), name)

    async def file(self, name: str, data: bytes, folder_id: FolderId | None = None) -> File:
        return await self._stored(Wanted(folder_id=folder_id, name=name, size_bytes=len(data)), data)

    async def version(self, file_id: FileId, data: bytes) -> File:
        return await self._stored(Wanted(file_id=file_id, size_bytes=len(data)), data)

    async def _stored(self, wanted: Wanted, data: bytes) -> File:
        begun = await upload.begin(self.vault, self.actor, wanted)
        if data:
            await upload.receive(self.vault, self.actor, begun.id, 0, stream(data))
        file = await self.look(begun.target.file_id)
        assert isinstance(file, File)
        return file

    async def look(self, item_id: ItemId) -> Folder | File | None:
        (found,) = await reach.load(self.vault, [item_id])
        return found

    async def names(self, folder_id: FolderId | None = None) -> list[str]:
        key = FolderPageKey(folder_id or await self.top(), 100)
        (page,) = await browse.folder_pages(self.vault, self.actor, [key])
        assert page is not None
        return [child.name for child in page.children]

    async def thrown_away(self) -> list[str]:
        return [it.id for it in (await trash.page(self.vault, self.actor, 100)).items]

    async def contents(self, file_id: FileId) -> list[bytes]:
        """The plaintext of every version, the oldest first."""
        stored = await versions.all_of(self.vault, file_id)
        return [
            b"".join([piece async for piece in opening.whole(self.vault, each.version.id, each.body)])
            for each in stored
        ]

    async def objects(self, file_id: FileId) -> list[str]:
        return [each.body.object_key for each in await versions.all_of(self.vault, file_id)]

    async def purged(self, item_id: ItemId) -> None:
        """Purge it, and go on until nothing is left."""
        await purge.begin(self.vault, self.actor, item_id)
        order = Purge(item_id, self.actor.user_id, "test")
        assert await purge.proceed(self.vault, order, steps=500)

    async def rows(self, pk: str) -> int:
        return len(await self.vault.records.collection(pk, limit=1000))
