"""Feeds the search index from the table: after an event, for one person, or for everybody anew.

The index is made from what is in the table and from nothing else, so that repeats, lost events and any order of them
end alike. A newer state is never replaced by an older one: a stamp counts each item's writes.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

from vaultstream import table
from vaultstream.actions import reach
from vaultstream.adapters.records import items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.ids import ItemId, UserId
from vaultstream.search import Indexed, indexed

_PAGE = 500


async def refresh(vault: Vault, item_ids: Sequence[ItemId]) -> None:
    """What the index has of these items is what the table has of them now. Raises SearchUnavailable.

    It is written first and looked at again, so that what is purged in between does not stay: whoever is cut off
    before the second look is asked again by the queue.
    """
    wanted = sorted(set(item_ids))
    found = await reach.load(vault, wanted)
    await vault.search_index.put([row for it in found if it is not None and (row := indexed(it)) is not None])
    await _remove_gone(vault, wanted)


async def mend_person(vault: Vault, user_id: UserId) -> None:
    """All that one person owns, compared: what an event that was lost has left wrong is right after it.

    Raises SearchUnavailable.
    """
    for prefix in (f"{items.FILE}#", f"{items.FOLDER}#"):
        before = None
        while True:
            page = await vault.records.things(table.persons_things(user_id), prefix=prefix, before=before, limit=_PAGE)
            await vault.search_index.put(_rows(page))
            if len(page) < _PAGE:
                break
            before = page[-1][table.GSI1.sk]
    async for _ in _weeded(vault, user_id):
        pass


async def rebuild(vault: Vault) -> AsyncIterator[tuple[str, int]]:
    """The whole index anew while searches go on; tells how many items were written, and how many rows were looked at
    for being gone. Raises SearchUnavailable.
    """
    written = 0
    async for page in vault.records.scanned(("#FILE", "#FOLDER")):
        rows = _rows(page)
        for at in range(0, len(rows), _PAGE):
            await vault.search_index.put(rows[at : at + _PAGE], anew=True)
        written += len(rows)
        yield "indexed", written
    async for checked in _weeded(vault, None):
        yield "checked", checked


def _rows(page: Iterable[Item]) -> list[Indexed]:
    return [row for item in page if (row := indexed(items.noun_from(item))) is not None]


async def _weeded(vault: Vault, owner_id: UserId | None) -> AsyncIterator[int]:
    """Take out of the index what the table does not have; tells after each page how many rows were looked at."""
    after, checked = "", 0
    while page := await vault.search_index.ids(after, _PAGE, owner_id=owner_id):
        await _remove_gone(vault, page)
        after, checked = page[-1], checked + len(page)
        yield checked


async def _remove_gone(vault: Vault, item_ids: Sequence[ItemId]) -> None:
    found = await vault.records.items([table.item(item_id) for item_id in item_ids])
    gone = [item_id for item_id, item in zip(item_ids, found, strict=True) if item is None]
    await vault.search_index.remove(gone)
