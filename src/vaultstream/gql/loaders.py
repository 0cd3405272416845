"""A loader for each noun and each collection, all through `browse`, so that nobody sees what they may not."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiodataloader import DataLoader

from vaultstream.access import Deed
from vaultstream.actions import browse, shared, threads
from vaultstream.actions.browse import FileCollection, FolderPage, FolderPageKey, VersionPageKey
from vaultstream.actions.children import ListedPage, ListingKey, listed_pages
from vaultstream.actions.shared import LinkPage, PageKey, SharePage
from vaultstream.actions.threads import CommentPage, CommentPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import CommentId, FileId, FolderId, UserId
from vaultstream.users import Acquaintance, User

_Known = User | Acquaintance


class Loaders:
    """What one operation asks for is asked once, and what is asked together is asked in one batch."""

    def __init__(self, vault: Vault, actor: Actor) -> None:
        self._actor = actor
        self._people: DataLoader[UserId, User | None] = DataLoader(partial(browse.users, vault))
        self.users: DataLoader[UserId, _Known | None] = DataLoader(partial(self._known_as, shares=False))
        self.contacts: DataLoader[UserId, _Known | None] = DataLoader(partial(self._known_as, shares=True))
        self.share_pages: DataLoader[PageKey, SharePage | None] = DataLoader(partial(shared.share_pages, vault, actor))
        self.link_pages: DataLoader[PageKey, LinkPage | None] = DataLoader(partial(shared.link_pages, vault, actor))
        self.folders: DataLoader[FolderId, Folder | None] = DataLoader(partial(browse.folders, vault, actor))
        self.files: DataLoader[FileId, File | None] = DataLoader(partial(browse.files, vault, actor))
        self.capabilities: DataLoader[Folder | File, Mapping[Deed, bool]] = DataLoader(
            partial(browse.capabilities, vault, actor), get_cache_key=lambda it: (it.id, it.stamp)
        )
        self.ancestors: DataLoader[FolderId, tuple[Folder, ...]] = DataLoader(partial(browse.ancestors, vault, actor))
        self.folder_pages: DataLoader[FolderPageKey, FolderPage | None] = DataLoader(
            partial(browse.folder_pages, vault, actor)
        )
        self.listed_pages: DataLoader[ListingKey, ListedPage | None] = DataLoader(partial(listed_pages, vault, actor))
        self.file_collections: DataLoader[VersionPageKey, FileCollection | None] = DataLoader(
            partial(browse.file_collections, vault, actor)
        )
        self.comments: DataLoader[CommentId, Comment | None] = DataLoader(partial(threads.comments, vault, actor))
        self.comment_pages: DataLoader[CommentPageKey, CommentPage | None] = DataLoader(
            partial(threads.pages, vault, actor)
        )

    async def _known_as(self, ids: Sequence[UserId], *, shares: bool) -> list[_Known | None]:
        """People as the actor sees them: `users` by name alone, `contacts` with their addresses."""
        found = await self._people.load_many(ids)
        return [browse.known_as(self._actor, user, shares=shares) for user in found]

    def saw_user(self, user: User) -> None:
        """Keep a person who came along with something else."""
        self._people.prime(user.id, user)

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

    async def listed_page(self, key: ListingKey) -> ListedPage | None:
        """Some children of a folder, chosen and ordered."""
        page = await self.listed_pages.load(key)
        if page is not None:
            self.saw(*page.children)
        return page

    async def file_collection(self, key: VersionPageKey) -> FileCollection | None:
        """A file with one page of its versions, in one Query."""
        collection = await self.file_collections.load(key)
        if collection is not None:
            self.saw(collection.file)
        return collection

    async def comment_page(self, key: CommentPageKey) -> CommentPage | None:
        """A file with one page of the comments on it, in one Query."""
        page = await self.comment_pages.load(key)
        if page is not None:
            self.saw(page.file)
            for comment in page.comments:
                self.comments.prime(comment.id, comment)
        return page
