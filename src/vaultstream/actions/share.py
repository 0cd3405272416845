"""Shares: give, change and take back. Nobody gives more than they hold, nor for longer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from vaultstream import access, table
from vaultstream.access import Decision, Deed, Lineage
from vaultstream.actions import deeds, once, reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, share_items, sharing_changes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.ids import ItemId, ShareId, UserId, grantee_of, shared_item
from vaultstream.shares import Role, Share

_EMAIL_BYTES_MAX = 320


@dataclass(frozen=True, slots=True)
class Wanted:
    """A share to give; it lasts until `expires_at`, or until it is taken back."""

    item_id: ItemId
    email: str
    role: Role
    expires_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the giver holds themselves, as it was read."""

    lineage: Lineage
    decision: Decision

    def covers(self, share: Share) -> bool:
        """Whether the giver has as much, and for as long."""
        role = self.decision.role
        return role is not None and share.role <= role and self.outlasts(share.expires_at)

    def outlasts(self, expires_at: datetime | None) -> bool:
        """Whether the giver has it for as long."""
        via = self.decision.via
        return via is None or _lasts(via.expires_at, expires_at)

    def still(self) -> list[Change]:
        """Nothing is written; what was read must still be so when the share is written."""
        item, via = self.lineage.item, self.decision.via
        if via is None:
            return [changes.present(table.item(item.id))]
        ways = (item, *self.lineage.above)
        depth = next(at for at, it in enumerate(ways) if it.id == via.item_id)
        under = [sharing_changes.item_stays(it) for it in ways[:depth]]
        return [*under, changes.present(table.item(via.item_id)), sharing_changes.share_stands(via)]


def _lasts(own: datetime | None, given: datetime | None) -> bool:
    """Whether what ends at `own` outlasts what ends at `given`; None never ends."""
    return own is None or (given is not None and given <= own)


async def grant(vault: Vault, actor: Actor, wanted: Wanted) -> Share:
    """A share with the person who signs in with this address; it reaches all that lies under the item.

    Only people who have been here can be given something: NOT_FOUND (path `email`) for every other address.
    Raises FORBIDDEN for more than the actor holds, CONFLICT where the person has a share on this item already.
    """
    own = await held(vault, actor, wanted.item_id)
    print_ = once.fingerprint("shareGrant", wanted.item_id, wanted.email, wanted.role, wanted.expires_at)
    if earlier := await once.answered(vault, actor, wanted.idempotency_key, print_):
        return await find(vault, actor, ShareId(earlier))
    _require_lawful(vault, wanted.role, wanted.expires_at)
    grantee_id = await _person(vault, wanted.email)
    if grantee_id in {own.lineage.item.owner_id, actor.user_id}:
        raise VaultError(Code.INVALID, "They hold it already: share it with somebody else.", path=("email",))
    now = vault.now()
    share = Share(wanted.item_id, grantee_id, wanted.role, actor.user_id, now, wanted.expires_at)
    _require_covered(own, share)
    remembered = once.remembering(vault, actor, wanted.idempotency_key, print_, share.id)
    made = [sharing_changes.add_share(share, now), *own.still(), *remembered]
    await vault.commit(made, [_told(vault, actor, EventName.SHARE_GRANTED, share)])
    return share


async def update(
    vault: Vault, actor: Actor, share_id: ShareId, *, role: Role, expires_at: datetime | None, if_version: int | None
) -> Share:
    """The share with another role and end. Raises STALE where it has changed since `if_version`."""
    share = await find(vault, actor, share_id)
    own = await held(vault, actor, share.item_id)
    _require_lawful(vault, role, expires_at)
    if share.grantee_id == actor.user_id:
        raise VaultError(Code.FORBIDDEN, "Your own share is for others to change; you may give it back.")
    if if_version is not None and if_version != share.stamp:
        raise VaultError(Code.STALE, f"The share is at version {share.stamp} by now.", path=("ifVersion",))
    changed = replace(share, role=role, expires_at=expires_at, stamp=share.stamp + 1)
    if changed.role > share.role or not _lasts(share.expires_at, changed.expires_at):
        _require_covered(own, changed)
    event = _told(vault, actor, EventName.SHARE_UPDATED, changed)
    await vault.commit([sharing_changes.replace_share(changed), *own.still()], [event])
    return changed


