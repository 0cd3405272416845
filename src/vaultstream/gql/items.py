"""What files and folders have in common in the contract."""

from asyncio import Future
from collections.abc import Awaitable, Mapping
from datetime import datetime

import strawberry

from vaultstream import files as file_nouns
from vaultstream import folders as folder_nouns
from vaultstream import links as link_nouns
from vaultstream import shares as share_nouns
from vaultstream.access import Deed
from vaultstream.gql import links, shares
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FolderLater, Node
from vaultstream.gql.pages import After, First, Listing, PageInfo
from vaultstream.gql.users import Known, User
from vaultstream.ids import FolderId

_Noun = file_nouns.File | folder_nouns.Folder


@strawberry.type(description="What the viewer may do to an item: the very answers by which the vault decides.")
class Capabilities:
    """Read from `vaultstream.access.capabilities`."""

    @strawberry.field(description="See it and what it holds.")
    def can_read(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.READ]

    @strawberry.field(description="Download its contents.")
    def can_download(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.DOWNLOAD]

    @strawberry.field(description="Comment on it.")
    def can_comment(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.COMMENT]

    @strawberry.field(description="Change it, or put something into it.")
    def can_edit(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.EDIT]

    @strawberry.field(description="Let others at it.")
    def can_share(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.SHARE]

    @strawberry.field(description="Throw it away.")
    def can_delete(self: Mapping[Deed, bool]) -> bool:
        """As decided."""
        return self[Deed.DELETE]


@strawberry.interface(description="A file or a folder.")
class Item(Node):
    """Read from either noun."""

    name: str = strawberry.field(description="Unique in its folder, whatever the case of its letters.")
    revision: int = strawberry.field(description="Counts people's changes; pass it as `ifVersion`.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When a person last changed it.")
    trashed_at: datetime | None = strawberry.field(description="When it was thrown away; null while it is not.")

    @strawberry.field(description="Whose it is, and whose quota it takes.", graphql_type=User)
    def owner(self: _Noun, info: Info) -> "Future[Known | None]":
        """Load the person, one batch for a whole page: what is not one's own is seen because its owner shares it."""
        return info.context.loaders.contacts.load(self.owner_id)

    @strawberry.field(
        description="The folder that it is in; null for a top folder, or one that is not for you to see.",
        graphql_type=FolderLater | None,
    )
    def parent(self: _Noun, info: Info) -> "Future[folder_nouns.Folder | None] | None":
        """Load the folder, unless this came from it."""
        return info.context.loaders.folders.load(self.parent_id) if self.parent_id else None

    @strawberry.field(
        description="The folders above it, the topmost first, as far as you may see them.",
        graphql_type=list[FolderLater],
    )
    def ancestors(self: _Noun, info: Info) -> "Awaitable[tuple[folder_nouns.Folder, ...]] | tuple[()]":
        """The way down to its folder."""
        return _way(info, self.parent_id) if self.parent_id else ()

    @strawberry.field(description="What you may do to it.", graphql_type=Capabilities)
    def capabilities(self: _Noun, info: Info) -> "Future[Mapping[Deed, bool]]":
        """Ask what enforces: one batch for a whole page."""
        return info.context.loaders.capabilities.load(self)

    @strawberry.field(
        name="shares",
        description="Who was given what on it: first on the item itself, then on the folders above it. All of them if "
        "you may share it, or else your own.",
        graphql_type=shares.ShareConnection,
    )
    async def shares_of(self: _Noun, info: Info, first: First, after: After = None) -> Listing[share_nouns.Share]:
        """One Query for the item and each folder above it, all at once."""
        return await shares.of_item(info, self.id, first, after)

    @strawberry.field(
        name="links",
        description="The links to it, if you may share it; the revoked ones too, for a month.",
        graphql_type=links.ShareLinkConnection,
    )
    async def links_of(self: _Noun, info: Info, first: First, after: After = None) -> Listing[link_nouns.ShareLink]:
        """One Query."""
        return await links.of_item(info, self.id, first, after)


async def _way(info: Info, folder_id: FolderId) -> tuple[folder_nouns.Folder, ...]:
    way = await info.context.loaders.ancestors.load(folder_id)
    info.context.loaders.saw(*way)
    return way


@strawberry.type(description="One item in a list.")
class ItemEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: Item = strawberry.field(description="The file or folder.")


@strawberry.type(description="A page of files and folders.")
class ItemConnection:
    """Read from `pages.Listing`."""

    edges: list[ItemEdge] = strawberry.field(description="The items.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
