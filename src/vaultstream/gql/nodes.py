"""The one kind of identity: an opaque id that names its noun, and the way from an id to what it names."""

from typing import Annotated, Any, ForwardRef

import strawberry

from vaultstream import ids
from vaultstream.errors import not_found

# Types that refer to each other name one another late, so that their modules do not import in a circle.
FolderLater: Any = Annotated[ForwardRef("Folder"), strawberry.lazy("vaultstream.gql.folders")]  # Any: no type yet
FileLater: Any = Annotated[ForwardRef("File"), strawberry.lazy("vaultstream.gql.files")]  # Any: as above


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


def upload_id(text: str) -> ids.UploadId:
    """The upload's id that this is; raises NOT_FOUND for text that is none."""
    if ids.kind_of(text) != "upload":
        raise not_found("upload")
    return ids.UploadId(text)
