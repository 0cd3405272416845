"""The trash in the contract: what was thrown away, and the ways into it, back, and out of the vault for ever."""

from enum import Enum
from typing import Annotated

import strawberry

from vaultstream import files as file_nouns
from vaultstream import folders as folder_nouns
from vaultstream import table
from vaultstream.actions import purge, trash
from vaultstream.actions.trash import OnConflict, Restored
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.files import File
from vaultstream.gql.folders import Folder
from vaultstream.gql.items import ItemConnection
from vaultstream.gql.nodes import file_id, folder_id
from vaultstream.gql.outcomes import ERRORS, IF_VERSION, INPUT, Outcome, outcome
from vaultstream.gql.pages import After, First, Listing, listing, turn
from vaultstream.ids import ItemId

_FOLDER = "The folder."
_FILE = "The file."
_PLACE = "Where it is now; null where there are errors."
_ON_CONFLICT = "What to do where another item has its name by now; KEEP_BOTH where it is not given."
_PURGED = "What is gone, or going; null if nothing was changed."


@strawberry.enum(description="What a restore does where another item has the name by now.")
class RestoreConflict(Enum):
    """As `vaultstream.actions.trash.OnConflict`."""

    SKIP = strawberry.enum_value("SKIP", description="It stays in the trash.")
    REPLACE = strawberry.enum_value("REPLACE", description="The other one goes to the trash in its stead.")
    KEEP_BOTH = strawberry.enum_value("KEEP_BOTH", description="It gets a number after its name.")


@strawberry.enum(description="Where an item is after a restore.")
class RestorePlace(Enum):
    """As `vaultstream.actions.trash.Place`."""

    ORIGINAL = strawberry.enum_value("ORIGINAL", description="In the folder that it was thrown away from.")
    TOP_FOLDER = strawberry.enum_value("TOP_FOLDER", description="In the top folder: its own is gone or in the trash.")
    STILL_IN_TRASH = strawberry.enum_value("STILL_IN_TRASH", description="Its name is taken, and SKIP was asked for.")


@strawberry.type
class TrashQueries:
    """What can be asked of the trash."""

    @strawberry.field(
        description="What you own and was thrown away, the newest first: not what lies in it. To a token that is bound "
        "to a folder, what was thrown away there: a page may be shorter than `first`.",
        graphql_type=ItemConnection,
    )
    async def trash(
        self, info: Info, first: First, after: After = None
    ) -> Listing[folder_nouns.Folder | file_nouns.File]:
        """Two round trips."""
        asked = turn(first, after, prefix=table.TRASHED)
        page = await trash.page(info.context.vault, info.context.actor, asked.first, asked.after)
        info.context.loaders.saw(*page.items)
        return listing(page.items, page.cursors, asked, has_next=page.has_next, end=page.end)


@strawberry.input(description="A folder to throw away.")
class FolderTrashInput:
    """What `folderTrash` takes."""

    folder_id: strawberry.ID = strawberry.field(description=_FOLDER)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What folderTrash did.")
class FolderTrashPayload:
    """Read from `outcomes.Outcome`."""

    made: Folder | None = strawberry.field(name="folder", description="The folder in the trash; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A file to throw away.")
class FileTrashInput:
    """What `fileTrash` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What fileTrash did.")
class FileTrashPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file in the trash; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A folder to take back out of the trash.")
class FolderRestoreInput:
    """What `folderRestore` takes."""

    folder_id: strawberry.ID = strawberry.field(description=_FOLDER)
    on_conflict: RestoreConflict | None = strawberry.field(description=_ON_CONFLICT, default=None)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What folderRestore did.")
class FolderRestorePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(description="The folder as it is now; null if unchanged.", graphql_type=Folder | None)
    def folder(self: Outcome[Restored]) -> folder_nouns.Folder | file_nouns.File | None:
        """Null where there are errors."""
        return self.made.item if self.made else None

    @strawberry.field(description=_PLACE)
    def place(self: Outcome[Restored]) -> RestorePlace | None:
        """Null where there are errors."""
        return RestorePlace[self.made.place.name] if self.made else None


@strawberry.input(description="A file to take back out of the trash.")
class FileRestoreInput:
    """What `fileRestore` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)
    on_conflict: RestoreConflict | None = strawberry.field(description=_ON_CONFLICT, default=None)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What fileRestore did.")
class FileRestorePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(description="The file as it is now; null if unchanged.", graphql_type=File | None)
    def file(self: Outcome[Restored]) -> folder_nouns.Folder | file_nouns.File | None:
        """Null where there are errors."""
        return self.made.item if self.made else None

    @strawberry.field(description=_PLACE)
    def place(self: Outcome[Restored]) -> RestorePlace | None:
        """Null where there are errors."""
        return RestorePlace[self.made.place.name] if self.made else None


@strawberry.input(description="A folder in the trash that is to be gone for ever, with all that is in it.")
class FolderPurgeInput:
    """What `folderPurge` takes."""

    folder_id: strawberry.ID = strawberry.field(description=_FOLDER)


@strawberry.type(description="What folderPurge did. A large folder goes on being purged after the answer.")
class FolderPurgePayload:
    """Read from `outcomes.Outcome`."""

    made: strawberry.ID | None = strawberry.field(name="folderId", description=_PURGED)
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A file in the trash that is to be gone for ever, with all its versions.")
class FilePurgeInput:
    """What `filePurge` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)


@strawberry.type(description="What filePurge did.")
class FilePurgePayload:
    """Read from `outcomes.Outcome`."""

    made: strawberry.ID | None = strawberry.field(name="fileId", description=_PURGED)
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class TrashMutations:
    """What can be done with the trash."""

    @strawberry.mutation(
        description="Throw a folder away, with all that it holds. It can be restored for 30 days.",
        graphql_type=FolderTrashPayload,
    )
    async def folder_trash(
        self,
        info: Info,
        wanted: Annotated[FolderTrashInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[folder_nouns.Folder | file_nouns.File]:
        """One transaction, however much it holds."""

        async def deed() -> folder_nouns.Folder | file_nouns.File:
            folder, context = folder_id(wanted.folder_id), info.context
            return await trash.throw_away(context.vault, context.actor, folder, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Throw a file away, with all its versions. It can be restored for 30 days.",
        graphql_type=FileTrashPayload,
    )
    async def file_trash(
        self,
        info: Info,
        wanted: Annotated[FileTrashInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[folder_nouns.Folder | file_nouns.File]:
        """One transaction."""

        async def deed() -> folder_nouns.Folder | file_nouns.File:
            file, context = file_id(wanted.file_id), info.context
            return await trash.throw_away(context.vault, context.actor, file, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Take a folder back out of the trash, to where it was.", graphql_type=FolderRestorePayload
    )
    async def folder_restore(
        self,
        info: Info,
        wanted: Annotated[FolderRestoreInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[Restored]:
        """One transaction, however much it holds."""

        async def deed() -> Restored:
            return await _restored(info, folder_id(wanted.folder_id), wanted.on_conflict, wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Take a file back out of the trash, to where it was.", graphql_type=FileRestorePayload
    )
    async def file_restore(
        self,
        info: Info,
        wanted: Annotated[FileRestoreInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[Restored]:
        """One transaction."""

        async def deed() -> Restored:
            return await _restored(info, file_id(wanted.file_id), wanted.on_conflict, wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Remove a folder of yours from the trash for ever, with all that it holds: the keys first, then "
        "the contents. A large one is gone a while after the answer.",
        graphql_type=FolderPurgePayload,
    )
    async def folder_purge(
        self,
        info: Info,
        wanted: Annotated[FolderPurgeInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[ItemId]:
        """Begun in one transaction, and done in bounded steps."""

        async def deed() -> ItemId:
            return await purge.begin(info.context.vault, info.context.actor, folder_id(wanted.folder_id))

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Remove a file of yours from the trash for ever: the keys first, then the contents.",
        graphql_type=FilePurgePayload,
    )
    async def file_purge(
        self,
        info: Info,
        wanted: Annotated[FilePurgeInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[ItemId]:
        """Begun in one transaction, and done in bounded steps."""

        async def deed() -> ItemId:
            return await purge.begin(info.context.vault, info.context.actor, file_id(wanted.file_id))

        return await outcome(info, deed())


async def _restored(info: Info, wanted: ItemId, choice: RestoreConflict | None, if_version: int | None) -> Restored:
    vault, actor = info.context.vault, info.context.actor
    on_conflict = OnConflict[choice.name] if choice else OnConflict.KEEP_BOTH
    return await trash.restore(vault, actor, wanted, on_conflict=on_conflict, if_version=if_version)
