"""A link on other terms: who has its address keeps it, and what was counted stays counted."""

from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from vaultstream.actions import deeds, share
from vaultstream.actions import link as links
from vaultstream.actor import Actor
from vaultstream.adapters.records import sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import LinkId
from vaultstream.links import ShareLink


class NewTerms(TypedDict, total=False):
    """What is to change in a link's terms. None takes a bound away; what is not given stays as it is."""

    starts_at: datetime | None
    expires_at: datetime | None
    max_downloads: int | None
    view_only: bool


class NewPassword(TypedDict, total=False):
    """Another password; None takes it away, and nothing given leaves it as it is."""

    password: str | None


async def link(
    vault: Vault, actor: Actor, wanted: LinkId, terms: NewTerms, password: NewPassword, *, if_version: int | None = None
) -> ShareLink:
    """The link as it is after the change, for all who have its address already.

    Raises NOT_FOUND; FORBIDDEN for an end later than what the actor holds; STALE where the link has changed since
    `if_version`; CONFLICT once it is revoked; INVALID.
    """
    found = await links.find(vault, actor, wanted)
    own = await share.held(vault, actor, found.item_id)
    if found.revoked_at is not None:
        raise VaultError(Code.CONFLICT, "This link was revoked: make another one.")
    if if_version is not None and if_version != found.stamp:
        raise VaultError(Code.STALE, f"The link is at version {found.stamp} by now.", path=("ifVersion",))
    lawful = links.lawful_terms(vault, replace(found.terms, **terms))
    links.require_outlasted(own, lawful.expires_at)
    kept = await links.hashed(vault, password["password"]) if "password" in password else found.password_hash
    changed = found.amended(lawful, kept)
    forgotten = [sharing_changes.forget_guesses(changed)] if "password" in password else []
    event = _told(vault, actor, changed, is_password_new="password" in password)
    await vault.commit([*sharing_changes.amend_link(changed), *own.still(), *forgotten], [event])
    return await links.find(vault, actor, wanted)


def _told(vault: Vault, actor: Actor, link: ShareLink, *, is_password_new: bool) -> Event:
    return deeds.by_person(
        vault,
        actor,
        EventName.LINK_UPDATED,
        link.item_id,
        topics=(link.item_id,),
        link_id=link.id,
        has_password=link.password_hash is not None,
        is_password_new=is_password_new,
        **links.told_terms(link.terms),
    )
