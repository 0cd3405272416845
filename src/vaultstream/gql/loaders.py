"""A loader for each noun and each collection, all through `browse`, so that nobody sees what they may not."""

from collections.abc import Mapping
from functools import partial

from aiodataloader import DataLoader

from vaultstream.access import Deed
from vaultstream.actions import browse
from vaultstream.actions.browse import FileCollection, FolderPage, FolderPageKey, VersionPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId
from vaultstream.users import User


class Loaders:
    """What one operation asks for is asked once, and what is asked together is asked in one batch."""

    def __init__(self, vault: Vault, actor: Actor) -> None:
        self.users: DataLoader[UserId, User | None] = DataLoader(partial(browse.users, vault, actor))
        self.folders: DataLoader[FolderId, Folder | None] = DataLoader(partial(browse.folders, vault, actor))
        self.files: DataLoader[FileId, File | None] = DataLoader(partial(browse.files, vault, actor))
        self.capabilities: DataLoader[Folder | File, Mapping[Deed, bool]] = DataLoader(
            partial(browse.capabilities, vault, actor), get_cache_key=lambda it: (it.id, it.stamp)
        )
        self.ancestors: DataLoader[FolderId, tuple[Folder, ...]] = DataLoader(partial(browse.ancestors, vault, actor))
        self.folder_pages: DataLoader[FolderPageKey, FolderPage | None] = DataLoader(
            partial(browse.folder_pages, vault, actor)
        )
        self.file_collections: DataLoader[VersionPageKey, FileCollection | None] = DataLoader(
            partial(browse.file_collections, vault, actor)
        )

    def saw(self, *items: Folder | File) -> None:
        """Keep what came along with something else, so that it is not asked for again."""
        for item in items:
            if isinstance(item, Folder):
                self.folders.prime(item.id, item)
            else:
                self.files.prime(item.id, item)

    async def folder_page(self, key: FolderPageKey) -> FolderPage | None:
        """A folder with one page of its children, in one Query."""
        page = await self.folder_pages.load(key)
        if page is not None:
            self.saw(page.folder, *page.children)
        return page

    async def file_collection(self, key: VersionPageKey) -> FileCollection | None:
        """A file with one page of its versions, in one Query."""
        collection = await self.file_collections.load(key)
        if collection is not None:
            self.saw(collection.file)
        return collection
