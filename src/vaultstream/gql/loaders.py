"""A loader for each noun and each collection, all through `browse`, so that nobody sees what they may not."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

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
from vaultstream.gql.loader import Loader
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
        self._heads: dict[FolderId, Folder] = {}  # of the folders whose pages were read

    @cached_property
    def _people(self) -> Loader[UserId, User | None]:
        return Loader(partial(browse.users, self._vault))

    @cached_property
    def users(self) -> Loader[UserId, _Known | None]:
        """People by name alone."""
        return Loader(partial(_known_as, self._actor, self._people, shares=False))

    @cached_property
    def contacts(self) -> Loader[UserId, _Known | None]:
        """People with their addresses: those with whom something is shared."""
        return Loader(partial(_known_as, self._actor, self._people, shares=True))

    @cached_property
    def share_pages(self) -> Loader[PageKey, SharePage | None]:
        """Pages of an item's shares."""
        return Loader(partial(shared.share_pages, self._vault, self._actor))

    @cached_property
    def link_pages(self) -> Loader[PageKey, LinkPage | None]:
        """Pages of an item's links."""
        return Loader(partial(shared.link_pages, self._vault, self._actor))

    @cached_property
    def folders(self) -> Loader[FolderId, Folder | None]:
        """Folders."""
        return Loader(partial(browse.folders, self._vault, self._actor))

    @cached_property
    def files(self) -> Loader[FileId, File | None]:
        """Files."""
        return Loader(partial(browse.files, self._vault, self._actor))

    @cached_property
    def capabilities(self) -> Loader[Folder | File, Mapping[Deed, bool]]:
        """What may be done with an item."""
        batch = partial(browse.capabilities, self._vault, self._actor, seen=self._heads)
        return Loader(batch, name=browse.alike(self._actor))

    @cached_property
    def ancestors(self) -> Loader[FolderId, tuple[Folder, ...]]:
        """The way down to a folder, itself included; no folder has none."""
        return Loader(partial(_ways, self._vault, self._actor, self.folders), nothing=())

    @cached_property
    def folder_pages(self) -> Loader[FolderPageKey, FolderPage | None]:
        """Folders with a page of their children."""
        return Loader(partial(browse.folder_pages, self._vault, self._actor))

    @cached_property
    def listed_pages(self) -> Loader[ListingKey, ListedPage | None]:
        """Pages of chosen, ordered children."""
        return Loader(partial(listed_pages, self._vault, self._actor))

    @cached_property
    def file_collections(self) -> Loader[VersionPageKey, FileCollection | None]:
        """Files with a page of their versions."""
        return Loader(partial(browse.file_collections, self._vault, self._actor))

    @cached_property
    def comments(self) -> Loader[CommentId, Comment | None]:
        """Comments."""
        return Loader(partial(threads.comments, self._vault, self._actor))

    @cached_property
    def comment_pages(self) -> Loader[CommentPageKey, CommentPage | None]:
        """Files with a page of their comments."""
        return Loader(partial(threads.pages, self._vault, self._actor))

    def saw_user(self, user: User) -> None:
        """Keep a person who came along with something else."""
        self._people.saw([(user.id, user)])

    def saw(self, *items: Folder | File) -> None:
        """Keep what came along with something else, so that it is not asked for again."""
        self.folders.saw((item.id, item) for item in items if isinstance(item, Folder))
        self.files.saw((item.id, item) for item in items if isinstance(item, File))

    async def folder_page(self, key: FolderPageKey) -> FolderPage | None:
        """A folder with one page of its children, in one Query."""
        page = await self.folder_pages.load(key)
        if page is not None:
            self._heads[page.folder.id] = page.folder
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
            self.comments.saw((comment.id, comment) for comment in page.comments)
        return page


async def _known_as(
    actor: Actor, people: Loader[UserId, User | None], ids: Sequence[UserId], *, shares: bool
) -> list[_Known | None]:
    """People as the actor sees them."""
    return [browse.known_as(actor, user, shares=shares) for user in await people.all(ids)]


async def _ways(
    vault: Vault, actor: Actor, folders: Loader[FolderId, Folder | None], ids: Sequence[FolderId]
) -> list[tuple[Folder, ...]]:
    """The ways down, whose folders are known with them."""
    ways = await browse.ancestors(vault, actor, ids)
    folders.saw((folder.id, folder) for way in ways for folder in way)
    return ways
