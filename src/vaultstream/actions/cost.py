"""What an item costs to keep: each of its versions by where S3 has it now, beside what it would cost elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from vaultstream import costs
from vaultstream.access import Deed
from vaultstream.actions import browse, reach
from vaultstream.actions.browse import FolderPageKey, VersionPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.costs import MONTH_DAYS, Bill, Use
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId, kind_of
from vaultstream.sealed import body_size
from vaultstream.tiers import StorageTier
from vaultstream.versions import Version

FILES_MAX = 500  # that are looked at for one answer
_AT_ONCE = 20
_PAGE = 100
MONTHS_MAX = 120
READS_MAX = 1000.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What was counted, what it costs a month as it is kept and as it would be in STANDARD, and what its whole life
    costs by the rules and without them. `is_whole` where nothing was left out.
    """

    file_count: int
    version_count: int
    stored_bytes: int
    is_whole: bool
    month: Bill
    month_in_standard: Bill
    life: Bill
    life_in_standard: Bill


async def of(vault: Vault, actor: Actor, item_id: ItemId, *, months: int, reads: float) -> Cost:
    """The cost of a file with all its versions, or of what lies in a folder, of 500 files at most.

    The life is that of the same versions from today: so many months, read so often in each. Raises NOT_FOUND, INVALID.
    """
    if not 1 <= months <= MONTHS_MAX:
        raise VaultError(Code.INVALID, f"Ask for 1 to {MONTHS_MAX} months.", path=("months",))
    if not 0 <= reads <= READS_MAX:
        raise VaultError(Code.INVALID, f"Ask for 0 to {READS_MAX:g} reads a month.", path=("readsPerMonth",))
    use = Use(first_month_reads=reads, month_reads=reads)
    if kind_of(item_id) == "file":
        found, is_whole = [(await reach.file(vault, actor, FileId(item_id), Deed.READ)).id], True
    else:
        await reach.folder(vault, actor, FolderId(item_id), Deed.READ)
        found, is_whole = [], True
        async for file_id in _below(vault, actor, FolderId(item_id)):
            if len(found) == FILES_MAX:
                is_whole = False
                break
            found.append(file_id)
    return await _sum(vault, actor, found, is_whole, months, use)


async def _below(vault: Vault, actor: Actor, folder_id: FolderId) -> AsyncIterator[FileId]:
    """Every file below a folder, a page of each folder at a time."""
    waiting = [folder_id]
    while waiting:
        here, after = waiting.pop(), None
        while True:
            (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(here, _PAGE, after)])
            for child in page.children if page else ():
                if isinstance(child, File):
                    yield child.id
                elif isinstance(child, Folder):
                    waiting.append(child.id)
            if page is None or not page.has_next:
                break
            after = page.cursors[-1]


async def _sum(vault: Vault, actor: Actor, found: list[FileId], is_whole: bool, months: int, use: Use) -> Cost:
    versions: list[Version] = []
    for at in range(0, len(found), _AT_ONCE):
        keys = [VersionPageKey(file_id, _PAGE) for file_id in found[at : at + _AT_ONCE]]
        for collection in await browse.file_collections(vault, actor, keys):
            if collection is not None:
                versions += collection.versions
                is_whole &= not collection.has_next
    sizes = [body_size(version.size_bytes) for version in versions]
    days = months * MONTH_DAYS
    total = Bill()
    kept, standard, life, unmoved = total, total, total, total
    for version, size in zip(versions, sizes, strict=True):
        kept += costs.keeping(size, version.tiering.tier, MONTH_DAYS)
        standard += costs.keeping(size, StorageTier.STANDARD, MONTH_DAYS)
        life += costs.life(size, days, use)
        unmoved += costs.life(size, days, use, rules=())
    return Cost(len(found), len(versions), sum(sizes), is_whole, kept, standard, life, unmoved)
