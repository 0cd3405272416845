"""What the three ways into GraphQL share: the vault, the engine, and who comes in."""

import uuid
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Engine
from vaultstream.http.auth import Authenticator


@dataclass(frozen=True, slots=True)
class Door:
    """Held for the life of the process; whatever belongs to one request is made for it."""

    vault: Vault
    authenticator: Authenticator
    engine: Engine

    async def actor(self, authorization: str, origin: Origin) -> Actor:
        """Who sends this Authorization header; raises UNAUTHENTICATED.

        Only a header counts, never a cookie, so that no other site can make a browser act for its user: a request
        with it is not simple, and needs that site to be let in first (CORS).
        """
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise VaultError(Code.UNAUTHENTICATED, "Send your token as Authorization: Bearer …")
        return await self.authenticator.bearer(token.strip(), origin)

    def context(self, actor: Actor) -> Context:
        """The surroundings of one operation."""
        return Context(self.vault, actor)

    def seconds_left(self, actor: Actor) -> float:
        """How long the actor's sign-in still lasts."""
        return max(0.0, (actor.expires_at - self.vault.now()).total_seconds())
