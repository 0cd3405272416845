"""Access tokens: made with a secret that is shown once, listed, and revoked at once. Only a person does any of it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from vaultstream import cursors, table, tokens
from vaultstream.access import Deed
from vaultstream.actions import deeds, once, reach
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import token_changes, token_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.ids import FolderId, TokenId, UserId
from vaultstream.tokens import AccessToken, Grant, Roll, Scope

_PAGE_MAX = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token to make; with a folder, it reaches that folder and what lies under it, and nothing else."""

    name: str
    scopes: Sequence[Scope]
    expires_at: datetime
    folder_id: FolderId | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A token with its secret, which nobody can be shown again: None where an earlier answer is repeated."""

    token: AccessToken
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenPage:
    """Some of a person's tokens, the newest first, and the cursor of each."""

    tokens: tuple[AccessToken, ...]
    cursors: tuple[str, ...]
    has_next: bool


async def create(vault: Vault, actor: Actor, wanted: Wanted) -> Made:
    """A token for programs that are to act for the actor.

    Raises INVALID, NOT_FOUND for a folder that they may not see, QUOTA_EXCEEDED where they have too many tokens.
    """
    _require_person(actor)
    name, scopes = tokens.lawful_name(wanted.name), tokens.scopes_of(wanted.scopes)
    expires_at = tokens.lawful_end(wanted.expires_at, vault.now())
    if wanted.folder_id is not None:
        await reach.folder(vault, actor, wanted.folder_id, Deed.READ)
    print_ = once.fingerprint("accessTokenCreate", name, sorted(scopes), expires_at, wanted.folder_id)

    async def attempt() -> Made:
        if earlier := await once.answered(vault, actor, wanted.idempotency_key, print_):
            return Made(await find(vault, actor, TokenId(earlier)), None)
        secret = tokens.secret_of(secrets.token_bytes(tokens.RANDOM_BYTES))
        grant = Grant(TokenId(vault.new_id("token")), scopes, wanted.folder_id)
        token = AccessToken(actor.user_id, grant, name, tokens.digest(secret), vault.now(), expires_at)
        return Made(await _kept(vault, actor, token, wanted.idempotency_key, print_), secret)

    return await again(attempt)


async def _kept(vault: Vault, actor: Actor, token: AccessToken, key: str | None, print_: str) -> AccessToken:
    roll = (await _roll(vault, actor)).adding(token, vault.now())
    event = deeds.by_person(
        vault,
        actor,
        EventName.TOKEN_CREATED,
        token.grant.folder_id,
        token_id=token.id,
        scopes=sorted(token.grant.scopes),
        expires_at=token.expires_at.isoformat(),
    )
    remembered = once.remembering(vault, actor, key, print_, token.id)
    made = [*remembered, *token_changes.add_token(token), token_changes.keep_roll(actor.user_id, roll)]
    await vault.commit(made, [event])
    return token


async def revoke(vault: Vault, actor: Actor, wanted: TokenId) -> AccessToken:
    """The token is over at once, and so are the streams and addresses that were given to whoever had it."""

    async def attempt() -> AccessToken:
        token, now = await find(vault, actor, wanted), vault.now()
        if token.revoked_at is not None:
            return token
        roll = (await _roll(vault, actor)).without(token.id)
        event = deeds.by_person(
            vault, actor, EventName.TOKEN_REVOKED, token.grant.folder_id, topics=(token.id,), token_id=token.id
        )
        gone = [*token_changes.revoke_token(token, now), token_changes.keep_roll(actor.user_id, roll)]
        await vault.commit(gone, [event])
        return replace(token, revoked_at=now)

    return await again(attempt)


async def find(vault: Vault, actor: Actor, wanted: TokenId) -> AccessToken:
    """A token of the actor's own, also for some time after its end; raises NOT_FOUND."""
    _require_person(actor)
    token = await load(vault, actor.user_id, wanted)
    if token is None:
        raise not_found("token")
    return token


async def page(vault: Vault, actor: Actor, first: int, after: str | None = None) -> TokenPage:
    """The actor's own tokens, the newest first, and those that ended within the last month. One Query."""
    _require_person(actor)
    limit = min(first, _PAGE_MAX)
    before = cursors.decode(after, prefix=table.TOKEN) if after else table.TOKEN_END
    pk = table.user(actor.user_id).pk
    found = await vault.reads.collection(
        pk, token_items.token_from, after=before, until=table.TOKEN, limit=limit + 1, forward=False
    )
    marks = tuple(cursors.encode(place) for place, _ in found[:limit])
    return TokenPage(tuple(token for _, token in found[:limit]), marks, len(found) > limit)


async def load(vault: Vault, user_id: UserId, token_id: TokenId) -> AccessToken | None:
    """The token itself, without asking who wants to know."""
    return await vault.reads.item(token_items.key_of(user_id, token_id), token_items.token_from)


async def _roll(vault: Vault, actor: Actor) -> Roll:
    return token_items.roll_from(await vault.records.item(table.token_roll(actor.user_id)))


def _require_person(actor: Actor) -> None:
    """A program makes, sees and ends no tokens, so that one which is stolen cannot outlive its own."""
    if actor.grant is not None:
        raise VaultError(Code.FORBIDDEN, "A token cannot make, list or revoke tokens: sign in yourself.")
