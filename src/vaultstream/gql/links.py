"""Links in the contract, as those who made them see them."""

from asyncio import Future
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import links
from vaultstream import shares as share_nouns
from vaultstream.actions import link as deeds
from vaultstream.actions import shared
from vaultstream.actions.shared import PageKey
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.gql import states
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import ItemLater, Node, item_id, link_id, load_item
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, INPUT, Outcome, outcome
from vaultstream.gql.pages import Listing, PageInfo, listing, turn
from vaultstream.gql.scalars import URL
from vaultstream.gql.users import User
from vaultstream.ids import ItemId, LinkId, UserId


@strawberry.type(description="A link: whoever has its address gets at a folder or file without an account.")
class ShareLink(Node):
    """Read from `vaultstream.links.ShareLink`."""

    created_at: datetime = strawberry.field(description="When it was made.")
    downloads: int = strawberry.field(description="How many downloads it gave.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it is not.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, links.ShareLink)

    @strawberry.field(description="Counts the changes of its terms; pass it as `ifVersion`.")
    def revision(self: links.ShareLink) -> int:
        """Every change of the terms is a person's; a download is none."""
        return self.stamp

    @strawberry.field(description="What it leads to.", graphql_type=ItemLater | None)
    def item(self: links.ShareLink, info: Info) -> "Future[object]":
        """Load the folder or file."""
        return load_item(info, self.item_id)

    @strawberry.field(description="What its holder may do.", graphql_type=states.Role)
    def role(self: links.ShareLink) -> share_nouns.Role:
        """As made."""
        return self.terms.role

    @by_key(
        lambda loaders: loaders.contacts,
        description="Who made it; null for somebody who is gone.",
        graphql_type=User | None,
    )
    def created_by(self: links.ShareLink) -> UserId:
        """As made."""
        return self.created_by

    @strawberry.field(description="From when on it is open; null for at once.")
    def starts_at(self: links.ShareLink) -> datetime | None:
        """As made."""
        return self.terms.starts_at

    @strawberry.field(description="When it ends by itself; null for never.")
    def expires_at(self: links.ShareLink) -> datetime | None:
        """As made."""
        return self.terms.expires_at

    @strawberry.field(description="Whether it asks for a password.")
    def has_password(self: links.ShareLink) -> bool:
        """The password itself is nowhere."""
        return self.password_hash is not None

    @strawberry.field(description="How many downloads it gives; null for any number.")
    def max_downloads(self: links.ShareLink) -> int | None:
        """As made."""
        return self.terms.max_downloads

    @strawberry.field(description="Whether it shows names and thumbnails only, and gives no contents.")
    def view_only(self: links.ShareLink) -> bool:
        """As made."""
        return self.terms.view_only


@strawberry.type(description="One link in a list.")
class ShareLinkEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: ShareLink = strawberry.field(description="The link.")


@strawberry.type(description="A page of links, the oldest first.")
class ShareLinkConnection:
    """Read from `pages.Listing`."""

    edges: list[ShareLinkEdge] = strawberry.field(description="The links.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


async def of_item(info: Info, wanted: ItemId, first: int, after: str | None) -> Listing[links.ShareLink]:
    """A page of the links to an item."""
    asked = turn(first, after, prefix=shared.LINKS)
    page = await info.context.loaders.link_pages.load(PageKey(wanted, asked.first, asked.after))
    if page is None:
        raise not_found()
    return listing(page.links, page.cursors, asked, has_next=page.has_next)


async def loaded(info: Info, wanted: LinkId) -> links.ShareLink | None:
    """The link; None where it is not for the viewer to see."""
    try:
        return await deeds.find(info.context.vault, info.context.actor, wanted)
    except VaultError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise


@strawberry.input(description="A new link.")
class ShareLinkCreateInput:
    """What `shareLinkCreate` takes."""

    item_id: strawberry.ID = strawberry.field(description="The folder or file that it leads to.")
    role: states.Role | None = strawberry.field(
        description="VIEWER: nobody is known behind a link, so it gives no more.", default=None
    )
    password: str | None = strawberry.field(description="What it asks for: 8 characters or more.", default=None)
    starts_at: datetime | None = strawberry.field(
        description="From when on it is open; at once where it is not given.", default=None
    )
    expires_at: datetime | None = strawberry.field(
        description="When it ends by itself; never where it is not given.", default=None
    )
    max_downloads: int | None = strawberry.field(
        description="How many downloads it gives; any number where it is not given.", default=None
    )
    view_only: bool = strawberry.field(description="Show names and thumbnails only, no contents.", default=False)
    idempotency_key: str | None = strawberry.field(
        description=IDEMPOTENCY_KEY + " The repeated answer has no token.", default=None
    )


@strawberry.type(description="What shareLinkCreate did.")
class ShareLinkCreatePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(description="The link; null where it was not made.", graphql_type=ShareLink | None)
    def share_link(self: Outcome[deeds.Made]) -> links.ShareLink | None:
        """Null where there are errors."""
        return self.made.link if self.made else None

    @strawberry.field(description="Its secret, shown this once: only its digest is kept.")
    def token(self: Outcome[deeds.Made]) -> str | None:
        """Null where there are errors, or where the answer is a repeated one."""
        return self.made.token if self.made else None

    @strawberry.field(
        description="The address to give away, which holds the token: shown this once.", graphql_type=URL | None
    )
    def url(self: Outcome[deeds.Made], info: Info) -> str | None:
        """As the token."""
        if self.made is None or self.made.token is None:
            return None
        return f"{info.context.vault.settings.public_url.rstrip('/')}/s/{self.made.token}"


@strawberry.input(description="A link to end.")
class ShareLinkRevokeInput:
    """What `shareLinkRevoke` takes."""

    share_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.type(description="What shareLinkRevoke did.")
class ShareLinkRevokePayload:
    """Read from `outcomes.Outcome`."""

    made: ShareLink | None = strawberry.field(name="shareLink", description="The link as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


def _wanted(asked: ShareLinkCreateInput) -> deeds.Wanted:
    return deeds.Wanted(
        item_id=item_id(asked.item_id),
        role=share_nouns.Role[asked.role.name] if asked.role is not None else share_nouns.Role.VIEWER,
        password=asked.password,
        starts_at=asked.starts_at,
        expires_at=asked.expires_at,
        max_downloads=asked.max_downloads,
        view_only=asked.view_only,
        idempotency_key=asked.idempotency_key,
    )


@strawberry.type
class ShareLinkMutations:
    """What can be done to links."""

    @strawberry.mutation(
        description="Make a link to a folder or file, for people without an account.",
        graphql_type=ShareLinkCreatePayload,
    )
    async def share_link_create(
        self,
        info: Info,
        wanted: Annotated[ShareLinkCreateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[deeds.Made]:
        """One transaction."""

        async def deed() -> deeds.Made:
            return await deeds.create(info.context.vault, info.context.actor, _wanted(wanted))

        return await outcome(info, deed())

    @strawberry.mutation(
        description="End a link at once, with the addresses that were given out by it.",
        graphql_type=ShareLinkRevokePayload,
    )
    async def share_link_revoke(
        self,
        info: Info,
        wanted: Annotated[ShareLinkRevokeInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[links.ShareLink]:
        """One transaction."""

        async def deed() -> links.ShareLink:
            return await deeds.revoke(info.context.vault, info.context.actor, link_id(wanted.share_link_id))

        return await outcome(info, deed())
