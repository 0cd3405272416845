"""The relay: from the table's stream onto the bus, with a nudge for whoever watches, and no cache left behind."""

from collections.abc import Sequence

from vaultstream.adapters.vault import Vault
from vaultstream.events import Event


async def handle(vault: Vault, events: Sequence[Event]) -> Sequence[int]:
    """Put the events on the bus; returns the indices of those to deliver again. Twice is harmless: ids tell."""
    failed = await vault.bus.put(events)
    taken = [event for index, event in enumerate(events) if index not in failed]
    await vault.live.publish(sorted({topic for event in taken for topic in event.topics}))
    return failed


async def changed(vault: Vault, partitions: Sequence[str]) -> None:
    """These collections were written to. Whoever wrote has ended what is cached of them, unless it died before."""
    await vault.cache.invalidate(partitions)
