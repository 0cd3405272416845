"""The exposure report: who could read an item between two moments, and who did, as far as the audit log knows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vaultstream import exposure, table
from vaultstream.access import Deed
from vaultstream.actions import auditing, deeds, reach
from vaultstream.actor import Actor
from vaultstream.adapters.records import link_items, share_items
from vaultstream.adapters.vault import Vault
from vaultstream.audit_query import Reading
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import Event, EventName
from vaultstream.exposure import Present, Span
from vaultstream.ids import ItemId, UserId
from vaultstream.links import ShareLink
from vaultstream.shares import Share

SPANS_MAX = 500
READINGS_MAX = 500
_EVENTS_MAX = 5_000
_PLACES_MAX = 500  # folders in which the item was, at any depth
_GRANTS_MAX = 1_000  # shares of one folder, and links, that are looked up beside the log
_ALL = "~"  # after every id


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of [since, until); it is complete from `complete_since` to `complete_until`.

    `is_truncated` where there were more spans or readings than it holds.
    """

    item_id: ItemId
    since: datetime
    until: datetime
    complete_since: datetime
    complete_until: datetime
    could_read: tuple[Span, ...]
    did_read: tuple[Reading, ...]
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What log and table have of an item and of all that was above it."""

    events: Sequence[Event]
    present: Present
    owner_id: UserId


async def report(vault: Vault, actor: Actor, item_id: ItemId, since: datetime, until: datetime | None) -> Report:
    """Who could read an item, and who did, from one moment until another (now, where none is given).

    For auditors, also once the item is gone, and for who may share it; recorded before it is given. Raises NOT_FOUND,
    FORBIDDEN, INVALID (also where more happened than one report can tell of), and UNAVAILABLE.
    """
    if not await auditing.is_auditor(vault, actor):
        await reach.lineage(vault, actor, item_id, Deed.SHARE)
    now = vault.now()
    until = min(until or now, now)
    if since >= until:
        raise VaultError(Code.INVALID, "The report is of the past: it begins before it ends.", path=("since",))
    told = deeds.by_person(vault, actor, EventName.AUDIT_READ, None, of_item=item_id)
    await vault.commit([], [told])
    told_until = await _told_until(vault, now)  # before the log is read, which can only come to know more
    known = await _known(vault, item_id, since, until)
    could = exposure.could(item_id, known.owner_id, known.events, known.present, since, until)
    did = await vault.audit_log.readings(item_id, since, until, READINGS_MAX + 1)
    begun = max(filter(None, (since, await _told_since(vault) or until, could.known_since)))
    return Report(
        item_id,
        since,
        until,
        complete_since=min(begun, until),
        complete_until=min(told_until, until),
        could_read=could.spans[:SPANS_MAX],
        did_read=tuple(did[:READINGS_MAX]),
        is_truncated=len(could.spans) > SPANS_MAX or len(did) > READINGS_MAX,
    )


async def _told_until(vault: Vault, now: datetime) -> datetime:
    """Until when the log has every deed: those that wait in the outbox are not in it yet."""
    shards = (vault.records.undelivered(shard, _ALL, 1) for shard in table.outbox_shards())
    return min([now, *(event.at for found in await asyncio.gather(*shards) for event in found)])


async def _told_since(vault: Vault) -> datetime | None:
    """Since when the log has every deed: its begin, or the end of the last month dropped; None if it is empty."""
    begun, dropped = await asyncio.gather(
        vault.audit_log.begun_at(), vault.audit_log.named(EventName.AUDIT_MONTH_DROPPED)
    )
    months = (datetime.strptime(event.details["month"], "%Y-%m").replace(tzinfo=UTC) for event in dropped)
    ends = [(month + timedelta(days=31)).replace(day=1) for month in months]
    return max(filter(None, (begun, *ends)), default=None)


async def _known(vault: Vault, item_id: ItemId, since: datetime, until: datetime) -> _Known:
    """Upwards, level by level: the log tells in which folders each was, and of these in turn."""
    events: list[Event] = []
    present, wanted, seen = Present(), {item_id}, set[ItemId]()
    while new := sorted(wanted - seen):
        seen |= wanted
        room = _EVENTS_MAX - len(events)
        found, there = await asyncio.gather(vault.audit_log.around(new, since, until, room), _present(vault, new))
        if len(found) > room or len(seen) > _PLACES_MAX:
            message = "More happened to it, and above it, than one report can tell of: narrow the time."
            raise VaultError(Code.INVALID, message, path=("since",))
        events += found
        present = present.with_more(there)
        wanted = exposure.parents(found, there)
    owner_id = next((it.owner_id for it in present.items.values()), None)
    if owner_id is None or not (events or item_id in present.items):
        raise not_found()
    return _Known(sorted(events, key=lambda event: event.at), present, owner_id)


async def _present(vault: Vault, item_ids: Sequence[ItemId]) -> Present:
    items, grants = await asyncio.gather(
        reach.load(vault, item_ids), asyncio.gather(*(_granted(vault, item_id) for item_id in item_ids))
    )
    shares = tuple(share for some, _ in grants for share in some)
    links = tuple(link for _, some in grants for link in some)
    return Present({it.id: it for it in items if it is not None}, shares, links)


async def _granted(vault: Vault, item_id: ItemId) -> tuple[list[Share], list[ShareLink]]:
    """What is given on an item now."""
    pk, reads = table.item(item_id).pk, vault.reads
    shares, links = await asyncio.gather(
        reads.collection(pk, share_items.share_from, after=table.GRANT, until=table.GRANT_END, limit=_GRANTS_MAX),
        reads.collection(pk, link_items.link_from, after=table.LINK, until=table.LINK_END, limit=_GRANTS_MAX),
    )
    return [share for _, share in shares], [link for _, link in links]
