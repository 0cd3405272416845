"""The audit worker: keeps every event in PostgreSQL, then lets it leave the outbox."""

from collections.abc import Sequence
from contextlib import suppress

from vaultstream.adapters.audit_log import AuditUnavailable
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event


async def handle_batch(vault: Vault, events: Sequence[Event]) -> None:
    """Store the events for good, then strike them off the outbox; a second run changes nothing.

    Raises AuditUnavailable while PostgreSQL is down: the queue keeps the events and so does the outbox.
    """
    await vault.audit_log.append(events)
    await vault.records.delivered([event.id for event in events])
    with suppress(AuditUnavailable):  # months are made ahead: tomorrow will do, and these events are safe
        await vault.audit_log.make_months(vault.now())
