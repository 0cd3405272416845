"""The one kind of identity: an opaque id that names its noun, and the way from an id to what it names."""

from asyncio import Future
from typing import Annotated, Any, ForwardRef

import strawberry

from vaultstream import ids
from vaultstream.errors import not_found
from vaultstream.gql.context import Info

# Types that refer to each other name one another late, so that their modules do not import in a circle.
FolderLater: Any = Annotated[ForwardRef("Folder"), strawberry.lazy("vaultstream.gql.folders")]  # Any: no type yet
FileLater: Any = Annotated[ForwardRef("File"), strawberry.lazy("vaultstream.gql.files")]  # Any: as above
ItemLater: Any = Annotated[ForwardRef("Item"), strawberry.lazy("vaultstream.gql.items")]  # Any: as above


@strawberry.interface(description="Anything that has an id.")
class Node:
    """Relay's Node."""

    id: strawberry.ID = strawberry.field(description="Opaque and unique in the whole vault; it never changes.")


def folder_id(text: str) -> ids.FolderId:
    """The folder's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "folder":
        raise not_found("folder")
    return ids.FolderId(text)


def file_id(text: str) -> ids.FileId:
    """The file's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "file":
        raise not_found("file")
    return ids.FileId(text)


def comment_id(text: str) -> ids.CommentId:
    """The comment's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "comment":
        raise not_found("comment")
    return ids.CommentId(text)


def user_id(text: str) -> ids.UserId:
    """The person's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "user":
        raise not_found("person")
    return ids.UserId(text)


def item_id(text: str) -> ids.ItemId:
    """The folder's or file's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) == "folder":
        return ids.FolderId(text)
    if ids.kind_of(text) == "file":
        return ids.FileId(text)
    raise not_found()


def share_id(text: str) -> ids.ShareId:
    """The share's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "share":
        raise not_found("share")
    return ids.ShareId(text)


def link_id(text: str) -> ids.LinkId:
    """The link's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "link":
        raise not_found("link")
    return ids.LinkId(text)


def token_id(text: str) -> ids.TokenId:
    """The access token's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "token":
        raise not_found("token")
    return ids.TokenId(text)


def load_item(info: Info, wanted: ids.ItemId) -> "Future[Any]":  # Any: the one noun or the other
    """Load a folder or file, whichever the id names; None where it is not for the viewer to see."""
    if ids.kind_of(wanted) == "folder":
        return info.context.loaders.folders.load(ids.FolderId(wanted))
    return info.context.loaders.files.load(ids.FileId(wanted))


def upload_id(text: str) -> ids.UploadId:
    """The upload's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "upload":
        raise not_found("upload")
    return ids.UploadId(text)
