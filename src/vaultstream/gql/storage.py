"""What can be done about where bytes are kept."""

from typing import Annotated

import strawberry

from vaultstream import tiers, versions
from vaultstream.actions import tier
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import file_id
from vaultstream.gql.outcomes import ERRORS, INPUT, Outcome, outcome
from vaultstream.gql.versions import FileVersion


@strawberry.input(description="An archived version to make readable for a while.")
class StorageRestoreInput:
    """What `storageRestore` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(
        description="Which of its versions; the current one where not given.", default=None
    )
    days: int = strawberry.field(
        description=f"For how long, from when it is restored: 1 to {tiers.RESTORE_DAYS_MAX}.", default=7
    )


@strawberry.type(description="What storageRestore did.")
class StorageRestorePayload:
    """Read from `outcomes.Outcome`."""

    made: FileVersion | None = strawberry.field(
        name="version", description="The version, with when it is expected; null where nothing was asked for."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class StorageMutations:
    """What can be done about where bytes are kept."""

    @strawberry.mutation(
        description="Restore an archived version, which takes hours: fileStatus tells of it. Asked again while it is "
        "on its way nothing changes; a restored one is kept readable for longer.",
        graphql_type=StorageRestorePayload,
    )
    async def storage_restore(
        self,
        info: Info,
        wanted: Annotated[StorageRestoreInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[versions.Version]:
        """One transaction; the lifecycle worker tells S3."""

        async def deed() -> versions.Version:
            file, number, context = file_id(wanted.file_id), wanted.version_number, info.context
            return await tier.restore(context.vault, context.actor, file, number, wanted.days)

        return await outcome(info, deed())
