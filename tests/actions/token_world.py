"""Programs for the tests of tokens: let in by a new token, as the door lets them in."""

from datetime import UTC, datetime, timedelta

from vaultstream.actions import admit, token
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId
from vaultstream.tokens import Scope

END = datetime.now(UTC) + timedelta(days=7)


def wanted(*scopes: Scope, folder_id: FolderId | None = None, key: str | None = None) -> token.Wanted:
    return token.Wanted("a program", scopes or tuple(Scope), END, folder_id, key)


async def make(vault: Vault, actor: Actor, *scopes: Scope, folder_id: FolderId | None = None) -> token.Made:
    """A token of the actor's; for everything where no scope is named."""
    return await token.create(vault, actor, wanted(*scopes, folder_id=folder_id))


async def let_in(vault: Vault, actor: Actor, made: token.Made) -> Actor:
    """Whoever comes by this token, from where its person comes."""
    found = await admit.by_secret(vault, made.secret or "")
    return Actor(found.user_id, actor.origin, found.expires_at, found.grant)


async def program(vault: Vault, actor: Actor, *scopes: Scope, folder_id: FolderId | None = None) -> Actor:
    """Whoever comes by a new token of the actor's."""
    return await let_in(vault, actor, await make(vault, actor, *scopes, folder_id=folder_id))
