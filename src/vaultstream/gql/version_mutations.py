"""What can be done to a file's older versions."""

from typing import Annotated

import strawberry

from vaultstream import files
from vaultstream.actions import versions
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.files import File
from vaultstream.gql.nodes import file_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, IF_VERSION, INPUT, Outcome, outcome

_FILE = "The file."
_NUMBER = "Which of its versions."


@strawberry.input(description="An older version to restore.")
class VersionRestoreInput:
    """What `versionRestore` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)
    version_number: int = strawberry.field(description=_NUMBER)
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.type(description="What versionRestore did.")
class VersionRestorePayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(
        name="file", description="The file, its new current version waiting for its scan; null if unchanged."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="An older version to delete for ever.")
class VersionDeleteInput:
    """What `versionDelete` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)
    version_number: int = strawberry.field(description=_NUMBER)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What versionDelete did.")
class VersionDeletePayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A version, and the words to know it by.")
class VersionLabelInput:
    """What `versionLabel` takes."""

    file_id: strawberry.ID = strawberry.field(description=_FILE)
    version_number: int = strawberry.field(description=_NUMBER)
    label: str | None = strawberry.field(
        description="1 to 100 printable characters, and the version is kept for ever; none to take the label away.",
        default=None,
    )
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What versionLabel did.")
class VersionLabelPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class VersionMutations:
    """What can be done to versions."""

    @strawberry.mutation(
        description="Store the contents of an older version as a new one. Both stay; the new one is scanned anew.",
        graphql_type=VersionRestorePayload,
    )
    async def version_restore(
        self,
        info: Info,
        wanted: Annotated[VersionRestoreInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """Opened and sealed anew under its own key, a few frames at a time."""

        async def deed() -> files.File:
            file, number, key = file_id(wanted.file_id), wanted.version_number, wanted.idempotency_key
            context = info.context
            return await versions.restore(context.vault, context.actor, file, number, idempotency_key=key)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Delete an older version of a file of yours for ever. The current one stays.",
        graphql_type=VersionDeletePayload,
    )
    async def version_delete(
        self,
        info: Info,
        wanted: Annotated[VersionDeleteInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction: its keys go, its bytes are free."""

        async def deed() -> files.File:
            file, number, context = file_id(wanted.file_id), wanted.version_number, info.context
            return await versions.delete(context.vault, context.actor, file, number, if_version=wanted.if_version)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Put a label on a version, or take it away. What has one is never thinned out.",
        graphql_type=VersionLabelPayload,
    )
    async def version_label(
        self,
        info: Info,
        wanted: Annotated[VersionLabelInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction."""

        async def deed() -> files.File:
            file, number, context = file_id(wanted.file_id), wanted.version_number, info.context
            return await versions.label(
                context.vault, context.actor, file, number, wanted.label, if_version=wanted.if_version
            )

        return await outcome(info, deed())
