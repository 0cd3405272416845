"""What a link leads to, for people without an account: types of their own, from which no way leads elsewhere."""

from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import files, table
from vaultstream.actions import visit
from vaultstream.actions.visit import Visit
from vaultstream.errors import Code, VaultError
from vaultstream.gql.batches import HAS_EFFECTS
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import item_id as to_item_id
from vaultstream.gql.pages import After, First, Listing, PageInfo, listing, turn
from vaultstream.gql.scalars import URL, ByteSize

_LARGEST_PX = 1 << 30


@strawberry.type(description="A folder or file behind a link.")
class SharedItem:
    """Read from `vaultstream.actions.visit.Visit`."""

    can_download: bool = strawberry.field(
        description="Whether the link gives its contents: a file's, or a folder's in a zip."
    )

    @strawberry.field(description="Its id: pass it as `itemId` to go on from here.", graphql_type=strawberry.ID)
    def item_id(self: Visit) -> str:
        """The folder's or file's own."""
        return self.item.id

    @strawberry.field(description="Its name.")
    def name(self: Visit) -> str:
        """As its owner named it."""
        return self.item.name

    @strawberry.field(description="Whether it is a folder.")
    def is_folder(self: Visit) -> bool:
        """Or a file."""
        return not isinstance(self.item, files.File)

    @strawberry.field(description="When a person last changed it.")
    def updated_at(self: Visit) -> datetime:
        """As its owner sees it."""
        return self.item.updated_at

    @strawberry.field(description="The length of a file; null for a folder.", graphql_type=ByteSize | None)
    def size_bytes(self: Visit) -> int | None:
        """Of the current version."""
        return self.item.current.size_bytes if isinstance(self.item, files.File) else None

    @strawberry.field(description="The media type of a file; null for a folder.")
    def content_type(self: Visit) -> str | None:
        """Of the current version."""
        return self.item.current.content_type if isinstance(self.item, files.File) else None

    @strawberry.field(
        description="The address that gives a file's contents, or a zip of what a folder holds, and counts as one "
        "download each time; null where the link gives none. It asks for the link's password by HTTP Basic "
        "authentication.",
        graphql_type=URL | None,
    )
    def download_url(self: Visit, info: Info) -> str | None:
        """Below the link's own address."""
        if not self.can_download:
            return None
        base = info.context.vault.settings.public_url.rstrip("/")
        return f"{base}/s/{self.token}/download?item={self.item.id}"

    @strawberry.field(
        description="An address that shows a file's thumbnail for a few minutes.", graphql_type=URL | None
    )
    def thumbnail_url(
        self: Visit,
        info: Info,
        size: Annotated[
            int | None, strawberry.argument(description="The edge in pixels that it should fill; none for the largest.")
        ] = None,
    ) -> str | None:
        """Signed for the link."""
        return visit.thumbnail_url(info.context.vault, self, _LARGEST_PX if size is None else size)

    @strawberry.field(
        description="What a folder holds, by name; null for a file.",
        graphql_type=Annotated["SharedItemConnection", strawberry.lazy("vaultstream.gql.shared_items")] | None,
    )
    async def children(self: Visit, info: Info, first: First, after: After = None) -> Listing[Visit] | None:
        """One Query."""
        asked = turn(first, after, prefix=table.ENTRY)
        page = await visit.page(info.context.vault, self, asked.first, asked.after)
        if page is None:
            return None
        seen = [Visit(self.link, child, self.origin, self.token) for child in page.children]
        return listing(seen, page.cursors, asked, has_next=page.has_next)


@strawberry.type(description="One folder or file behind a link, in a list.")
class SharedItemEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: SharedItem = strawberry.field(description="The folder or file.")


@strawberry.type(description="A page of what a folder behind a link holds.")
class SharedItemConnection:
    """Read from `pages.Listing`."""

    edges: list[SharedItemEdge] = strawberry.field(description="The folders and files.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class LinkQueries:
    """What may be asked without an account."""

    @strawberry.field(
        description="What a link leads to; null where it is not open. The one query that needs no account. A missing "
        "or wrong password is an error of code FORBIDDEN at `password`.",
        graphql_type=SharedItem | None,
        metadata=HAS_EFFECTS,  # a guess at a password is counted
    )
    async def share_link(
        self,
        info: Info,
        token: Annotated[str, strawberry.argument(description="The last part of the link's address.")],
        password: Annotated[str | None, strawberry.argument(description="Its password, if it has one.")] = None,
        item_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Something that lies under what it leads to.")
        ] = None,
    ) -> Visit | None:
        """Decided anew each time."""
        context = info.context
        try:
            wanted = to_item_id(item_id) if item_id is not None else None
            return await visit.visit(context.vault, context.actor.origin, token, password, wanted)
        except VaultError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
