"""A link on other terms, in the contract: what is not given stays as it is, and null takes a bound away."""

from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import links
from vaultstream.actions import amend
from vaultstream.actions.amend import NewPassword, NewTerms
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.links import ShareLink
from vaultstream.gql.nodes import link_id
from vaultstream.gql.outcomes import ERRORS, IF_VERSION, INPUT, Outcome, outcome

_AS_IT_IS = " Not given, it stays as it is."


@strawberry.input(description="Other terms for a link. What is not given stays as it is.")
class ShareLinkUpdateInput:
    """What `shareLinkUpdate` takes."""

    share_link_id: strawberry.ID = strawberry.field(description="The link.")
    password: str | None = strawberry.field(
        description="What it asks for from now on: 8 characters or more; null for no password." + _AS_IT_IS,
        default=strawberry.UNSET,
    )
    starts_at: datetime | None = strawberry.field(
        description="From when on it is open; null for at once." + _AS_IT_IS, default=strawberry.UNSET
    )
    expires_at: datetime | None = strawberry.field(
        description="When it ends by itself, not later than what you hold yourself; null for never." + _AS_IT_IS,
        default=strawberry.UNSET,
    )
    max_downloads: int | None = strawberry.field(
        description="How many downloads it gives, those it has given counted; null for any number." + _AS_IT_IS,
        default=strawberry.UNSET,
    )
    view_only: bool | None = strawberry.field(
        description="Show names and thumbnails only, no contents. Null or not given, it stays as it is.", default=None
    )
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What shareLinkUpdate did.")
class ShareLinkUpdatePayload:
    """Read from `outcomes.Outcome`."""

    made: ShareLink | None = strawberry.field(name="shareLink", description="The link as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


def _terms(asked: ShareLinkUpdateInput) -> NewTerms:
    terms = NewTerms()
    if asked.starts_at is not strawberry.UNSET:
        terms["starts_at"] = asked.starts_at
    if asked.expires_at is not strawberry.UNSET:
        terms["expires_at"] = asked.expires_at
    if asked.max_downloads is not strawberry.UNSET:
        terms["max_downloads"] = asked.max_downloads
    if asked.view_only is not None:
        terms["view_only"] = asked.view_only
    return terms


def _password(asked: ShareLinkUpdateInput) -> NewPassword:
    return NewPassword() if asked.password is strawberry.UNSET else NewPassword(password=asked.password)


@strawberry.type
class ShareLinkUpdateMutation:
    """What can be changed in a link."""

    @strawberry.mutation(
        description="Give a link other terms: its address stays, and so does what was counted. New terms hold at once, "
        "for addresses that it gave out too; a new password is asked for when the next one is.",
        graphql_type=ShareLinkUpdatePayload,
    )
    async def share_link_update(
        self,
        info: Info,
        wanted: Annotated[ShareLinkUpdateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[links.ShareLink]:
        """One transaction."""

        async def deed() -> links.ShareLink:
            return await amend.link(
                info.context.vault,
                info.context.actor,
                link_id(wanted.share_link_id),
                _terms(wanted),
                _password(wanted),
                if_version=wanted.if_version,
            )

        return await outcome(info, deed())
