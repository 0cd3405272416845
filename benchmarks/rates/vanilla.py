"""Strawberry as its documentation has it, with aiodataloader, on the peers' documents. `python -m … PORT REDIS_URL`."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
import uvicorn
from aiodataloader import DataLoader
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from vaultstream.gql.scalars import SCALARS, ByteSize

KINDS = ("folder", "file", "user", "version", "comment", "share")
_Document = dict[str, Any]  # Any: JSON values
redis: Redis = Redis.from_url(sys.argv[2])


class Documents(DataLoader[str, "_Document | None"]):
    """One kind of document."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    async def batch_load_fn(self, keys: Sequence[str]) -> list[_Document | None]:
        """One MGET."""
        found = await redis.mget([f"peer:{self._kind}:{key}" for key in keys])
        return [None if text is None else json.loads(text) for text in found]


Info = strawberry.Info[dict[str, Documents], None]


@strawberry.type
class User:
    id: strawberry.ID
    display_name: str


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Capabilities:
    can_read: bool
    can_download: bool
    can_edit: bool
    can_delete: bool
    can_share: bool


@strawberry.type
class Thumbnail:
    status: str


@strawberry.type
class FileVersion:
    id: strawberry.ID
    number: int
    size_bytes: ByteSize
    created_at: datetime


@strawberry.type
class Comment:
    id: strawberry.ID
    body: str
    created_at: datetime
    author_id: strawberry.Private[str]

    @strawberry.field
    async def author(self, info: Info) -> User | None:
        return user(await info.context["user"].load(self.author_id))


@strawberry.type
class Share:
    id: strawberry.ID
    role: str
    grantee_id: strawberry.Private[str]

    @strawberry.field
    async def grantee(self, info: Info) -> User:
        return user(await info.context["user"].load(self.grantee_id))


@strawberry.type
class FileVersionEdge:
    node: FileVersion


@strawberry.type
class FileVersionConnection:
    edges: list[FileVersionEdge]


@strawberry.type
class CommentEdge:
    node: Comment


@strawberry.type
class CommentConnection:
    edges: list[CommentEdge]


@strawberry.type
class ShareEdge:
    node: Share


@strawberry.type
class ShareConnection:
    edges: list[ShareEdge]


@strawberry.interface
class Item:
    id: strawberry.ID
    name: str


@strawberry.type
class File(Item):
    size_bytes: ByteSize
    content_type: str
    updated_at: datetime
    tags: list[str]
    document: strawberry.Private[_Document]

    @strawberry.field
    async def owner(self, info: Info) -> User:
        return user(await info.context["user"].load(self.document["ownerId"]))

    @strawberry.field
    async def current_version(self, info: Info) -> FileVersion:
        return version(await info.context["version"].load(self.document["versionId"]))

    @strawberry.field
    def thumbnail(self) -> Thumbnail:
        return Thumbnail(**self.document["thumbnail"])

    @strawberry.field
    def capabilities(self) -> Capabilities:
        can = self.document["capabilities"]
        return Capabilities(
            can_read=can["canRead"],
            can_download=can["canDownload"],
            can_edit=can["canEdit"],
            can_delete=can["canDelete"],
            can_share=can["canShare"],
        )

    @strawberry.field
    async def versions(self, info: Info, first: int) -> FileVersionConnection:
        found = await info.context["version"].load_many(self.document["versionIds"][:first])
        return FileVersionConnection(edges=[FileVersionEdge(node=version(each)) for each in found])

    @strawberry.field
    async def comments(self, info: Info, first: int) -> CommentConnection:
        found = await info.context["comment"].load_many(self.document["commentIds"][:first])
        return CommentConnection(edges=[CommentEdge(node=comment(it)) for it in found])

    @strawberry.field
    async def shares(self, info: Info, first: int) -> ShareConnection:
        found = await info.context["share"].load_many(self.document["shareIds"][:first])
        return ShareConnection(edges=[ShareEdge(node=share(it)) for it in found])


@strawberry.type
class ItemEdge:
    cursor: str
    node: Item


@strawberry.type
class ItemConnection:
    edges: list[ItemEdge]
    page_info: PageInfo


@strawberry.type
class Folder(Item):
    document: strawberry.Private[_Document]

    @strawberry.field
    async def children(self, info: Info, first: int) -> ItemConnection:
        shown = self.document["children"][:first]
        found = await info.context["file"].load_many([each["id"] for each in shown])
        edges = [ItemEdge(cursor=each["cursor"], node=file(it)) for each, it in zip(shown, found, strict=True)]
        page = self.document["pageInfo"]
        return ItemConnection(
            edges=edges, page_info=PageInfo(has_next_page=page["hasNextPage"], end_cursor=page["endCursor"])
        )


def user(it: _Document) -> User:
    return User(id=it["id"], display_name=it["displayName"])


def version(it: _Document) -> FileVersion:
    created_at = datetime.fromisoformat(it["createdAt"])
    return FileVersion(id=it["id"], number=it["number"], size_bytes=it["sizeBytes"], created_at=created_at)


def comment(it: _Document) -> Comment:
    created_at = datetime.fromisoformat(it["createdAt"])
    return Comment(id=it["id"], body=it["body"], created_at=created_at, author_id=it["authorId"])


def share(it: _Document) -> Share:
    return Share(id=it["id"], role=it["role"], grantee_id=it["granteeId"])


def file(it: _Document) -> File:
    return File(
        id=it["id"],
        name=it["name"],
        size_bytes=it["sizeBytes"],
        content_type=it["contentType"],
        updated_at=datetime.fromisoformat(it["updatedAt"]),
        tags=it["tags"],
        document=it,
    )


@strawberry.input
class FileTagsSetInput:
    file_id: strawberry.ID
    tags: list[str]


@strawberry.type
class Problem:
    message: str


@strawberry.type
class FileTagsSetPayload:
    file: File | None
    errors: list[Problem]


@strawberry.type
class Query:
    @strawberry.field
    async def folder(self, info: Info, id: strawberry.ID) -> Folder | None:  # noqa: A002  # the contract's name
        found = await info.context["folder"].load(id)
        return None if found is None else Folder(id=found["id"], name=found["name"], document=found)

    @strawberry.field
    async def file(self, info: Info, id: strawberry.ID) -> File | None:  # noqa: A002  # as above
        found = await info.context["file"].load(id)
        return None if found is None else file(found)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def file_tags_set(self, info: Info, input: FileTagsSetInput) -> FileTagsSetPayload:  # noqa: A002  # as above
        found = await info.context["file"].load(input.file_id)
        if found is None:
            return FileTagsSetPayload(file=None, errors=[Problem(message="There is no such file.")])
        changed = found | {"tags": input.tags}
        await redis.set(f"peer:file:{input.file_id}", json.dumps(changed))
        return FileTagsSetPayload(file=file(changed), errors=[])


class Door(GraphQL[dict[str, Documents], None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Documents]:
        del request, response
        return {kind: Documents(kind) for kind in KINDS}


if __name__ == "__main__":
    config = StrawberryConfig(scalar_map=dict(SCALARS))
    schema = strawberry.Schema(Query, Mutation, types=[File, Folder], config=config)
    uvicorn.run(
        Door(schema, graphql_ide=None),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
