"""Shares in the contract: what is shown of them, and what can be done to them."""

from asyncio import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import folders as folder_nouns
from vaultstream import shares
from vaultstream.actions import share as deeds
from vaultstream.actions import shared
from vaultstream.actions.shared import PageKey, SharePage
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.gql import states
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import FolderLater, ItemLater, Node, item_id, load_item, share_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, IF_VERSION, INPUT, Outcome, outcome
from vaultstream.gql.pages import After, Around, First, Listing, PageInfo, Turn, turn
from vaultstream.gql.users import User
from vaultstream.ids import ItemId, ShareId, UserId

_EXPIRES_AT = "When it ends by itself; never where it is not given."


@strawberry.type(description="What a person was given on a folder or file, and on all that lies under it.")
class Share(Node):
    """Read from `vaultstream.shares.Share`."""

    role: states.Role = strawberry.field(description="What its holder may do.")
    created_at: datetime = strawberry.field(description="When it was given.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself; null for never.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, shares.Share)

    @strawberry.field(description="Counts its changes; pass it as `ifVersion`.")
    def revision(self: shares.Share) -> int:
        """Every write of a share is a person's."""
        return self.stamp

    @strawberry.field(
        description="What is shared; null where that is a folder above, which is not for you to see.",
        graphql_type=ItemLater | None,
    )
    def item(self: shares.Share, info: Info) -> "Future[object]":
        """Load the folder or file."""
        return load_item(info, self.item_id)

    @by_key(lambda loaders: loaders.contacts, description="With whom.", graphql_type=User)
    def grantee(self: shares.Share) -> UserId:
        """As given."""
        return self.grantee_id

    @by_key(lambda loaders: loaders.contacts, description="Who gave it.", graphql_type=User)
    def granted_by(self: shares.Share) -> UserId:
        """As given."""
        return self.granted_by


@dataclass(frozen=True, slots=True)
class Reaching:
    """A share in the list of an item, which it may reach from a folder above; None in other lists."""

    node: shares.Share
    cursor: str
    item_id: ItemId | None = None

    @property
    def is_inherited(self) -> bool:
        """Whether it is on a folder above."""
        return self.item_id not in {None, self.node.item_id}


@strawberry.type(description="One share in a list.")
class ShareEdge:
    """Read from `Reaching`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: Share = strawberry.field(description="The share.")
    is_inherited: bool = strawberry.field(description="Whether it reaches the item from a folder above.")

    @strawberry.field(
        description="The folder above where it was given; null if it is on the item itself, or not for you to see.",
        graphql_type=FolderLater | None,
    )
    def inherited_from(self: Reaching, info: Info) -> "Future[folder_nouns.Folder | None] | None":
        """Load the folder."""
        return load_item(info, self.node.item_id) if self.is_inherited else None


@strawberry.type(description="A page of shares.")
class ShareConnection:
    """Read from `pages.Listing`."""

    edges: list[ShareEdge] = strawberry.field(description="The shares.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


async def of_item(info: Info, wanted: ItemId, first: int, after: str | None) -> Listing[shares.Share]:
    """A page of what reaches an item."""
    asked = turn(first, after, prefix=shared.SHARES)
    page = await info.context.loaders.share_pages.load(PageKey(wanted, asked.first, asked.after))
    if page is None:
        raise not_found()
    return _listing(page, asked, wanted)


def _listing(page: SharePage, asked: Turn, wanted: ItemId | None) -> Listing[shares.Share]:
    edges = [Reaching(share, cursor, wanted) for share, cursor in zip(page.shares, page.cursors, strict=True)]
    ends = (page.cursors[0], page.cursors[-1]) if edges else (None, None)
    return Listing(edges, Around(page.has_next, asked.after is not None, *ends))  # type: ignore[arg-type]  # edges of its own


async def loaded(info: Info, wanted: ShareId) -> shares.Share | None:
    """The share; None where it is not for the viewer to see."""
    try:
        return await deeds.find(info.context.vault, info.context.actor, wanted)
    except VaultError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise


@strawberry.type
class ShareQueries:
    """What was shared with the viewer."""

    @strawberry.field(
        description="What others shared with you, the newest first. It may lag a moment.", graphql_type=ShareConnection
    )
    async def shared_with_me(self, info: Info, first: First, after: After = None) -> Listing[shares.Share]:
        """An index, then each share and its item anew."""
        asked = turn(first, after, prefix=shared.WITH_ME)
        page = await shared.with_me(info.context.vault, info.context.actor, asked.first, asked.after)
        return _listing(page, asked, None)


@strawberry.input(description="What to share, and with whom.")
class ShareGrantInput:
    """What `shareGrant` takes."""

    item_id: strawberry.ID = strawberry.field(description="The folder or file; a top folder stays its owner's alone.")
    email: str = strawberry.field(description="The address by which they sign in here; they must have come once.")
    role: states.Role = strawberry.field(description="What they may do: not more than you.")
    expires_at: datetime | None = strawberry.field(description=_EXPIRES_AT, default=None)
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.type(description="What shareGrant did.")
class ShareGrantPayload:
    """Read from `outcomes.Outcome`."""

    made: Share | None = strawberry.field(name="share", description="The share; null where it was not given.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="Another role or end for a share.")
class ShareUpdateInput:
    """What `shareUpdate` takes."""

    share_id: strawberry.ID = strawberry.field(description="The share.")
    role: states.Role = strawberry.field(description="What they may do from now on: not more than you.")
    expires_at: datetime | None = strawberry.field(description=_EXPIRES_AT, default=None)
    if_version: int | None = strawberry.field(description=IF_VERSION, default=None)


@strawberry.type(description="What shareUpdate did.")
class ShareUpdatePayload:
    """Read from `outcomes.Outcome`."""

    made: Share | None = strawberry.field(name="share", description="The share as it is now; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A share to take back, or to give back.")
class ShareRevokeInput:
    """What `shareRevoke` takes."""

    share_id: strawberry.ID = strawberry.field(description="The share: one on what you may share, or your own.")


@strawberry.type(description="What shareRevoke did.")
class ShareRevokePayload:
    """Read from `outcomes.Outcome`."""

    made: Share | None = strawberry.field(name="share", description="The share as it was; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class ShareMutations:
    """What can be done to shares."""

    @strawberry.mutation(
        description="Share a folder or file with a person, and with it all that it holds.",
        graphql_type=ShareGrantPayload,
    )
    async def share_grant(
        self,
        info: Info,
        wanted: Annotated[ShareGrantInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[shares.Share]:
        """One transaction."""

        async def deed() -> shares.Share:
            asked = deeds.Wanted(
                item_id=item_id(wanted.item_id),
                email=wanted.email,
                role=shares.Role[wanted.role.name],
                expires_at=wanted.expires_at,
                idempotency_key=wanted.idempotency_key,
            )
            return await deeds.grant(info.context.vault, info.context.actor, asked)

        return await outcome(info, deed())

    @strawberry.mutation(description="Give a share another role and another end.", graphql_type=ShareUpdatePayload)
    async def share_update(
        self,
        info: Info,
        wanted: Annotated[ShareUpdateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[shares.Share]:
        """One transaction."""

        async def deed() -> shares.Share:
            return await deeds.update(
                info.context.vault,
                info.context.actor,
                share_id(wanted.share_id),
                role=shares.Role[wanted.role.name],
                expires_at=wanted.expires_at,
                if_version=wanted.if_version,
            )

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Take a share back, or give your own back. It ends at once, subscriptions and downloads with it. "
        "What its holder had shared with others stays, for you to take back.",
        graphql_type=ShareRevokePayload,
    )
    async def share_revoke(
        self,
        info: Info,
        wanted: Annotated[ShareRevokeInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[shares.Share]:
        """One transaction."""

        async def deed() -> shares.Share:
            return await deeds.revoke(info.context.vault, info.context.actor, share_id(wanted.share_id))

        return await outcome(info, deed())
