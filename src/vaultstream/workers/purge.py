"""The part of the sweeper that lets things go: old trash, purges under way, shredded objects, versions to thin; and
the count of everybody's bytes, with a look at what the search index has of theirs.
"""

from contextlib import suppress

from vaultstream.actions import indexing, purge, reconcile, shred, versions
from vaultstream.adapters.records import trash_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.search_index import SearchUnavailable
from vaultstream.adapters.vault import Vault
from vaultstream.workers import due

_STEPS = 200  # of each purge in one round


async def handle(vault: Vault) -> None:
    """One round over everything that fell due; what fails is left for the next round."""

    async def begin(item: Item) -> None:
        await purge.fall_due(vault, trash_items.trashed_from(item))

    async def proceed(item: Item) -> None:
        await purge.proceed(vault, trash_items.purge_from(item), steps=_STEPS)

    async def remove(item: Item) -> None:
        await shred.objects(vault, [trash_items.shred_from(item)])

    async def thin(item: Item) -> None:
        await versions.thin(vault, item["file_id"])

    async def count(item: Item) -> None:
        with suppress(SearchUnavailable):  # the bytes are counted all the same, and tomorrow is early enough
            await indexing.mend_person(vault, item["id"])
        await reconcile.reconcile(vault, item["id"])

    await due.each(vault, trash_items.TRASH_DUE, begin)
    await due.each(vault, trash_items.PURGE_DUE, proceed)
    await due.each(vault, trash_items.SHRED_DUE, remove)
    await due.each(vault, trash_items.THIN_DUE, thin)
    await due.each(vault, trash_items.QUOTA_DUE, count)
