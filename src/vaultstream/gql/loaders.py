"""A loader for each noun and each collection, all through `browse`, so that nobody sees what they may not."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

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
    """What one operation asks for is asked once, and what is asked together is asked in one batch.

    Each loader is made when first used, and none refers back to this: what an operation has loaded goes with it,
    without waiting for the garbage collector.
    """

    def __init__(self, vault: Vault, actor: Actor) -> None:
        self._vault = vault
        self._actor = actor

    @cached_property
    def _people(self) -> DataLoader[UserId, User | None]:
        return DataLoader(partial(browse.users, self._vault))

    @cached_property
    def users(self) -> DataLoader[UserId, _Known | None]:
        """People by name alone."""
        return DataLoader(partial(_known_as, self._actor, self._people, shares=False))

    @cached_property
    def contacts(self) -> DataLoader[UserId, _Known | None]:
        """People with their addresses: those with whom something is shared."""
        return DataLoader(partial(_known_as, self._actor, self._people, shares=True))

    @cached_property
    def share_pages(self) -> DataLoader[PageKey, SharePage | None]:
        """Pages of an item's shares."""
        return DataLoader(partial(shared.share_pages, self._vault, self._actor))

    @cached_property
    def link_pages(self) -> DataLoader[PageKey, LinkPage | None]:
        """Pages of an item's links."""
        return DataLoader(partial(shared.link_pages, self._vault, self._actor))

    @cached_property
    def folders(self) -> DataLoader[FolderId, Folder | None]:
        """Folders."""
        return DataLoader(partial(browse.folders, self._vault, self._actor))

    @cached_property
    def files(self) -> DataLoader[FileId, File | None]:
        """Files."""
        return DataLoader(partial(browse.files, self._vault, self._actor))

    @cached_property
    def capabilities(self) -> DataLoader[Folder | File, Mapping[Deed, bool]]:
        """What may be done with an item."""
        batch = partial(browse.capabilities, self._vault, self._actor)
        return DataLoader(batch, get_cache_key=lambda it: (it.id, it.stamp))

    @cached_property
    def ancestors(self) -> DataLoader[FolderId, tuple[Folder, ...]]:
        """The folders above a folder."""
        return DataLoader(partial(browse.ancestors, self._vault, self._actor))

    @cached_property
    def folder_pages(self) -> DataLoader[FolderPageKey, FolderPage | None]:
        """Folders with a page of their children."""
        return DataLoader(partial(browse.folder_pages, self._vault, self._actor))

    @cached_property
    def listed_pages(self) -> DataLoader[ListingKey, ListedPage | None]:
        """Pages of chosen, ordered children."""
        return DataLoader(partial(listed_pages, self._vault, self._actor))

    @cached_property
    def file_collections(self) -> DataLoader[VersionPageKey, FileCollection | None]:
        """Files with a page of their versions."""
        return DataLoader(partial(browse.file_collections, self._vault, self._actor))

    @cached_property
    def comments(self) -> DataLoader[CommentId, Comment | None]:
        """Comments."""
        return DataLoader(partial(threads.comments, self._vault, self._actor))

    @cached_property
    def comment_pages(self) -> DataLoader[CommentPageKey, CommentPage | None]:
        """Files with a page of their comments."""
        return DataLoader(partial(threads.pages, self._vault, self._actor))

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


async def _known_as(
    actor: Actor, people: DataLoader[UserId, User | None], ids: Sequence[UserId], *, shares: bool
) -> list[_Known | None]:
    """People as the actor sees them."""
    found = await people.load_many(ids)
    return [browse.known_as(actor, user, shares=shares) for user in found]
