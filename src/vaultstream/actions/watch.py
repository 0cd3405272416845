"""Watch files: the present state first, then every change, for as long as the watcher may see them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from vaultstream.actions import browse
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId
from vaultstream.versions import Version

WATCHED_MAX = 10_000  # files of a folder that one subscription follows


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file and its current version as they were at a moment."""

    file: File
    version: Version
    at: datetime


async def file_status(
    vault: Vault, actor: Actor, *, file_id: FileId | None = None, folder_id: FolderId | None = None
) -> AsyncGenerator[FileStatus, None]:
    """The status of one file, or of every file in one folder, now and at each change.

    The bell is hung before the first look, so that no change falls between. Raises NOT_FOUND where the actor may
    not (or no longer) see it, UNAUTHENTICATED when their sign-in ends.
    """
    topic = file_id or folder_id
    if topic is None or (file_id is not None and folder_id is not None):
        raise VaultError(Code.INVALID, "Name either a file or a folder to watch.")
    seen: dict[str, int] = {}
    with vault.live.watching([topic]) as watch:
        async for status in _changed(vault, actor, file_id, folder_id, seen):
            yield status
        async for _ in watch.nudges():
            _require_signed_in(vault, actor)
            async for status in _changed(vault, actor, file_id, folder_id, seen):
                yield status


def _require_signed_in(vault: Vault, actor: Actor) -> None:
    if actor.expires_at <= vault.now():
        raise VaultError(Code.UNAUTHENTICATED, "Your sign-in has ended: sign in again to go on watching.")


async def _changed(
    vault: Vault, actor: Actor, file_id: FileId | None, folder_id: FolderId | None, seen: dict[str, int]
) -> AsyncGenerator[FileStatus, None]:
    """The files whose stamp has grown since it was last told, in the order of their names."""
    async for file in _one(vault, actor, file_id) if file_id else _all(vault, actor, FolderId(folder_id or "")):
        if seen.get(file.id, 0) < file.stamp:
            seen[file.id] = file.stamp
            yield FileStatus(file, file.current, vault.now())


async def _one(vault: Vault, actor: Actor, file_id: FileId) -> AsyncGenerator[File, None]:
    (file,) = await browse.files(vault, actor, [file_id])
    if file is None:
        raise not_found("file")
    yield file


async def _all(vault: Vault, actor: Actor, folder_id: FolderId) -> AsyncGenerator[File, None]:
    after, told = None, 0
    while told < WATCHED_MAX:
        (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, 100, after)])
        if page is None:
            raise not_found("folder")
        for child in page.children:
            if isinstance(child, File):
                yield child
        told += len(page.children)
        if not page.has_next:
            return
        after = page.cursors[-1]
