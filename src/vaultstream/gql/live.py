"""What can be watched: first what is there now, then every change."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import versions
from vaultstream.actions import watch
from vaultstream.errors import Code, VaultError
from vaultstream.gql.context import Info
from vaultstream.gql.files import File
from vaultstream.gql.nodes import file_id as to_file_id
from vaultstream.gql.nodes import folder_id as to_folder_id
from vaultstream.gql.versions import FileVersion, Scan, StorageState, Thumbnail


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
        """Each state is resolved anew: nothing that was loaded for an earlier one is shown with it."""
        if (file_id is None) == (folder_id is None):
            raise VaultError(Code.INVALID, "Give either a fileId or a folderId.")
        statuses = watch.file_status(
            info.context.vault,
            info.context.actor,
            file_id=to_file_id(file_id) if file_id is not None else None,
            folder_id=to_folder_id(folder_id) if folder_id is not None else None,
        )
        async with aclosing(statuses):
            async for status in statuses:
                info.context.forget()
                info.context.loaders.saw(status.file)
                yield status
