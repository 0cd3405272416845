"""What the three ways into GraphQL share: the vault, the engine, and who comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.types import Scope

from vaultstream.actions import admit
from vaultstream.actor import GUEST, Actor
from vaultstream.adapters.vault import Vault
from vaultstream.gql.context import Context
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Ask, Engine, Operation
from vaultstream.gql.persisted import Persisted
from vaultstream.gql.prices import price_of_refusal
from vaultstream.http.auth import Authenticator, bearer_of, origin_of


@dataclass(frozen=True, slots=True)
class Door:
    """Held for the life of the process; whatever belongs to one request is made for it."""

    vault: Vault
    authenticator: Authenticator
    engine: Engine
    persisted: Persisted

    async def actor(self, scope: Scope, headers: Mapping[str, str]) -> Actor:
        """Who comes with this Authorization header; raises UNAUTHENTICATED.

        Only a header counts, never a cookie, so that no other site can make a browser act for its user: a request
        that carries it is not simple, and needs that site to be let in first (CORS).
        """
        return await self.authenticator.bearer(bearer_of(headers), origin_of(scope))

    async def require_still(self, actor: Actor) -> None:
        """Raise UNAUTHENTICATED where whoever came in may do no more: a socket outlives many a token."""
        await admit.require_still(self.vault, actor)

    async def operation(self, ask: Ask, actor: Actor) -> Operation:
        """What a request is to run; raises Refused, which costs by the length of the text, or RateLimited.

        A guest's document is not kept for others: nobody could say who filled the room that there is for them.
        """
        try:
            operation = self.engine.operation(replace(ask, query=await self.persisted.text(ask)))
        except Refused:
            await self.vault.budgets.take(actor, price_of_refusal(ask.query))
            raise
        if not actor.is_guest:
            await self.persisted.keep(ask)
        return operation

    def guest(self, scope: Scope) -> Actor:
        """Whoever comes without a token, for the one query that needs none."""
        return Actor(GUEST, origin_of(scope), self.vault.now())

    def context(self, actor: Actor) -> Context:
        """The surroundings of one operation."""
        return Context(self.vault, actor)

    def seconds_left(self, actor: Actor) -> float:
        """How long the actor's sign-in still lasts."""
        return max(0.0, (actor.expires_at - self.vault.now()).total_seconds())
