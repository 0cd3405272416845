"""Zips in the contract: one address for files and folders together."""

from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream.actions import zips
from vaultstream.actions.download import Link
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import item_id
from vaultstream.gql.outcomes import ERRORS, INPUT, Outcome, outcome
from vaultstream.gql.scalars import URL


@strawberry.input(description="What to download in one zip.")
class ZipCreateInput:
    """What `zipCreate` takes."""

    item_ids: list[strawberry.ID] = strawberry.field(
        description="1 to 100 files and folders; a folder comes with all that it holds, 20,000 items at most in all."
    )
    name: str | None = strawberry.field(
        description="What to call the zip; like the one thing in it, or “vault”, where it is not given.", default=None
    )


@strawberry.type(description="What zipCreate did.")
class ZipCreatePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(
        description="A signed address that gives the zip until it expires. Its files are read as it is downloaded, "
        "each decided anew and recorded; what cannot be had is named in SKIPPED.txt at its end, with the reason.",
        graphql_type=URL | None,
    )
    def url(self: Outcome[Link]) -> str | None:
        """Null where there are errors."""
        return self.made.url if self.made else None

    @strawberry.field(description="When the address expires; a download that has begun goes on.")
    def expires_at(self: Outcome[Link]) -> datetime | None:
        """Null where there are errors."""
        return self.made.expires_at if self.made else None


@strawberry.type
class ZipMutations:
    """What can be had in one zip."""

    @strawberry.mutation(
        description="Make an address from which files and folders can be downloaded together, as one zip.",
        graphql_type=ZipCreatePayload,
    )
    async def zip_create(
        self,
        info: Info,
        wanted: Annotated[ZipCreateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[Link]:
        """Decided and recorded now, and again when the address is used."""

        async def deed() -> Link:
            context, chosen = info.context, [item_id(text) for text in wanted.item_ids]
            return await zips.link(context.vault, context.actor, chosen, wanted.name)

        return await outcome(info, deed())
