"""A small world for shares and links: people with addresses, a tree with clean files, and time that has passed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.actions.growing import stored
from vaultstream import table
from vaultstream.actions import account, link, organize, share
from vaultstream.actor import Actor
from vaultstream.adapters.records import share_items, sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId, UserId
from vaultstream.shares import Role, Share
from vaultstream.versions import ScanStatus


def soon(seconds: float = 3600) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def refusal(awaitable: object) -> tuple[Code, tuple[str, ...]]:
    with pytest.raises(VaultError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.code, caught.value.path


async def email_of(vault: Vault, actor: Actor) -> str:
    return (await account.viewer(vault, actor.user_id)).email


async def give(
    vault: Vault, giver: Actor, item_id: ItemId, to: Actor, role: Role = Role.VIEWER, until: datetime | None = None
) -> Share:
    return await share.grant(vault, giver, share.Wanted(item_id, await email_of(vault, to), role, until))


async def share_of(vault: Vault, item_id: ItemId, user_id: UserId) -> Share | None:
    item = await vault.records.item(table.grant(item_id, user_id))
    return share_items.share_from(item) if item else None


async def run_out(vault: Vault, given: Share) -> Share:
    """The share after its end has come."""
    late = replace(given, expires_at=datetime.now(UTC) - timedelta(seconds=1), stamp=given.stamp + 1)
    await vault.commit([sharing_changes.replace_share(late)])
    return late


async def make_link(vault: Vault, actor: Actor, item_id: ItemId, **terms: object) -> link.Made:
    return await link.create(vault, actor, link.Wanted(item_id, **terms))  # type: ignore[arg-type]  # its own fields


@dataclass(frozen=True, slots=True)
class Tree:
    """outer/inner/file of one owner, the file found clean."""

    outer: Folder
    inner: Folder
    file: File


async def tree(vault: Vault, owner: Actor, name: str = "outer") -> Tree:
    root = (await account.viewer(vault, owner.user_id)).root_folder_id
    outer = await organize.create_folder(vault, owner, root, name)
    inner = await organize.create_folder(vault, owner, outer.id, "inner")
    return Tree(outer, inner, await stored(vault, owner, inner.id, "note.txt", b"hello", scan=ScanStatus.CLEAN))
