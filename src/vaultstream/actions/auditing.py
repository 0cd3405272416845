"""Reading the audit log: by auditors, and for one item by whoever may share it. An auditor's look is a deed too."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from vaultstream import cursors
from vaultstream.access import Deed
from vaultstream.actions import account, deeds, personal, reach
from vaultstream.actor import Actor
from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.adapters.vault import Vault
from vaultstream.audit_chain import Row
from vaultstream.audit_query import AuditWhere, Place
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.ids import ItemId

CURSOR = "AUDIT#"
_SUBJECTS_MAX = 1000  # whose seals of one address are looked for


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some events, where each stands, and whether there are more."""

    rows: tuple[Row, ...]
    cursors: tuple[str, ...]
    has_next: bool


async def is_auditor(vault: Vault, actor: Actor) -> bool:
    """Whether this is a person whom the settings name an auditor; no program is one."""
    auditors = {email.strip().casefold() for email in vault.settings.auditors.split(",") if email.strip()}
    if actor.grant is not None or actor.is_guest or not auditors:
        return False
    return (await account.viewer(vault, actor.user_id)).email.casefold() in auditors


async def require_auditor(vault: Vault, actor: Actor) -> None:
    """Raise FORBIDDEN unless this is an auditor."""
    if not await is_auditor(vault, actor):
        raise VaultError(Code.FORBIDDEN, "Only an auditor may read the audit log.")


async def events(
    vault: Vault, actor: Actor, where: AuditWhere, first: int, after: str | None, *, ip: str | None = None
) -> AuditPage:
    """A page of the whole log, the newest first, for an auditor; recorded before it is given.

    `ip` is an address as it was; it is found where its person's key is still there. Raises FORBIDDEN, INVALID.
    """
    await require_auditor(vault, actor)
    if ip is not None:
        where = replace(where, ips=await _seals(vault, where, ip))
    await _record(vault, actor, of_item=where.item_id, of_person=where.subject)
    return await _page(vault, where, first, after)


async def find(vault: Vault, actor: Actor, event_id: str) -> Row | None:
    """One event, for an auditor. Raises FORBIDDEN."""
    await require_auditor(vault, actor)
    row = await vault.audit_log.row(event_id)
    if row is None:
        return None
    await _record(vault, actor, event_id=event_id)
    return (await _opened(vault, [row]))[0]


async def history(vault: Vault, actor: Actor, item_id: ItemId, first: int, after: str | None) -> AuditPage:
    """What was done to one item, the newest first, for whoever may share it; not from where. Raises FORBIDDEN."""
    await reach.lineage(vault, actor, item_id, Deed.SHARE)
    page = await _found(vault, AuditWhere(item_id=item_id), first, after)
    hidden = tuple(replace(row, event=replace(row.event, ip="", agent="")) for row in page.rows)
    return replace(page, rows=hidden)


async def last_checkpoint(vault: Vault, actor: Actor) -> tuple[KeptCheckpoint, str] | None:
    """The newest checkpoint and the key that verifies it, for an auditor. Raises FORBIDDEN."""
    await require_auditor(vault, actor)
    kept = await vault.audit_log.last_checkpoint()
    return None if kept is None else (kept, await vault.notary.public_key())


async def _record(vault: Vault, actor: Actor, **looked_for: Any) -> None:  # Any: JSON values
    """Of no item: what an auditor looks at is not for an item's own history to tell."""
    await vault.commit([], [deeds.by_person(vault, actor, EventName.AUDIT_READ, None, **looked_for)])


async def _page(vault: Vault, where: AuditWhere, first: int, after: str | None) -> AuditPage:
    page = await _found(vault, where, first, after)
    return replace(page, rows=tuple(await _opened(vault, page.rows)))


async def _found(vault: Vault, where: AuditWhere, first: int, after: str | None) -> AuditPage:
    found = await vault.audit_log.find(where, _place(after), first + 1)
    rows = tuple(found[:first])
    marks = tuple(cursors.encode(f"{CURSOR}{row.event.at.isoformat()}#{row.seq}") for row in rows)
    return AuditPage(rows, marks, len(found) > first)


async def _opened(vault: Vault, rows: Sequence[Row]) -> list[Row]:
    opened = await personal.opened(vault, [row.event for row in rows])
    return [replace(row, event=event) for row, event in zip(rows, opened, strict=True)]


async def _seals(vault: Vault, where: AuditWhere, ip: str) -> list[str]:
    """How the address would be recorded for each person of whom there are such events."""
    if where.subject is not None:
        return await personal.seals_of(vault, [where.subject], ip)
    subjects = await vault.audit_log.subjects(where.since, where.until, _SUBJECTS_MAX + 1)
    if len(subjects) > _SUBJECTS_MAX:
        raise VaultError(
            Code.INVALID,
            f"More than {_SUBJECTS_MAX} people acted in that time: narrow it, or name one.",
            path=("where",),
        )
    batches = [subjects[at : at + 100] for at in range(0, len(subjects), 100)]
    found = await asyncio.gather(*(personal.seals_of(vault, batch, ip) for batch in batches))
    return [seal for batch in found for seal in batch]


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    at, _, seq = cursors.decode(after, prefix=CURSOR).removeprefix(CURSOR).rpartition("#")
    try:
        return Place(datetime.fromisoformat(at).astimezone(UTC), int(seq))
    except ValueError:
        raise VaultError(Code.INVALID, "Take the cursor from an earlier page, unchanged.", path=("after",)) from None
