"""The audit worker: carries what waits in the outbox into PostgreSQL, in order, and only then lets it leave."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from vaultstream import table
from vaultstream.actions import personal
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event
from vaultstream.ids import ulid

_OF_A_SHARD = 250  # events taken at a time: all shards together fill one transaction
_MILLISECOND = 10  # characters of a ULID that are its time


async def handle_batch(vault: Vault, events: Sequence[Event]) -> None:
    """Store for good all that waits now, these events and what came before them; a second run changes nothing.

    The messages only say that there is something: a queue keeps no order, the outbox does. Of two events the one
    that was acknowledged before the other was made is stored first. Raises AuditUnavailable while PostgreSQL is down:
    the queue keeps the messages and the outbox the events.
    """
    if not events:
        return
    this_millisecond = ulid(int(vault.now().timestamp() * 1000), bytes(10))  # more may be made in it
    until = max(this_millisecond, *(f"{event.id}~" for event in events))  # another process's clock may be ahead
    while waiting := await _waiting(vault, until):
        await vault.audit_log.append(await personal.sealed(vault, waiting))
        await vault.records.delivered([event.id for event in waiting])
    with suppress(AuditUnavailable):  # months are made ahead: tomorrow will do, and these events are safe
        await vault.audit_log.make_months(vault.now())


async def _waiting(vault: Vault, until: str) -> list[Event]:
    """The oldest events in the outbox in the order of their time, without a gap among those before `until`.

    Without that bound an event could be seen in one shard while the one before it, in another, was not yet there
    when that shard was read. The ids of one millisecond have no order, so such a millisecond is taken whole.
    """
    shards = [vault.records.undelivered(shard, until, _OF_A_SHARD) for shard in table.outbox_shards()]
    found = await asyncio.gather(*shards)
    waiting = [event for shard in found for event in shard]
    broken_off = min((shard[-1].id[:_MILLISECOND] for shard in found if len(shard) == _OF_A_SHARD), default="~")
    whole = [event for event in waiting if event.id[:_MILLISECOND] < broken_off]
    return sorted(whole or waiting, key=lambda event: (event.at, event.id))
