"""What can be done to a file's name and place, and the words on it."""

from typing import Annotated

import strawberry

from vaultstream import files
from vaultstream.actions import arrange, duplicate
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.files import File
from vaultstream.gql.nodes import file_id, folder_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, IF_VERSION, INPUT, Outcome, outcome


@strawberry.input(description="Another name for a file.")
class FileRenameInput:
    """What `fileRename` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    name: str = strawberry.field(description="Its new name: at most 255 characters, no slash.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What fileRename did.")
class FileRenamePayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="Another place for a file.")
class FileMoveInput:
    """What `fileMove` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    parent_id: strawberry.ID = strawberry.field(description="The folder to put it into.")
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What fileMove did.")
class FileMovePayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="The tags of a file.")
class FileTagsSetInput:
    """What `fileTagsSet` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    tags: list[str] = strawberry.field(
        description="At most 20 words of at most 50 characters; they are kept in lower case, each once."
    )
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What fileTagsSet did.")
class FileTagsSetPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A copy of a file.")
class FileCopyInput:
    """What `fileCopy` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    parent_id: strawberry.ID = strawberry.field(description="The folder to copy it into: its owner's quota is used.")
    name: str | None = strawberry.field(description="The copy's name; the file's own where not given.", default=None)
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.type(description="What fileCopy did.")
class FileCopyPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The copy; null where it was not made.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class FilePlaceMutations:
    """What can be done to where files are."""

    @strawberry.mutation(description="Give a file another name.", graphql_type=FileRenamePayload)
    async def file_rename(
        self,
        info: Info,
        wanted: Annotated[FileRenameInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction."""

        async def deed() -> files.File:
            context = info.context
            file = file_id(wanted.file_id)
            return await arrange.rename_file(
                context.vault, context.actor, file, wanted.name, if_version=wanted.if_version
            )

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Put a file into another folder of the same owner, with its versions.", graphql_type=FileMovePayload
    )
    async def file_move(
        self,
        info: Info,
        wanted: Annotated[FileMoveInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction."""

        async def deed() -> files.File:
            context = info.context
            file, parent = file_id(wanted.file_id), folder_id(wanted.parent_id)
            return await arrange.move_file(context.vault, context.actor, file, parent, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Set the tags of a file, in place of those it has.", graphql_type=FileTagsSetPayload
    )
    async def file_tags_set(
        self,
        info: Info,
        wanted: Annotated[FileTagsSetInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction."""

        async def deed() -> files.File:
            context = info.context
            file = file_id(wanted.file_id)
            return await arrange.tag_file(context.vault, context.actor, file, wanted.tags, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Copy the current version of a file, of 2 GiB at most, into a folder: a new file in its own key, "
        "scanned anew. Its versions, tags, comments and shares stay behind.",
        graphql_type=FileCopyPayload,
    )
    async def file_copy(
        self,
        info: Info,
        wanted: Annotated[FileCopyInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """An upload whose bytes come from the vault itself."""

        async def deed() -> files.File:
            context = info.context
            file, parent = file_id(wanted.file_id), folder_id(wanted.parent_id)
            return await duplicate.copy_file(
                context.vault, context.actor, file, parent, name=wanted.name, idempotency_key=wanted.idempotency_key
            )

        return await outcome(info, deed())
