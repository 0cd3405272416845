"""Watch what changes: the present state first, then every change, for as long as the watcher may see it.

In every stream the bell is hung before the first look, so that no change falls between. Who no longer may see what
they watch is told NOT_FOUND; whose sign-in or token has ended, UNAUTHENTICATED. That is asked before every value, and
whenever the bell rings, which it does by itself every quarter of a minute. A slow watcher misses states in between,
never the last one; of comments it misses none.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from vaultstream import ids, table
from vaultstream.actions import admit
from vaultstream.actions.sight import ChangeKind, FolderChange, Sentry, Sight
from vaultstream.actions.upload import own
from vaultstream.actor import Actor
from vaultstream.adapters.records import comment_items
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.ids import CommentId, FileId, FolderId, UploadId
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.versions import Version

_COMMENTS_AT_ONCE = 100
_LATE_MILLISECONDS = 120_000  # how much later than its id a comment may be stored


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file and its current version as they were at a moment."""

    file: File
    version: Version
    at: datetime


async def file_status(
    vault: Vault, actor: Actor, *, file_id: FileId | None = None, folder_id: FolderId | None = None
) -> AsyncGenerator[FileStatus, None]:
    """The status of one file, or of every file in one folder, now and at each change."""
    item_id = file_id or folder_id
    if item_id is None or (file_id is not None and folder_id is not None):
        raise VaultError(Code.INVALID, "Name either a file or a folder to watch.")
    sentry, told = Sentry(vault, actor, item_id), None
    with vault.live.watching([item_id, *actor.topics]) as watch:
        while await watch.rung():
            seen = await sentry.look()
            for file in _files(seen, told):
                await sentry.judge()
                yield FileStatus(file, file.current, seen.at)
            told = seen


def _files(seen: Sight, told: Sight | None) -> list[File]:
    """The files that were not told of yet, or not as they are."""
    if isinstance(seen.item, File):
        is_told = told is not None and told.item is not None and told.item.stamp >= seen.item.stamp
        return [] if is_told else [seen.item]
    if told is None:
        return [it for it in seen.children.values() if isinstance(it, File)]
    changes = [change for change in seen.changes_since(told) if change.kind is not ChangeKind.REMOVED]
    return [change.item for change in changes if isinstance(change.item, File)]


async def folder_changed(vault: Vault, actor: Actor, folder_id: FolderId) -> AsyncGenerator[FolderChange, None]:
    """The folder as it is, then what is added to it, changed in it and removed from it, and changes of its own.

    What a child looks like never goes back: each value of it has a higher stamp than the one before.
    """
    sentry, told = Sentry(vault, actor, folder_id), None
    with vault.live.watching([folder_id, *actor.topics]) as watch:
        while await watch.rung():
            seen = await sentry.look()
            for change in seen.changes_since(told) if told else _present(seen):
                await sentry.judge()
                yield change
            told = seen


def _present(seen: Sight) -> tuple[FolderChange, ...]:
    return (FolderChange(ChangeKind.PRESENT, seen.item, seen.at),) if seen.item else ()


async def comment_added(vault: Vault, actor: Actor, file_id: FileId) -> AsyncGenerator[Comment, None]:
    """The comments that are there in the order of time, then each that is added; each of them once."""
    sentry, heard = Sentry(vault, actor, file_id), _Heard()
    with vault.live.watching([file_id, *actor.topics]) as watch:
        while await watch.rung():
            await sentry.look()
            after: str | None = heard.forget()
            while after is not None:  # watchers who have heard the same share the pages
                said = await vault.live.look(f"{file_id} {after}", partial(_said, vault, file_id, after))
                for comment in heard.unheard(said.comments):
                    await sentry.judge()
                    yield comment
                after = said.end


class _Heard:
    """Which comments were told: one that is stored after a younger one, by a slower process, is told after it.

    Ids are times, so what is older than the youngest by more than two minutes need not be remembered.
    """

    def __init__(self) -> None:
        self._ids: set[CommentId] = set()
        self._youngest = 0

    def unheard(self, comments: Sequence[Comment]) -> Iterator[Comment]:
        """Those that were not told, each of which counts as told from now on."""
        for comment in comments:
            if comment.id not in self._ids:
                self._ids.add(comment.id)
                self._youngest = max(self._youngest, ids.ulid_milliseconds(comment.id))
                yield comment

    def forget(self) -> str:
        """The sort key after which there may be something new; what lies before it is forgotten."""
        oldest = max(0, self._youngest - _LATE_MILLISECONDS)
        self._ids = {heard for heard in self._ids if ids.ulid_milliseconds(heard) >= oldest}
        return table.COMMENT + ids.ulid(oldest, bytes(10))


@dataclass(frozen=True, slots=True, weakref_slot=True)
class _Said:
    """Some comments on a file, and after which sort key there may be more."""

    comments: tuple[Comment, ...]
    end: str | None


async def _said(vault: Vault, file_id: FileId, after: str, _last: _Said | None) -> _Said:
    pk, limit = table.file(file_id).pk, _COMMENTS_AT_ONCE
    found = await vault.records.collection(pk, after=after, until=table.COMMENT_END, limit=limit)
    return _Said(tuple(map(comment_items.comment_from, found)), found[-1][table.SK] if len(found) == limit else None)


async def upload_progress(vault: Vault, actor: Actor, upload_id: UploadId) -> AsyncGenerator[Upload, None]:
    """The actor's own upload as it is, then at each change, until it is over."""
    told: Upload | None = None
    with vault.live.watching([upload_id, *actor.topics]) as watch:
        while await watch.rung():
            await admit.require_still(vault, actor)
            upload = await own(vault, actor, upload_id)
            if told is None or _progress(upload) != _progress(told):
                yield upload
            if upload.status in {UploadStatus.DONE, UploadStatus.ABORTED}:
                return
            told = upload


def _progress(upload: Upload) -> tuple[UploadStatus, int, int | None]:
    return upload.status, upload.progress.offset_bytes, upload.length_bytes
