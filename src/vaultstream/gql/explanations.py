"""Why a person may, or may not: the decisions of access in the contract."""

from asyncio import Future
from collections.abc import Awaitable
from typing import Annotated

import strawberry

from vaultstream import shares as share_nouns
from vaultstream.access import Decision, Deed
from vaultstream.actions import shared
from vaultstream.actions.shared import Explanation
from vaultstream.errors import Code, VaultError
from vaultstream.gql import shares, states
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FolderLater, ItemLater, item_id, load_item, user_id
from vaultstream.gql.users import User
from vaultstream.ids import UserId


@strawberry.type(description="Whether one deed is allowed, and why.")
class DeedDecision:
    """Read from an item of `Explanation.decisions`."""

    @strawberry.field(description="The deed.", graphql_type=states.Deed)
    def deed(self: tuple[Deed, Decision]) -> Deed:
        """Each has one."""
        return self[0]

    @strawberry.field(description="Whether it is allowed.")
    def allowed(self: tuple[Deed, Decision]) -> bool:
        """As enforced."""
        return self[1].allowed

    @strawberry.field(description="The reason, for a person.")
    def why(self: tuple[Deed, Decision]) -> str:
        """As decided."""
        return self[1].why


@strawberry.type(description="What one person may do to an item, and why: the very decisions that are enforced.")
class AccessExplanation:
    """Read from `vaultstream.actions.shared.Explanation`."""

    @strawberry.field(description="The item.", graphql_type=ItemLater | None)
    def item(self: Explanation, info: Info) -> "Future[object]":
        """Load the folder or file."""
        return load_item(info, self.item_id)

    @by_key(
        lambda loaders: loaders.contacts,
        description="The person; null for one who may do nothing here.",
        graphql_type=User | None,
    )
    def user(self: Explanation) -> UserId | None:
        """A stranger is not for the viewer to see."""
        return self.user_id if self.reading.role is not None else None

    @strawberry.field(
        description="What the person is to the item; null for a stranger.", graphql_type=states.Role | None
    )
    def role(self: Explanation) -> share_nouns.Role | None:
        """The best that counts now."""
        return self.reading.role

    @strawberry.field(description="Each deed in turn.", graphql_type=list[DeedDecision])
    def deeds(self: Explanation) -> list[tuple[Deed, Decision]]:
        """All there are."""
        return list(self.decisions.items())

    @strawberry.field(
        description="The share that gives the role; null for an owner or a stranger.", graphql_type=shares.Share | None
    )
    def via(self: Explanation) -> share_nouns.Share | None:
        """The one that counts."""
        return self.reading.via

    @strawberry.field(
        description="The folder above where that share is; null if it is on the item itself, or not for you to see.",
        graphql_type=FolderLater | None,
    )
    def inherited_from(self: Explanation, info: Info) -> "Awaitable[object] | None":
        """Load the folder."""
        via = self.reading.via
        return load_item(info, via.item_id) if via is not None and via.item_id != self.item_id else None

    @strawberry.field(description="Why the person may see it, or not.")
    def why(self: Explanation) -> str:
        """The reason on which all others rest."""
        return self.reading.why


@strawberry.type
class AccessQueries:
    """What those who may share an item can ask about others."""

    @strawberry.field(
        description="What a person may do to an item, and why; null where the item is not for you to see. Only for "
        "those who may share it.",
        graphql_type=AccessExplanation | None,
    )
    async def access(
        self,
        info: Info,
        item: Annotated[strawberry.ID, strawberry.argument(name="itemId", description="The folder or file.")],
        user: Annotated[strawberry.ID, strawberry.argument(name="userId", description="The person.")],
    ) -> Explanation | None:
        """From what enforces."""
        try:
            return await shared.explain(info.context.vault, info.context.actor, item_id(item), user_id(user))
        except VaultError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
