"""The search worker: what an event says has changed is looked up in the table and put into the index."""

from collections.abc import Sequence

from vaultstream import ids
from vaultstream.actions import indexing
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event
from vaultstream.ids import ItemId


async def handle_batch(vault: Vault, events: Sequence[Event]) -> None:
    """Bring the index up to date with the items of these events; in any order and as often as they come.

    Raises SearchUnavailable while PostgreSQL is down: the queue keeps the events.
    """
    await indexing.refresh(vault, [item_id for event in events if (item_id := _item_of(event)) is not None])


def _item_of(event: Event) -> ItemId | None:
    if event.item_id is None or ids.kind_of(event.item_id) not in {"file", "folder"}:
        return None
    item_id: ItemId = ids.FileId(event.item_id)
    return item_id