async def revoke(vault: Vault, actor: Actor, share_id: ShareId) -> Share:
    """Take a share back, as one who may share the item; or give one's own back. What its holder had given stays."""
    share = await find(vault, actor, share_id)
    access.require_scope(actor.grant, Deed.SHARE)
    still: list[Change] = []
    if share.grantee_id != actor.user_id:
        still = (await held(vault, actor, share.item_id)).still()
    event = _told(vault, actor, EventName.SHARE_REVOKED, share)
    await vault.commit([sharing_changes.remove_share(share), *still], [event])
    return share


async def expire(vault: Vault, share: Share) -> None:
    """Clear away a share that has run out; it had counted for nothing since then."""
    if share.holds(vault.now()):
        return
    event = deeds.by_worker(
        vault,
        "sweep",
        EventName.SHARE_EXPIRED,
        share.item_id,
        request_id="sweep",
        topics=(share.item_id, share.grantee_id),
        **_terms(share),
    )
    await vault.commit([sharing_changes.expire_share(share)], [event])


async def find(vault: Vault, actor: Actor, share_id: ShareId) -> Share:
    """A share that holds, for who has it or may share its item; NOT_FOUND for everybody else."""
    key = table.grant(shared_item(share_id), grantee_of(share_id))
    share = await vault.reads.item(key, share_items.share_from)
    if share is None or not share.holds(vault.now()):
        raise not_found("share")
    deed = Deed.READ if share.grantee_id == actor.user_id else Deed.SHARE
    try:
        await reach.lineage(vault, actor, share.item_id, deed)
    except VaultError as error:
        # Who may see the item, but not who else has it, is told what everybody else is told.
        if error.code in {Code.NOT_FOUND, Code.FORBIDDEN}:
            raise not_found("share") from None
        raise
    return share


async def held(vault: Vault, actor: Actor, item_id: ItemId) -> Held:
    """What the actor holds of an item that they may share; raises NOT_FOUND or FORBIDDEN."""
    lineage = await reach.lineage(vault, actor, item_id, Deed.SHARE)
    decision = access.require(actor.user_id, Deed.SHARE, lineage, vault.now())
    return Held(lineage, decision)


def _require_lawful(vault: Vault, role: Role, expires_at: datetime | None) -> None:
    if role is Role.OWNER:
        raise VaultError(Code.INVALID, "A share makes nobody an owner: choose MANAGER or less.", path=("role",))
    if expires_at is not None and expires_at <= vault.now():
        raise VaultError(Code.INVALID, "Choose an end that has not passed.", path=("expiresAt",))


def _require_covered(own: Held, share: Share) -> None:
    if not own.covers(share):
        raise VaultError(Code.FORBIDDEN, "You cannot give more than you hold, or for longer.", path=("expiresAt",))


async def _person(vault: Vault, email: str) -> UserId:
    address = email.strip()
    lawful = address.isprintable() and 0 < len(address.encode()) <= _EMAIL_BYTES_MAX
    claim = await vault.records.item(table.email_claim(address)) if lawful else None
    if claim is None:
        raise VaultError(
            Code.NOT_FOUND,
            "Nobody signs in here with this e-mail address: ask them to come once, then share.",
            path=("email",),
        )
    return UserId(claim["user_id"])


def _told(vault: Vault, actor: Actor, name: EventName, share: Share) -> Event:
    return deeds.by_person(
        vault,
        actor,
        name,
        share.item_id,
        topics=(share.item_id, share.grantee_id),
        **_terms(share),
    )


def _terms(share: Share) -> dict[str, Any]:  # Any: JSON values
    """As the share's events tell them."""
    return {
        "share_id": share.id,
        "grantee_id": share.grantee_id,
        "role": share.role.name,
        "expires_at": share.expires_at.isoformat() if share.expires_at else None,
    }
