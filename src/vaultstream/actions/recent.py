"""A person's own files, the last changed first: from an index that may lag a moment, shown as they are."""

from dataclasses import dataclass

from vaultstream import access, cursors, table
from vaultstream.access import Deed
from vaultstream.actions import reach
from vaultstream.actor import Actor
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.ids import FileId

PREFIX = "FILE#"
_PAGE_MAX = 100
_ROUNDS_MAX = 10


@dataclass(frozen=True, slots=True)
class RecentPage:
    """Files with the cursor of each; `end` is where to go on where that is not after the last of them."""

    files: tuple[File, ...]
    cursors: tuple[str, ...]
    has_next: bool
    end: str | None = None


async def recent_files(vault: Vault, actor: Actor, first: int, after: str | None = None) -> RecentPage:
    """The actor's own files by when a person last changed them, without what is in the trash.

    Where much of it is in the trash, a page may be shorter than `first` and says where to go on.
    """
    before = cursors.decode(after, prefix=PREFIX) if after else None
    found: list[tuple[str, File]] = []
    for _ in range(_ROUNDS_MAX):
        pk = table.persons_things(actor.user_id)
        indexed = await vault.records.things(pk, prefix=PREFIX, before=before, limit=_PAGE_MAX)
        found += await _shown(vault, actor, indexed)
        if len(found) > first or len(indexed) < _PAGE_MAX:
            return _cut(found, first, has_next=len(found) > first)
        before = indexed[-1][table.GSI1.sk]
    page = _cut(found, first, has_next=True)
    return RecentPage(page.files, page.cursors, has_next=True, end=cursors.encode(before or PREFIX))


async def _shown(vault: Vault, actor: Actor, indexed: list[Item]) -> list[tuple[str, File]]:
    """Those that are still there and not in the trash, as they are now, each with its place in the index."""
    ids = [FileId(item["id"]) for item in indexed]
    now = dict(zip(ids, await reach.load(vault, ids), strict=True))
    own = [file for file in now.values() if isinstance(file, File) and file.owner_id == actor.user_id]
    lineages = [lineage for lineage in await reach.lineages(vault, actor, own) if not lineage.in_trash]
    moment = vault.now()
    kept = {it.item.id for it in lineages if access.decide(actor.user_id, Deed.READ, it, moment).allowed}
    places = {item["id"]: item[table.GSI1.sk] for item in indexed}
    return [(places[file.id], file) for file in own if file.id in kept]


def _cut(found: list[tuple[str, File]], first: int, *, has_next: bool) -> RecentPage:
    page = found[:first]
    marks = tuple(cursors.encode(at) for at, _ in page)
    return RecentPage(tuple(file for _, file in page), marks, has_next)
