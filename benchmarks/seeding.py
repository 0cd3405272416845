"""Folders of files and files with all that may be on them, written straight into the table."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from vaultstream import ids, versions
from vaultstream.actions import account, share
from vaultstream.actor import Actor
from vaultstream.adapters.records import comment_items, items, version_items
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.shares import Role

VERSIONS, COMMENTS, SHARES = 10, 20, 5
HEADER_BYTES = 700  # of a sealed version: schema/sealed-format.md


def name_of(number: int) -> str:
    """The name of a folder's child of this number."""
    return f"IMG {number:06} at the sea.jpg"


def _file(vault: Vault, folder_id: ids.FolderId, owner_id: ids.UserId, name: str) -> File:
    file_id = ids.FileId(vault.new_id("file"))
    now = vault.now()
    current = versions.Version(
        ids.version_id(file_id, file_id[-26:]), file_id, 1, 2_345_678, "image/jpeg", owner_id, now,
        sha256=secrets.token_hex(32),
        scan=versions.Scan(versions.ScanStatus.CLEAN, engine="yara-x 1.10.0", finished_at=now),
        thumbnail=versions.Thumbnail(versions.ThumbnailStatus.READY, sizes=(versions.ThumbnailSize(512, 512, 384),)),
    )  # fmt: skip
    return File(file_id, owner_id, folder_id, name, now, now, current, tags=("holiday",))


async def filled(client: Any, vault: Vault, folder: Folder, count: int) -> None:
    """The folder with this many files, in bounded steps."""
    made = (_file(vault, folder.id, folder.owner_id, name_of(number)) for number in range(count))
    rows = (row for file in made for row in (items.item_of(file), items.entry_of(file)))
    await asyncio.gather(*(_poured(client, vault.settings.table, rows) for _ in range(4)))


async def _poured(client: Any, name: str, rows: Iterator[Item]) -> None:
    while batch := list(islice(rows, 25)):  # DynamoDB's own limit
        requests = [{"PutRequest": {"Item": to_attributes(row)}} for row in batch]
        await client.batch_write_item(RequestItems={name: requests})


async def rich(client: Any, vault: Vault, owner: Actor, top: ids.FolderId, name: str = "contract.pdf") -> File:
    """A file with versions, comments and shares."""
    file = _file(vault, top, owner.user_id, name)
    rows = [items.item_of(file), items.entry_of(file)]
    for number in range(1, VERSIONS + 1):
        version = replace(file.current, id=ids.version_id(file.id, vault.new_id("file")[-26:]), number=number)
        body = versions.SealedBody(secrets.token_bytes(HEADER_BYTES), f"sealed/{version.id}", version.size_bytes)
        rows.append(version_items.version_item(versions.StoredVersion(version, body)))
    for number in range(COMMENTS):
        said = ids.comment_id(file.id, vault.new_id("file")[-26:])
        body_text = f"{number}: the second paragraph still names the old address, please mend it before Friday."
        rows.append(comment_items.comment_item(Comment(said, file.id, owner.user_id, body_text, vault.now())))
    await _poured(client, vault.settings.table, iter(rows))
    for number in range(SHARES):
        await account.sign_in(vault, f"guest{number}@example.com", f"Guest {number}", owner.origin)
        await share.grant(vault, owner, share.Wanted(file.id, f"guest{number}@example.com", Role.VIEWER))
    return file
