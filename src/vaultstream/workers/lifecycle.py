"""The lifecycle worker: keeps what is known of a version's storage true, and tells S3 what is to be restored."""

from vaultstream.actions import tier
from vaultstream.adapters.records import looks
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event
from vaultstream.workers import due


async def handle(vault: Vault, event: Event) -> None:
    """Look at the version of S3's event, or of a person's wish; in any order and as often as they come."""
    await tier.hear(vault, event)


async def sweep(vault: Vault) -> None:
    """Look at versions that may have moved, or were to be restored, without an event that told of it."""

    async def look(item: Item) -> None:
        await tier.look(vault, looks.look_from(item))

    await due.each(vault, looks.DUE, look)
