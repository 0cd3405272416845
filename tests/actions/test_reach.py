"""What is above an item is found the same way, whatever of it was seen before."""

from itertools import combinations

from tests.actions.sharing_world import give, tree
from vaultstream.actions import account, organize, reach
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.folders import Folder
from vaultstream.ids import FolderId
from vaultstream.shares import Role


async def test_folders_that_were_seen_change_no_lineage(vault: Vault, alice: Actor, bob: Actor) -> None:
    its = await tree(vault, alice, "seen before")
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    lowest = await organize.create_folder(vault, alice, its.inner.id, "lowest")
    await give(vault, alice, its.outer.id, bob, Role.EDITOR)
    await give(vault, alice, its.inner.id, bob, Role.VIEWER)
    found = await reach.load(vault, [root, its.outer.id, its.inner.id, lowest.id, its.file.id])
    nouns = [it for it in found if it is not None]
    heads: dict[FolderId, Folder] = {it.id: it for it in nouns if isinstance(it, Folder)}
    assert len(heads) == 4
    for actor in (alice, bob):
        for wanted in ([its.file], [lowest, its.file], nouns):
            expected = await reach.lineages(vault, actor, wanted)
            assert actor == alice or all(lineage.shares for lineage in expected if lineage.item.id == its.file.id)
            for count in range(len(heads) + 1):
                for seen in combinations(heads, count):
                    known = {folder_id: heads[folder_id] for folder_id in seen}
                    assert await reach.lineages(vault, actor, wanted, seen=known) == expected
