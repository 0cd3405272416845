"""What the three ways into GraphQL share: the vault, the engine, and who comes in."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

from vaultstream.actor import GUEST, Actor
from vaultstream.adapters.vault import Vault
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Engine
from vaultstream.http.auth import Authenticator, bearer_of, origin_of


@dataclass(frozen=True, slots=True)
class Door:
    """Held for the life of the process; whatever belongs to one request is made for it."""

    vault: Vault
    authenticator: Authenticator
    engine: Engine

    async def actor(self, scope: Scope, headers: Mapping[str, str]) -> Actor:
        """Who comes with this Authorization header; raises UNAUTHENTICATED.

        Only a header counts, never a cookie, so that no other site can make a browser act for its user: a request
        that carries it is not simple, and needs that site to be let in first (CORS).
        """
        return await self.authenticator.bearer(bearer_of(headers), origin_of(HTTPConnection(scope)))

    def guest(self, scope: Scope) -> Actor:
        """Whoever comes without a token, for the one query that needs none."""
        return Actor(GUEST, origin_of(HTTPConnection(scope)), self.vault.now())

    def context(self, actor: Actor) -> Context:
        """The surroundings of one operation."""
        return Context(self.vault, actor)

    def seconds_left(self, actor: Actor) -> float:
        """How long the actor's sign-in still lasts."""
        return max(0.0, (actor.expires_at - self.vault.now()).total_seconds())
