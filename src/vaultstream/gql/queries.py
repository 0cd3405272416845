"""Where reading begins."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import strawberry

from vaultstream import comments as comment_nouns
from vaultstream import files as file_nouns
from vaultstream import folders as folder_nouns
from vaultstream import ids, users, versions
from vaultstream import links as link_nouns
from vaultstream import shares as share_nouns
from vaultstream import tokens as token_nouns
from vaultstream import uploads as upload_nouns
from vaultstream.actions import browse
from vaultstream.audit_chain import Row
from vaultstream.errors import Code, VaultError
from vaultstream.gql import audit, files, folders, links, shares, tokens, uploads
from vaultstream.gql.audit import AuditQueries
from vaultstream.gql.context import Info
from vaultstream.gql.costs import CostQueries
from vaultstream.gql.explanations import AccessQueries
from vaultstream.gql.exposure import ExposureQueries
from vaultstream.gql.limits import PAGE_MAX
from vaultstream.gql.nodes import Node
from vaultstream.gql.quarantine import QuarantineQueries
from vaultstream.gql.rate_limit import RateLimitQueries
from vaultstream.gql.recent import RecentQueries
from vaultstream.gql.search import SearchQueries
from vaultstream.gql.shared_items import LinkQueries
from vaultstream.gql.shares import ShareQueries
from vaultstream.gql.tokens import AccessTokenQueries
from vaultstream.gql.trash import TrashQueries
from vaultstream.gql.users import Known, User

_Noun = (
    Known
    | folder_nouns.Folder
    | file_nouns.File
    | versions.Version
    | upload_nouns.Upload
    | share_nouns.Share
    | link_nouns.ShareLink
    | comment_nouns.Comment
    | token_nouns.AccessToken
    | Row
)
_Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]


@strawberry.type(description="Where reading begins.")
class Query(
    RecentQueries,
    SearchQueries,
    ShareQueries,
    LinkQueries,
    AccessQueries,
    QuarantineQueries,
    ExposureQueries,
    TrashQueries,
    RateLimitQueries,
    AccessTokenQueries,
    CostQueries,
    AuditQueries,
):
    """The roots of every read."""

    @strawberry.field(description="You.", graphql_type=User)
    async def viewer(self, info: Info) -> Known:
        """Whoever the token is of."""
        viewer = await browse.viewer(info.context.vault, info.context.actor)
        if isinstance(viewer, users.User):
            info.context.loaders.saw_user(viewer)
        return viewer

    @strawberry.field(
        description="What this id names; null where there is none, or none for you to see.",
        graphql_type=Node | None,
    )
    async def node(self, info: Info, id: _Id) -> _Noun | None:  # noqa: A002  (Relay names the argument)
        """Relay's node."""
        return await _node(info, id)

    @strawberry.field(
        description="What these ids name, in their order; null in each place where there is none to see.",
        graphql_type=list[Node | None],
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[_Noun | None]:
        """Relay's nodes: one batch for each noun."""
        if len(ids) > PAGE_MAX:
            raise VaultError(Code.INVALID, f"Ask for at most {PAGE_MAX} ids at a time.", path=("ids",))
        return list(await asyncio.gather(*(_node(info, one) for one in ids)))

    @strawberry.field(
        description="A folder; null where there is none, or none for you to see.",
        graphql_type=folders.Folder | None,
    )
    async def folder(self, info: Info, id: _Id) -> folder_nouns.Folder | None:  # noqa: A002  (as `node`)
        """One Query, with the page of children that is asked of it."""
        return await folders.loaded(info, ids.FolderId(id)) if ids.kind_of(id) == "folder" else None

    @strawberry.field(
        description="A file; null where there is none, or none for you to see.", graphql_type=files.File | None
    )
    async def file(self, info: Info, id: _Id) -> file_nouns.File | None:  # noqa: A002  (as `node`)
        """One Query, with the page of versions that is asked of it."""
        return await files.loaded(info, ids.FileId(id)) if ids.kind_of(id) == "file" else None


async def _myself(info: Info, wanted: ids.UserId) -> Known | None:
    """People are seen by what they own, share or say; by their id alone, nobody but oneself."""
    context = info.context
    return await browse.viewer(context.vault, context.actor) if wanted == context.actor.user_id else None


async def _node(info: Info, text: str) -> _Noun | None:
    loaded = _LOADED.get(ids.kind_of(text) or "")
    return await loaded(info, text) if loaded else None


_LOADED: Mapping[str, Callable[[Info, Any], Awaitable[_Noun | None]]] = {  # Any: an id of that kind
    "user": _myself,
    "folder": folders.loaded,
    "file": files.loaded,
    "version": files.version,
    "upload": uploads.loaded,
    "share": shares.loaded,
    "link": links.loaded,
    "token": tokens.loaded,
    "event": audit.loaded,
    "comment": lambda info, wanted: info.context.loaders.comments.load(wanted),
}
