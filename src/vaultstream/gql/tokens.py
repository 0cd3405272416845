"""Access tokens in the contract: what a person sees of those they made, and how they make and end them."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from vaultstream import table, tokens
from vaultstream.actions import token as deeds
from vaultstream.errors import Code, VaultError
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import FolderLater, Node, folder_id, token_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, INPUT, Outcome, outcome
from vaultstream.gql.pages import After, First, Listing, PageInfo, listing, turn
from vaultstream.ids import FolderId, TokenId


@strawberry.enum(description="What an access token may be used for. Nothing is purged by a token, whatever its scopes.")
class AccessScope(Enum):
    """As `vaultstream.tokens.Scope`."""

    READ = strawberry.enum_value("READ", description="See and download. Every token has it.")
    WRITE = strawberry.enum_value("WRITE", description="Comment, change, upload, throw away and restore too.")
    SHARE = strawberry.enum_value("SHARE", description="Give and take back shares and links too.")


@strawberry.type(description="What lets a program act for you, as far as it says and no further than you may yourself.")
class AccessToken(Node):
    """Read from `vaultstream.tokens.AccessToken`."""

    name: str = strawberry.field(description="What you called it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to the minute; null for never."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it is not.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, tokens.AccessToken)

    @strawberry.field(description="What it may be used for.")
    def scopes(self: tokens.AccessToken) -> list[AccessScope]:
        """In the order of the contract."""
        return [AccessScope[scope.name] for scope in tokens.Scope if scope in self.grant.scopes]

    @strawberry.field(description="Whether it is bound to a folder, and reaches nothing outside.")
    def is_bound(self: tokens.AccessToken) -> bool:
        """As made."""
        return self.grant.folder_id is not None

    @by_key(
        lambda loaders: loaders.folders,
        description="The folder to which it is bound; null if it is bound to none, or to one that is gone.",
        graphql_type=FolderLater | None,
    )
    def folder(self: tokens.AccessToken) -> FolderId | None:
        """As made."""
        return self.grant.folder_id


@strawberry.type(description="One access token in a list.")
class AccessTokenEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: AccessToken = strawberry.field(description="The access token.")


@strawberry.type(description="A page of access tokens.")
class AccessTokenConnection:
    """Read from `pages.Listing`."""

    edges: list[AccessTokenEdge] = strawberry.field(description="The access tokens.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class AccessTokenQueries:
    """What can be asked of one's own tokens."""

    @strawberry.field(
        description="Your access tokens, the newest first, and for a month those that are over. FORBIDDEN to a program "
        "that comes by one.",
        graphql_type=AccessTokenConnection,
    )
    async def access_tokens(self, info: Info, first: First, after: After = None) -> Listing[tokens.AccessToken]:
        """One Query."""
        asked = turn(first, after, prefix=table.TOKEN)
        page = await deeds.page(info.context.vault, info.context.actor, asked.first, asked.after)
        return listing(page.tokens, page.cursors, asked, has_next=page.has_next)


async def loaded(info: Info, wanted: TokenId) -> tokens.AccessToken | None:
    """The token; None where it is not for the viewer to see."""
    try:
        return await deeds.find(info.context.vault, info.context.actor, wanted)
    except VaultError as error:
        if error.code in {Code.NOT_FOUND, Code.FORBIDDEN}:
            return None
        raise


@strawberry.input(description="A new access token.")
class AccessTokenCreateInput:
    """What `accessTokenCreate` takes."""

    name: str = strawberry.field(description="What to know it by: at most 100 characters.")
    scopes: list[AccessScope] = strawberry.field(description="What it may be used for: one at least. READ is given.")
    expires_at: datetime = strawberry.field(description="When it ends by itself: within 366 days.")
    folder_id: strawberry.ID | None = strawberry.field(
        description="The folder that it is to be bound to, with all that lies under it; all that is yours to see where "
        "it is not given.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(
        description=IDEMPOTENCY_KEY + " The repeated answer has no secret.", default=None
    )


@strawberry.type(description="What accessTokenCreate did.")
class AccessTokenCreatePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(description="The token; null where it was not made.", graphql_type=AccessToken | None)
    def access_token(self: Outcome[deeds.Made]) -> tokens.AccessToken | None:
        """Null where there are errors."""
        return self.made.token if self.made else None

    @strawberry.field(
        description="What the program sends as `Authorization: Bearer …`. It is shown this once: only its digest is "
        "kept. Null where there are errors, or where the answer is a repeated one."
    )
    def secret(self: Outcome[deeds.Made]) -> str | None:
        """As made."""
        return self.made.secret if self.made else None


@strawberry.input(description="An access token to end.")
class AccessTokenRevokeInput:
    """What `accessTokenRevoke` takes."""

    access_token_id: strawberry.ID = strawberry.field(description="The access token.")


@strawberry.type(description="What accessTokenRevoke did.")
class AccessTokenRevokePayload:
    """Read from `outcomes.Outcome`."""

    made: AccessToken | None = strawberry.field(
        name="accessToken", description="The token as it is now; null if unchanged."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class AccessTokenMutations:
    """What can be done to access tokens, by the person and by none of their programs."""

    @strawberry.mutation(
        description="Make an access token, for a program that is to act for you.", graphql_type=AccessTokenCreatePayload
    )
    async def access_token_create(
        self,
        info: Info,
        wanted: Annotated[AccessTokenCreateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[deeds.Made]:
        """One transaction."""

        async def deed() -> deeds.Made:
            return await deeds.create(info.context.vault, info.context.actor, _wanted(wanted))

        return await outcome(info, deed())

    @strawberry.mutation(
        description="End an access token at once, with the streams and addresses that were given to its bearer.",
        graphql_type=AccessTokenRevokePayload,
    )
    async def access_token_revoke(
        self,
        info: Info,
        wanted: Annotated[AccessTokenRevokeInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[tokens.AccessToken]:
        """One transaction."""

        async def deed() -> tokens.AccessToken:
            return await deeds.revoke(info.context.vault, info.context.actor, token_id(wanted.access_token_id))

        return await outcome(info, deed())


def _wanted(asked: AccessTokenCreateInput) -> deeds.Wanted:
    return deeds.Wanted(
        name=asked.name,
        scopes=[tokens.Scope[scope.name] for scope in asked.scopes],
        expires_at=asked.expires_at,
        folder_id=folder_id(asked.folder_id) if asked.folder_id is not None else None,
        idempotency_key=asked.idempotency_key,
    )
