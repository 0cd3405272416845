"""Copy a file: an upload whose bytes come from the vault itself, opened and sealed anew a few frames at a time."""

import asyncio
from contextlib import aclosing, suppress

from vaultstream.access import Deed
from vaultstream.actions import deeds, download, process, reach, upload
from vaultstream.actions.download import Content
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId
from vaultstream.uploads import Upload, UploadStatus

COPY_BYTES_MAX = 2 * 2**30  # what one request can be waited for


async def copy_file(
    vault: Vault,
    actor: Actor,
    file_id: FileId,
    parent_id: FolderId,
    *,
    name: str | None = None,
    idempotency_key: str | None = None,
) -> File:
    """A new file with the current contents of this one, in its own key and in the quota of the folder's owner.

    It is a download and an upload at once: gated and recorded as both, scanned like any version, and its digest is
    checked. Versions, tags, comments and shares stay behind. With an idempotency key, a copy that was cut goes on.
    Raises NOT_FOUND, FORBIDDEN, INVALID, NAME_TAKEN, NOT_SCANNED, INFECTED, QUOTA_EXCEEDED, TOO_LARGE, UPLOAD_BUSY.
    """
    file = await reach.file(vault, actor, file_id, Deed.DOWNLOAD)
    if file.current.size_bytes > COPY_BYTES_MAX:
        raise VaultError(Code.TOO_LARGE, f"At most {COPY_BYTES_MAX} bytes are copied: download it, then upload it.")
    content = await download.open(vault, actor, file_id, file.current.number)
    wanted = Wanted(
        folder_id=parent_id,
        name=file.name if name is None else name,
        size_bytes=content.size_bytes,
        content_type=content.content_type,
        sha256=file.current.sha256,
        idempotency_key=idempotency_key,
        copy_of=file.current.id,
    )
    begun = await upload.begin(vault, actor, wanted)
    if begun.status is not UploadStatus.DONE or content.size_bytes == 0:
        begun = await _filled(vault, actor, file, content, begun, keep=idempotency_key is not None)
    return await _made(vault, begun)


async def _filled(vault: Vault, actor: Actor, file: File, content: Content, begun: Upload, *, keep: bool) -> Upload:
    """The upload with all its bytes. What fails is given up at once, unless it can be asked for again by its key."""
    start = begun.progress.offset_bytes
    try:
        await _record(vault, actor, file, content, begun)
        if begun.status is UploadStatus.DONE:
            return begun
        async with aclosing(content.read(start, content.size_bytes)) as pieces:
            return await upload.receive(vault, actor, begun.id, start, pieces)
    except BaseException:
        if not keep:
            with suppress(VaultError):
                await asyncio.shield(upload.abort(vault, actor, begun.id))
        raise


async def _record(vault: Vault, actor: Actor, file: File, content: Content, begun: Upload) -> None:
    """Before the first byte is read: who copied what, and to where."""
    await content.record(begun.progress.offset_bytes, content.size_bytes)
    target = begun.target
    event = deeds.by_person(
        vault,
        actor,
        EventName.FILE_COPIED,
        file.id,
        version_number=file.current.number,
        copy_id=target.file_id,
        parent_id=target.parent_id,
    )
    await vault.commit([], [event])


async def _made(vault: Vault, done: Upload) -> File:
    found = await process.load(vault, done.target.file_id, None)
    if done.status is not UploadStatus.DONE or found is None:
        raise not_found("file")
    return found[0]
