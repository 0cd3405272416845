"""Search in the contract: by name, kind, type, tag, date and owner, in all that the viewer may see."""

from typing import Annotated

import strawberry

from vaultstream import files, folders
from vaultstream import search as nouns
from vaultstream.actions import search
from vaultstream.gql.context import Info
from vaultstream.gql.items import ItemConnection
from vaultstream.gql.listing import ItemOrder, Where, order_of, where_of
from vaultstream.gql.pages import After, First, Listing, listing, turn

_Text = Annotated[
    str,
    strawberry.argument(
        description="A part of the name, anywhere in it, whatever the case of its letters; at most 255 characters. It "
        "may be empty where `where` says something."
    ),
]
_OrderBy = Annotated[
    ItemOrder | None,
    strawberry.argument(
        description="In what order, however much there is; where not given, names that begin with the text come first, "
        "then the others, both by name."
    ),
]


@strawberry.type
class SearchQueries:
    """What is somewhere in one's own vault, or in what others share."""

    @strawberry.field(
        description="Files and folders by name: your own, and what is shared with you or lies under it, without what "
        "is in the trash. It may lag a moment behind a change, but never shows what is gone or not for you. A page may "
        "be shorter than `first`: go on from `endCursor` while there is a next page.",
        graphql_type=ItemConnection,
    )
    async def search(
        self,
        info: Info,
        text: _Text,
        first: First,
        after: After = None,
        where: Where = None,
        order_by: _OrderBy = None,
    ) -> Listing[folders.Folder | files.File]:
        """The index, then the items themselves."""
        sought = nouns.sought(text, where_of(where), order_of(order_by) if order_by else None)
        asked, context = turn(first, after, prefix=sought.cursor_prefix), info.context
        page = await search.search(context.vault, context.actor, sought, asked.first, asked.after)
        context.loaders.saw(*page.items)
        return listing(page.items, page.cursors, asked, has_next=page.has_next, end=page.end)
