"""What can be watched: first what is there now, then every change."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from enum import Enum
from typing import Annotated, TypeVar

import strawberry
from strawberry.types.enum import EnumValueDefinition

from vaultstream import comments, uploads, versions
from vaultstream.actions import sight, watch
from vaultstream.errors import Code, VaultError
from vaultstream.gql.comments import Comment
from vaultstream.gql.context import Info
from vaultstream.gql.files import File
from vaultstream.gql.items import Item
from vaultstream.gql.nodes import file_id as to_file_id
from vaultstream.gql.nodes import folder_id as to_folder_id
from vaultstream.gql.nodes import upload_id as to_upload_id
from vaultstream.gql.uploads import Upload
from vaultstream.gql.versions import FileVersion, Scan, StorageState, Thumbnail

_T = TypeVar("_T")


@strawberry.type(description="What is known of a version at one moment: its scan, its thumbnails, its storage.")
class FileStatus:
    """Read from `vaultstream.actions.watch.FileStatus`."""

    file: File = strawberry.field(description="The file.")
    version: FileVersion = strawberry.field(description="The version that this is about.")
    at: datetime = strawberry.field(description="When it was seen to be so.")

    @strawberry.field(description="The version's scan.", graphql_type=Scan)
    def scan(self: watch.FileStatus) -> versions.Scan:
        """Of the version."""
        return self.version.scan

    @strawberry.field(description="The version's thumbnails.", graphql_type=Thumbnail)
    def thumbnail(self: watch.FileStatus) -> versions.Version:
        """Of the version."""
        return self.version

    @strawberry.field(description="Where the version's bytes are.", graphql_type=StorageState)
    def storage(self: watch.FileStatus) -> versions.Version:
        """Of the version."""
        return self.version


def _kind(kind: sight.ChangeKind, description: str) -> EnumValueDefinition:
    return strawberry.enum_value(kind.value, description=description)


@strawberry.enum(description="What became of an item.")
class FolderChangeKind(Enum):
    """As `vaultstream.actions.sight.ChangeKind`."""

    PRESENT = _kind(sight.ChangeKind.PRESENT, "The folder itself as it is when the watch begins: list it now.")
    ADDED = _kind(sight.ChangeKind.ADDED, "It is new in the folder.")
    CHANGED = _kind(sight.ChangeKind.CHANGED, "It, or the folder itself, is not as it was.")
    REMOVED = _kind(sight.ChangeKind.REMOVED, "It is no longer in the folder; shown as it was last seen there.")


@strawberry.type(description="A change of a folder or of what it holds.")
class FolderChange:
    """Read from `vaultstream.actions.sight.FolderChange`."""

    kind: FolderChangeKind = strawberry.field(description="What became of the item.")
    item: Item = strawberry.field(description="The item in the folder, or the folder itself.")
    at: datetime = strawberry.field(description="When it was seen to be so.")


@strawberry.type(description="What can be watched. Every subscription begins with the present state.")
class Subscription:
    """The roots of every watch."""

    @strawberry.subscription(
        description="Scan, thumbnail and storage of one file, or of every file in one folder.",
        graphql_type=FileStatus,
    )
    async def file_status(
        self,
        info: Info,
        file_id: Annotated[strawberry.ID | None, strawberry.argument(description="Watch this file.")] = None,
        folder_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Watch the files in this folder.")
        ] = None,
    ) -> AsyncIterator[watch.FileStatus]:
        """Where one changes often, states in between may be left out, never the last."""
        if (file_id is None) == (folder_id is None):
            raise VaultError(Code.INVALID, "Give either a fileId or a folderId.")
        statuses = watch.file_status(
            info.context.vault,
            info.context.actor,
            file_id=to_file_id(file_id) if file_id is not None else None,
            folder_id=to_folder_id(folder_id) if folder_id is not None else None,
        )
        async with aclosing(_anew(info, statuses)) as told:
            async for status in told:
                info.context.loaders.saw(status.file)
                yield status

    @strawberry.subscription(
        description="What is added to a folder, changed in it or removed from it. States in between may be left out.",
        graphql_type=FolderChange,
    )
    async def folder_changed(
        self, info: Info, folder_id: Annotated[strawberry.ID, strawberry.argument(description="Watch this folder.")]
    ) -> AsyncIterator[sight.FolderChange]:
        """It begins with the folder itself, whose children can be asked for there and then."""
        changes = watch.folder_changed(info.context.vault, info.context.actor, to_folder_id(folder_id))
        async with aclosing(_anew(info, changes)) as told:
            async for change in told:
                yield change

    @strawberry.subscription(
        description="The comments on a file: those that are there, then each that is added.", graphql_type=Comment
    )
    async def comment_added(
        self, info: Info, file_id: Annotated[strawberry.ID, strawberry.argument(description="Watch this file.")]
    ) -> AsyncIterator[comments.Comment]:
        """Each of them once, however slow the reader."""
        added = watch.comment_added(info.context.vault, info.context.actor, to_file_id(file_id))
        async with aclosing(_anew(info, added)) as told:
            async for comment in told:
                yield comment

    @strawberry.subscription(
        description="How far an upload of your own has come, until it is over.", graphql_type=Upload
    )
    async def upload_progress(
        self, info: Info, upload_id: Annotated[strawberry.ID, strawberry.argument(description="Watch this upload.")]
    ) -> AsyncIterator[uploads.Upload]:
        """It completes when the upload is done or given up."""
        states = watch.upload_progress(info.context.vault, info.context.actor, to_upload_id(upload_id))
        async with aclosing(_anew(info, states)) as told:
            async for upload in told:
                yield upload


async def _anew(info: Info, values: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
    """Each value is resolved anew: nothing that was loaded for an earlier one is shown with it."""
    async with aclosing(values):
        async for value in values:
            info.context.forget()
            yield value
