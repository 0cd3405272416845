"""What files and folders have in common in the contract."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from vaultstream import files as file_nouns
from vaultstream import folders as folder_nouns
from vaultstream import links as link_nouns
from vaultstream import shares as share_nouns
from vaultstream.access import Deed
from vaultstream.audit_chain import Row
from vaultstream.gql import audit, links, shares
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FolderLater, Node
from vaultstream.gql.pages import After, First, Listing, PageInfo
from vaultstream.gql.users import User
from vaultstream.ids import FolderId, UserId

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

    @by_key(lambda loaders: loaders.contacts, description="Whose it is, and whose quota it takes.", graphql_type=User)
    def owner(self: _Noun) -> UserId:
        """What is not one's own is seen because its owner shares it."""
        return self.owner_id

    @by_key(
        lambda loaders: loaders.folders,
        description="The folder that it is in; null for a top folder, or one that is not for you to see.",
        graphql_type=FolderLater | None,
    )
    def parent(self: _Noun) -> FolderId | None:
        """It is known where this came from it."""
        return self.parent_id

    @by_key(
        lambda loaders: loaders.ancestors,
        description="The folders above it, the topmost first, as far as you may see them.",
        graphql_type=list[FolderLater],
    )
    def ancestors(self: _Noun) -> FolderId | None:
        """The way down to its folder."""
        return self.parent_id

    @by_key(lambda loaders: loaders.capabilities, description="What you may do to it.", graphql_type=Capabilities)
    def capabilities(self: _Noun) -> _Noun:
        """Asked of what enforces."""
        return self

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

    @strawberry.field(
        description="What was done to it, the newest first, without from where; nothing unless you may share it.",
        graphql_type=audit.AuditEventConnection,
    )
    async def history(self: _Noun, info: Info, first: First, after: After = None) -> Listing[Row]:
        """One statement."""
        return await audit.history_of(info, self.id, first, after)


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
