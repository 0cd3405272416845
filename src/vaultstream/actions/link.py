"""Links: made with a token that is shown once, listed, and revoked at once."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vaultstream import table
from vaultstream.access import Deed
from vaultstream.actions import deeds, once, reach, share
from vaultstream.actor import Actor
from vaultstream.adapters.records import link_items, sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.ids import ItemId, LinkId, link_id, linked_item
from vaultstream.links import ShareLink, Terms
from vaultstream.shares import Role

PASSWORD_CHARACTERS_MIN = 8
PASSWORD_BYTES_MAX = 1024
DOWNLOADS_MAX = 1_000_000
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link to make."""

    item_id: ItemId
    role: Role = Role.VIEWER
    password: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    max_downloads: int | None = None
    view_only: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A link with its token, which nobody can be shown again: None where an earlier answer is repeated."""

    link: ShareLink
    token: str | None = field(repr=False)


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256. It has 256 bits of chance, so no slow hash would add to it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def create(vault: Vault, actor: Actor, wanted: Wanted) -> Made:
    """A link to a folder or file that the actor may share. Raises NOT_FOUND, FORBIDDEN or INVALID."""
    own = await share.held(vault, actor, wanted.item_id)
    # No fast hash of the password is kept with the key: whether it is the same is asked of the slow one.
    print_ = once.fingerprint("shareLinkCreate", wanted.item_id, _terms(vault, wanted), wanted.password is None)
    if earlier := await once.answered(vault, actor, wanted.idempotency_key, print_):
        return await _again(vault, actor, LinkId(earlier), wanted.password)
    require_outlasted(own, wanted.expires_at)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    link = ShareLink(
        id=link_id(wanted.item_id, vault.unique()),
        token_sha256=digest(token),
        created_by=actor.user_id,
        created_at=vault.now(),
        terms=_terms(vault, wanted),
        password_hash=await hashed(vault, wanted.password),
    )
    remembered = once.remembering(vault, actor, wanted.idempotency_key, print_, link.id)
    event = deeds.by_person(
        vault,
        actor,
        EventName.LINK_CREATED,
        wanted.item_id,
        topics=(wanted.item_id,),
        link_id=link.id,
        has_password=link.password_hash is not None,
        **told_terms(link.terms),
    )
    await vault.commit([*sharing_changes.add_link(link), *own.still(), *remembered], [event])
    return Made(link, token)


async def _again(vault: Vault, actor: Actor, earlier: LinkId, password: str | None) -> Made:
    link = await find(vault, actor, earlier)
    kept = link.password_hash
    if kept is not None and not await vault.passwords.matches(kept, password or ""):
        raise VaultError(
            Code.CONFLICT,
            "This idempotency key was used for another input: take a new one.",
            path=("idempotencyKey",),
        )
    return Made(link, None)


async def revoke(vault: Vault, actor: Actor, wanted: LinkId) -> ShareLink:
    """The link is over at once, and so are the addresses that were already given out by it."""
    link = await find(vault, actor, wanted)
    if link.revoked_at is not None:
        return link
    event = deeds.by_person(vault, actor, EventName.LINK_REVOKED, link.item_id, topics=(link.item_id,), link_id=link.id)
    await vault.commit(sharing_changes.revoke_link(link, vault.now()), [event])
    return await find(vault, actor, wanted)


async def find(vault: Vault, actor: Actor, wanted: LinkId) -> ShareLink:
    """A link, for who may share what it is to; NOT_FOUND for everybody else."""
    try:
        await reach.lineage(vault, actor, linked_item(wanted), Deed.SHARE)
    except VaultError as error:
        if error.code in {Code.NOT_FOUND, Code.FORBIDDEN}:
            raise not_found("link") from None
        raise
    link = await load(vault, wanted)
    if link is None:
        raise not_found("link")
    return link


async def load(vault: Vault, wanted: LinkId) -> ShareLink | None:
    """The link itself, without asking who wants to know."""
    return await vault.reads.item(table.link(linked_item(wanted), wanted.rpartition("_")[2]), link_items.link_from)


def _terms(vault: Vault, wanted: Wanted) -> Terms:
    if wanted.role is not Role.VIEWER:
        raise VaultError(Code.INVALID, "Nobody is known behind a link: its role is VIEWER.", path=("role",))
    terms = Terms(wanted.role, wanted.starts_at, wanted.expires_at, wanted.max_downloads, wanted.view_only)
    return lawful_terms(vault, terms)


def lawful_terms(vault: Vault, terms: Terms) -> Terms:
    """The same; raises INVALID for an end that has passed or comes before the start, and a senseless limit."""
    now, start, end = vault.now(), terms.starts_at, terms.expires_at
    if end is not None and end <= max(now, start or now):
        raise VaultError(Code.INVALID, "Choose an end that comes after the start.", path=("expiresAt",))
    if terms.max_downloads is not None and not 1 <= terms.max_downloads <= DOWNLOADS_MAX:
        raise VaultError(Code.INVALID, f"Allow 1 to {DOWNLOADS_MAX} downloads.", path=("maxDownloads",))
    return terms


def told_terms(terms: Terms) -> dict[str, Any]:  # Any: JSON values
    """The terms as an event tells them."""
    return {
        "starts_at": terms.starts_at.isoformat() if terms.starts_at else None,
        "expires_at": terms.expires_at.isoformat() if terms.expires_at else None,
        "max_downloads": terms.max_downloads,
        "view_only": terms.view_only,
    }


def require_outlasted(own: share.Held, expires_at: datetime | None) -> None:
    """Raise FORBIDDEN for a link that would be open longer than its maker may share."""
    if not own.outlasts(expires_at):
        raise VaultError(Code.FORBIDDEN, "A link cannot last longer than what you hold.", path=("expiresAt",))


async def hashed(vault: Vault, password: str | None) -> str | None:
    """What is kept of a password, None for none; raises INVALID for one that is too short or too long."""
    return None if password is None else await vault.passwords.hashed(_lawful(password))


def _lawful(password: str) -> str:
    if len(password) < PASSWORD_CHARACTERS_MIN or len(password.encode("utf-8", "replace")) > PASSWORD_BYTES_MAX:
        raise VaultError(
            Code.INVALID,
            f"A password has {PASSWORD_CHARACTERS_MIN} characters or more, and at most {PASSWORD_BYTES_MAX} bytes.",
            path=("password",),
        )
    return password
