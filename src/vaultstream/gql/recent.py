"""The viewer's own files as a list of their own: what was changed last."""

import strawberry

from vaultstream import files
from vaultstream.actions import recent
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FileLater
from vaultstream.gql.pages import After, First, Listing, PageInfo, listing, turn


@strawberry.type(description="One file in a list.")
class FileEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: FileLater = strawberry.field(description="The file.")


@strawberry.type(description="A page of files.")
class FileConnection:
    """Read from `pages.Listing`."""

    edges: list[FileEdge] = strawberry.field(description="The files.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class RecentQueries:
    """What was changed last."""

    @strawberry.field(
        description="Your own files, the last changed first, without what is in the trash. It may lag a moment, and a "
        "page may be shorter than `first`: go on from `endCursor` while there is a next page.",
        graphql_type=FileConnection,
    )
    async def recent(self, info: Info, first: First, after: After = None) -> Listing[files.File]:
        """An index, then the files themselves."""
        asked = turn(first, after, prefix=recent.PREFIX)
        context = info.context
        page = await recent.recent_files(context.vault, context.actor, asked.first, asked.after)
        context.loaders.saw(*page.files)
        return listing(page.files, page.cursors, asked, has_next=page.has_next, end=page.end)
