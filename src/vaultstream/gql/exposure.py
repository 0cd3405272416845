"""The exposure report in the contract: who could read an item between two moments, and who did."""

from asyncio import Future
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from vaultstream.actions import exposure
from vaultstream.actions.exposure import Report
from vaultstream.audit_query import Reading
from vaultstream.errors import Code, VaultError
from vaultstream.exposure import Span
from vaultstream.gql import states
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import item_id
from vaultstream.gql.users import Known, User
from vaultstream.ids import UserId, kind_of
from vaultstream.shares import Role


@strawberry.enum(description="By what somebody could read an item.")
class ExposureWay(Enum):
    """As `vaultstream.exposure_facts.Way`."""

    OWNER = strawberry.enum_value("OWNER", description="They own it.")
    SHARE = strawberry.enum_value("SHARE", description="It, or a folder above it, was shared with them.")
    LINK = strawberry.enum_value("LINK", description="It, or a folder above it, had a link, for whoever knew it.")
    TOKEN = strawberry.enum_value(
        "TOKEN",
        description="A program of theirs had a token that was bound to a folder above it.",
    )


@strawberry.enum(description="How somebody read an item.")
class ExposureKind(Enum):
    """As `vaultstream.audit_query.ReadingKind`."""

    DOWNLOAD = strawberry.enum_value("DOWNLOAD", description="They began to download its contents, also in a zip.")
    PREVIEW = strawberry.enum_value("PREVIEW", description="They were shown a picture of it.")
    ADDRESS = strawberry.enum_value(
        "ADDRESS", description="They were given an address to download it from; its use is told apart, as DOWNLOAD."
    )


def _person(info: Info, subject: str) -> "Future[Known | None] | None":
    return info.context.loaders.users.load(UserId(subject)) if kind_of(subject) == "user" else None


@strawberry.type(description="A time in which somebody could read an item in one way.")
class ExposureSpan:
    """Read from `vaultstream.exposure.Span`."""

    since: datetime = strawberry.field(description="From when on, or the begin of the report.")
    until: datetime = strawberry.field(description="Until when, or the end of the report.")

    @strawberry.field(description="Who: the id of a person or a link.")
    def actor(self: Span) -> str:
        """As the log names them."""
        return self.given.holder

    @strawberry.field(
        description="The person; null for a link, and for one who is not for you to see.", graphql_type=User | None
    )
    def user(self: Span, info: Info) -> "Future[Known | None] | None":
        """Load the person."""
        return _person(info, self.given.holder)

    @strawberry.field(description="By what.", graphql_type=ExposureWay)
    def way(self: Span) -> ExposureWay:
        """As found."""
        return ExposureWay[self.given.way.name]

    @strawberry.field(description="What they were to the item.", graphql_type=states.Role)
    def role(self: Span) -> Role:
        """That of this way alone."""
        return self.given.role

    @strawberry.field(description="Where that was given: the item itself, or a folder above it, which may be gone.")
    def item_id(self: Span) -> strawberry.ID:
        """By its id: it may not be for the viewer to see."""
        return strawberry.ID(self.given.item_id)

    @strawberry.field(description="The token of the program; null for everybody else.")
    def access_token_id(self: Span) -> strawberry.ID | None:
        """As recorded."""
        return None if self.given.token_id is None else strawberry.ID(self.given.token_id)

    @strawberry.field(description="Whether it gave names and pictures only, and no contents.")
    def view_only(self: Span) -> bool:
        """Of links alone."""
        return self.given.view_only


@strawberry.type(description="Somebody who read an item.")
class ExposureReading:
    """Read from `vaultstream.audit_query.Reading`."""

    first_at: datetime = strawberry.field(description="When for the first time within the report.")
    last_at: datetime = strawberry.field(description="When for the last time within the report.")
    times: int = strawberry.field(description="How often.")

    @strawberry.field(description="Who: the id of a person or a link.")
    def actor(self: Reading) -> str:
        """As the log names them."""
        return self.subject

    @strawberry.field(
        description="The person; null for a link, and for one who is not for you to see.", graphql_type=User | None
    )
    def user(self: Reading, info: Info) -> "Future[Known | None] | None":
        """Load the person."""
        return _person(info, self.subject)

    @strawberry.field(description="How.", graphql_type=ExposureKind)
    def kind(self: Reading) -> ExposureKind:
        """As recorded."""
        return ExposureKind[self.kind.name]

    @strawberry.field(description="The token of the program that did it; null where it was nobody's program.")
    def access_token_id(self: Reading) -> strawberry.ID | None:
        """As recorded."""
        return None if self.token_id is None else strawberry.ID(self.token_id)


@strawberry.type(description="Who could read a file or folder between two moments, and who did.")
class ExposureReport:
    """Read from `vaultstream.actions.exposure.Report`."""

    since: datetime = strawberry.field(description="Where it begins.")
    until: datetime = strawberry.field(description="Where it ends: this moment itself is not in it.")
    complete_since: datetime = strawberry.field(
        description="From when on nothing is missing. Before it the log has gaps: what was both given and taken back "
        "then is not told, and what was in force is told as it was first recorded, or as it is now."
    )
    complete_until: datetime = strawberry.field(
        description="Until when nothing is missing: deeds reach the log some moments after they are done."
    )
    could_read: list[ExposureSpan] = strawberry.field(
        description="Who could read it, by each way, the first of them first; whatever its scan said. 500 at most.",
    )
    did_read: list[ExposureReading] = strawberry.field(
        description="Who did read it, in each way, the first of them first: 500 at most. What lies in a folder has a "
        "report of its own.",
    )
    is_truncated: bool = strawberry.field(description="Whether one of the lists is longer than shown: narrow the time.")


@strawberry.type
class ExposureQueries:
    """What auditors and those who manage an item can ask of its past."""

    @strawberry.field(
        description="Who could read a file or folder between two moments, and who did, from the audit log; null where "
        "the item is not for you to see. For auditors, and for those who may share it; asking is recorded.",
        graphql_type=ExposureReport | None,
    )
    async def exposure_report(
        self,
        info: Info,
        item: Annotated[strawberry.ID, strawberry.argument(name="itemId", description="The folder or file.")],
        since: Annotated[datetime, strawberry.argument(description="Where the report begins.")],
        until: Annotated[datetime | None, strawberry.argument(description="Where it ends; now, if not given.")] = None,
    ) -> Report | None:
        """From the log."""
        try:
            return await exposure.report(info.context.vault, info.context.actor, item_id(item), since, until)
        except VaultError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
