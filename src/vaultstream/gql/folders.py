"""Folders in the contract: what is shown of them, and what can be done to them."""

from typing import Annotated

import strawberry

from vaultstream import files as file_nouns
from vaultstream import folders, table
from vaultstream.actions import organize
from vaultstream.actions.browse import FolderPage, FolderPageKey
from vaultstream.actions.children import ListingKey, cursor_prefix
from vaultstream.errors import not_found
from vaultstream.gql import lookahead
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.items import Item, ItemConnection
from vaultstream.gql.listing import OrderBy, Where, order_of, where_in_folder
from vaultstream.gql.nodes import folder_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, IF_VERSION, INPUT, Outcome, outcome
from vaultstream.gql.pages import After, First, Listing, Turn, listing, turn
from vaultstream.ids import FolderId
from vaultstream.listing import ItemOrder, ItemWhere

_CHILDREN = table.ENTRY


@strawberry.type(description="A folder.")
class Folder(Item):
    """Read from `vaultstream.folders.Folder`."""

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, folders.Folder)

    @strawberry.field(
        description="What it holds, by name unless ordered otherwise. A page by name costs the same in every folder; "
        "with `where` it looks at 1000 items at most, and may be shorter than `first`: go on from `endCursor` while "
        "there is a next page.",
        graphql_type=ItemConnection,
    )
    async def children(
        self: folders.Folder,
        info: Info,
        first: First,
        after: After = None,
        where: Where = None,
        order_by: OrderBy = None,
    ) -> Listing[folders.Folder | file_nouns.File]:
        """One Query, unless the folder was loaded together with this page."""
        if where is not None or order_by is not None:
            return await _listed(info, self.id, first, after, where_in_folder(where), order_of(order_by))
        asked = turn(first, after, prefix=_CHILDREN)
        page = await _page(info, self.id, asked)
        if page is None:
            raise not_found("folder")
        return listing(page.children, page.cursors, asked, has_next=page.has_next)


async def _listed(
    info: Info, folder_id: FolderId, first: int, after: str | None, where: ItemWhere, order: ItemOrder
) -> Listing[folders.Folder | file_nouns.File]:
    asked = turn(first, after, prefix=cursor_prefix(order))
    page = await info.context.loaders.listed_page(ListingKey(folder_id, asked.first, asked.after, where, order))
    if page is None:
        raise not_found("folder")
    return listing(page.children, page.cursors, asked, has_next=page.has_next, end=page.end)


async def loaded(info: Info, wanted: FolderId) -> folders.Folder | None:
    """The folder, together with the page of children that is asked of it; None where it may not be seen."""
    asked = lookahead.page_of(info, "children", prefix=_CHILDREN)
    if asked is None:
        return await info.context.loaders.folders.load(wanted)
    page = await _page(info, wanted, asked)
    return page.folder if page else None


async def _page(info: Info, wanted: FolderId, asked: Turn) -> FolderPage | None:
    return await info.context.loaders.folder_page(FolderPageKey(wanted, asked.first, asked.after))


@strawberry.input(description="A new folder.")
class FolderCreateInput:
    """What `folderCreate` takes."""

    parent_id: strawberry.ID = strawberry.field(description="The folder to make it in.")
    name: str = strawberry.field(description="Its name: at most 255 characters, no slash.")
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.type(description="What folderCreate did.")
class FolderCreatePayload:
    """Read from `outcomes.Outcome`."""

    made: Folder | None = strawberry.field(name="folder", description="The new folder; null where it was not made.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="Another name for a folder.")
class FolderRenameInput:
    """What `folderRename` takes."""

    folder_id: strawberry.ID = strawberry.field(description="The folder.")
    name: str = strawberry.field(description="Its new name: at most 255 characters, no slash.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What folderRename did.")
class FolderRenamePayload:
    """Read from `outcomes.Outcome`."""

    made: Folder | None = strawberry.field(name="folder", description="The folder as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="Another place for a folder.")
class FolderMoveInput:
    """What `folderMove` takes."""

    folder_id: strawberry.ID = strawberry.field(description="The folder.")
    parent_id: strawberry.ID = strawberry.field(description="The folder to put it into.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What folderMove did.")
class FolderMovePayload:
    """Read from `outcomes.Outcome`."""

    made: Folder | None = strawberry.field(name="folder", description="The folder as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class FolderMutations:
    """What can be done to folders."""

    @strawberry.mutation(description="Make a folder.", graphql_type=FolderCreatePayload)
    async def folder_create(
        self,
        info: Info,
        wanted: Annotated[FolderCreateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[folders.Folder]:
        """One transaction."""

        async def deed() -> folders.Folder:
            parent, key = folder_id(wanted.parent_id), wanted.idempotency_key
            context = info.context
            return await organize.create_folder(context.vault, context.actor, parent, wanted.name, idempotency_key=key)

        return await outcome(info, deed())

    @strawberry.mutation(description="Give a folder another name.", graphql_type=FolderRenamePayload)
    async def folder_rename(
        self,
        info: Info,
        wanted: Annotated[FolderRenameInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[folders.Folder]:
        """One transaction."""

        async def deed() -> folders.Folder:
            folder, context = folder_id(wanted.folder_id), info.context
            return await organize.rename_folder(
                context.vault, context.actor, folder, wanted.name, if_version=wanted.if_version
            )

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Put a folder into another folder, with all that it holds.", graphql_type=FolderMovePayload
    )
    async def folder_move(
        self,
        info: Info,
        wanted: Annotated[FolderMoveInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[folders.Folder]:
        """One transaction, however much it holds."""

        async def deed() -> folders.Folder:
            folder, parent, context = folder_id(wanted.folder_id), folder_id(wanted.parent_id), info.context
            return await organize.move_folder(
                context.vault, context.actor, folder, parent, if_version=wanted.if_version
            )

        return await outcome(info, deed())
