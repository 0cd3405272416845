"""Let programs in by their tokens, and see that whoever was let in still may go on."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from vaultstream import table, tokens
from vaultstream.actions import token as deeds
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import token_changes, token_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.ids import TokenId, UserId
from vaultstream.tokens import AccessToken

NOTED_FOR = timedelta(minutes=1)
_NOTING_SECONDS = 0.5


def over() -> VaultError:
    """The one answer to a secret that is none, to one that nobody has, and to a token that was revoked or has ended."""
    return VaultError(Code.UNAUTHENTICATED, "This access token is not known, or is over: make another.")


async def by_secret(vault: Vault, secret: str) -> AccessToken:
    """The token whose secret this is, as it is now, in one read; raises UNAUTHENTICATED."""
    key = table.access_token(tokens.digest(secret)) if tokens.is_secret(secret) else None
    token = await vault.reads.item(key, token_items.token_from) if key else None
    if token is None or not token.holds(vault.now()):
        raise over()
    return token


async def note_use(vault: Vault, token: AccessToken) -> None:
    """Keep that the token was used now, once a minute. No request fails for it, nor waits for it long."""
    now = vault.now()
    before = now - NOTED_FOR
    if token.last_used_at is not None and token.last_used_at > before:
        return
    with suppress(VaultError, TimeoutError):
        async with asyncio.timeout(_NOTING_SECONDS):
            await vault.commit(token_changes.note_use(token, now, before))


async def holder(vault: Vault, origin: Origin, user_id: UserId, token_id: TokenId | None) -> Actor:
    """Who a signed address was made for; NOT_FOUND where that is a program whose token is over."""
    if token_id is None:
        return Actor(user_id, origin, vault.now())
    token = await deeds.load(vault, user_id, token_id)
    if token is None or not token.holds(vault.now()):
        raise not_found()
    return Actor(user_id, origin, token.expires_at, token.grant)


async def require_still(vault: Vault, actor: Actor) -> None:
    """As `require_signed_in`, and a program's token is read anew, so that its end is heard of at once."""
    require_signed_in(vault, actor)
    if actor.grant is not None:
        token = await deeds.load(vault, actor.user_id, actor.grant.token_id)
        if token is None or not token.holds(vault.now()):
            raise over()


def require_signed_in(vault: Vault, actor: Actor) -> None:
    """Raise UNAUTHENTICATED once the actor's sign-in has ended."""
    if actor.expires_at <= vault.now():
        raise VaultError(Code.UNAUTHENTICATED, "Your sign-in has ended: sign in again to go on watching.")
