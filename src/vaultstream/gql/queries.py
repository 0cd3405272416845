"""Where reading begins."""

import asyncio
from typing import Annotated

import strawberry

from vaultstream import files as file_nouns
from vaultstream import folders as folder_nouns
from vaultstream import ids, users, versions
from vaultstream import uploads as upload_nouns
from vaultstream.actions import browse
from vaultstream.errors import Code, VaultError
from vaultstream.gql import files, folders, uploads
from vaultstream.gql.context import Info
from vaultstream.gql.limits import PAGE_MAX
from vaultstream.gql.nodes import Node
from vaultstream.gql.users import User

_Noun = users.User | folder_nouns.Folder | file_nouns.File | versions.Version | upload_nouns.Upload
_Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]


@strawberry.type(description="Where reading begins.")
class Query:
    """The roots of every read."""

    @strawberry.field(description="You.", graphql_type=User)
    async def viewer(self, info: Info) -> users.User:
        """Whoever the token is of."""
        viewer = await browse.viewer(info.context.vault, info.context.actor)
        info.context.loaders.users.prime(viewer.id, viewer)
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


async def _node(info: Info, text: str) -> _Noun | None:
    loaders = info.context.loaders
    match ids.kind_of(text):
        case "user":
            return await loaders.users.load(ids.UserId(text))
        case "folder":
            return await folders.loaded(info, ids.FolderId(text))
        case "file":
            return await files.loaded(info, ids.FileId(text))
        case "version":
            return await files.version(info, ids.VersionId(text))
        case "upload":
            return await uploads.loaded(info, ids.UploadId(text))
        case _:
            return None
