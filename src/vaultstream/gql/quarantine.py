"""What is kept closed: releases, and who had what turned out infected."""

from asyncio import Future
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import files
from vaultstream.actions import quarantine
from vaultstream.actions.quarantine import Exposure as Exposed
from vaultstream.audit_query import Downloads
from vaultstream.errors import Code, VaultError
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.files import File
from vaultstream.gql.nodes import file_id
from vaultstream.gql.outcomes import ERRORS, INPUT, Outcome, outcome
from vaultstream.gql.users import Known, User
from vaultstream.gql.versions import FileVersion
from vaultstream.ids import UserId, kind_of


@strawberry.input(description="A version that nobody could look into, to be let out.")
class QuarantineReleaseInput:
    """What `quarantineRelease` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(
        description="Which of its versions; none for the current one.", default=None
    )
    reason: str = strawberry.field(description="Why, in 1 to 500 characters: it is kept with the version.")


@strawberry.type(description="What quarantineRelease did.")
class QuarantineReleasePayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type(description="Somebody who downloaded a version.")
class Reader:
    """Read from `audit_log.Downloads`."""

    first_at: datetime = strawberry.field(description="When for the first time.")
    last_at: datetime = strawberry.field(description="When for the last time.")
    times: int = strawberry.field(description="How often they began to.")

    @strawberry.field(
        description="Who; null for somebody who came by a link, or who is not for you to see.",
        graphql_type=User | None,
    )
    def user(self: Downloads, info: Info) -> "Future[Known | None] | None":
        """Load the person."""
        is_person = kind_of(self.subject) == "user"
        return info.context.loaders.users.load(UserId(self.subject)) if is_person else None

    @strawberry.field(description="The link by which they came; null for somebody who signed in.")
    def share_link_id(self: Downloads) -> strawberry.ID | None:
        """Links are subjects too."""
        return strawberry.ID(self.subject) if kind_of(self.subject) == "link" else None


@strawberry.type(description="Who downloaded a version, as the audit log has it.")
class Exposure:
    """Read from `quarantine.Exposure`."""

    version: FileVersion = strawberry.field(description="The version.")
    readers: list[Reader] = strawberry.field(
        description="Who downloaded it, the first of them first: 100 at most. Thumbnails do not count."
    )


@strawberry.type
class QuarantineQueries:
    """What those who manage a file can ask when it turns out infected."""

    @strawberry.field(
        description="Who downloaded a version, so that they can be told when it turns out infected; null where the "
        "file is not for you to see. Only for those who may share it.",
        graphql_type=Exposure | None,
    )
    async def exposure(
        self,
        info: Info,
        file: Annotated[strawberry.ID, strawberry.argument(name="fileId", description="The file.")],
        version_number: Annotated[
            int | None, strawberry.argument(description="Which of its versions; none for the current one.")
        ] = None,
    ) -> Exposed | None:
        """One question to the audit log."""
        try:
            return await quarantine.exposure(info.context.vault, info.context.actor, file_id(file), version_number)
        except VaultError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise


@strawberry.type
class QuarantineMutations:
    """What can be done to what is kept closed."""

    @strawberry.mutation(
        description="Let a version out that is UNSCANNABLE, on your own word: for who manages the file, in person. "
        "What is INFECTED stays closed.",
        graphql_type=QuarantineReleasePayload,
    )
    async def quarantine_release(
        self,
        info: Info,
        wanted: Annotated[QuarantineReleaseInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """One transaction."""

        async def deed() -> files.File:
            file, number, context = file_id(wanted.file_id), wanted.version_number, info.context
            return await quarantine.release(context.vault, context.actor, file, number, wanted.reason)

        return await outcome(info, deed())
