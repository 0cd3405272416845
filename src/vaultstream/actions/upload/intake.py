"""One request's work on an upload: seal what comes, send parts to S3, commit what is durable."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from vaultstream import quota, sealed, table
from vaultstream.adapters.blobs import BlobGone
from vaultstream.adapters.records import changes, upload_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.sealed import Sealer
from vaultstream.uploads import Part, Progress, Upload, UploadStatus, object_key, tail_key

LEASE = timedelta(seconds=10)
_RENEW_AFTER = timedelta(seconds=4)
_STORING_MAX = 2  # parts on their way to S3 while the next one fills: what bounds the memory of one request


class Intake:
    """A sealer, the parts on their way, and the last state that was committed (`_upload`).

    With `keep`, whole parts count as soon as a checkpoint commits them; without, only `end` commits any.
    """

    def __init__(self, vault: Vault, upload: Upload, sealer: Sealer, *, keep: bool) -> None:
        self._vault = vault
        self._upload = upload
        self._sealer = sealer
        self._keep = keep
        self._storing: list[asyncio.Task[tuple[sealed.Part, Part]]] = []
        self._stored: list[Part] = []
        self._reached = (upload.progress.offset_bytes, upload.progress.next_seq)
        self._numbers = upload.progress.parts
        self._renewed_at = vault.now()
        self._whole_key: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every byte of the file has come."""
        return self._sealer.offset == self._upload.length_bytes

    async def take(self, chunk: bytes) -> None:
        """Seal a chunk; parts that became full go on their way to S3."""
        length = self._upload.length_bytes
        limit = self._vault.settings.upload_bytes_max if length is None else length
        if self._sealer.offset + len(chunk) > limit:
            raise VaultError(Code.TOO_LARGE, f"The upload has {limit} bytes at most: these are more.")
        for part in self._sealer.update(chunk):
            await self._renew()
            await self._send(part)

    async def end(self) -> Upload:
        """Commit all that came: a tail object if more is to come, else the object's last part."""
        if self.is_whole:
            await self._end_whole()
            return self._upload
        await self._settle(0)
        reached = (self._sealer.offset, self._sealer.next_seq)
        old = self._upload.progress.tail_epoch
        await self._commit(reached, tail_epoch=await self._put_tail(), lease=None)
        if old is not None:
            await self._vault.blobs.delete(tail_key(self._upload.id, old))
        return self._upload

    async def _put_tail(self) -> int | None:
        """Store what no part holds under this epoch, which is given; None where the last byte filled a part."""
        if self._sealer.held_frames == 0 and self._sealer.offset % sealed.FRAME_BYTES == 0:
            return None
        await self._vault.blobs.put(tail_key(self._upload.id, self._upload.epoch), self._sealer.tail())
        return self._upload.epoch

    async def _end_whole(self) -> None:
        """Everything is sealed and in S3; from here on the upload can be completed without its sender."""
        offset = self._sealer.offset
        last = self._sealer.finish()
        if self._upload.progress.multipart_id is None:
            self._begin_object(None)
            self._whole_key = self._upload.progress.object_key or ""
            await self._vault.blobs.put(self._whole_key, last.ciphertext)
        else:
            await self._send(last)
            await self._settle(0)
        tail_epoch = self._upload.progress.tail_epoch
        await self._commit((offset, last.next_seq), tail_epoch=tail_epoch, lease=LEASE, status=UploadStatus.COMPLETING)

    async def give_up(self) -> None:
        """After a failure: drop what is on its way and end the lease, so that the sender can go on at once.

        Where the failure was a write whose answer got lost, the write stands, and the lease ends with its time.
        """
        for task in self._storing:
            task.cancel()
        await asyncio.gather(*self._storing, return_exceptions=True)
        with suppress(VaultError):
            ended = replace(self._upload, lease_until=None)
            await self._vault.commit([changes.replace_upload(ended, seen=self._upload)])
        with suppress(VaultError):
            await self._drop_untold()

    async def _drop_untold(self) -> None:
        """Remove what was put whole, once it is sure that nothing names it or ever will."""
        key = self._whole_key
        item = await self._vault.records.item(table.upload(self._upload.id)) if key else None
        if key is None or item is None:
            return
        now = upload_items.upload_from(item)
        if now.status is UploadStatus.RECEIVING:
            may_be_named = now.epoch == self._upload.epoch and now.lease_until is not None
        else:
            may_be_named = now.status is not UploadStatus.ABORTED and now.progress.object_key == key
        if not may_be_named:
            await self._vault.blobs.delete(key)

    def close(self) -> None:
        """Overwrite what plaintext is left in memory."""
        self._sealer.close()

    async def _send(self, part: sealed.Part) -> None:
        if self._upload.progress.multipart_id is None:
            key = object_key(self._upload.target, self._upload.epoch)
            self._begin_object(await self._vault.blobs.begin_parts(key))
        self._numbers += 1
        self._storing.append(asyncio.create_task(self._put(part, self._numbers)))
        await self._settle(_STORING_MAX - 1)

    def _begin_object(self, multipart_id: str | None) -> None:
        key = object_key(self._upload.target, self._upload.epoch)
        progress = replace(self._upload.progress, multipart_id=multipart_id, object_key=key)
        self._upload = replace(self._upload, progress=progress)

    async def _put(self, part: sealed.Part, number: int) -> tuple[sealed.Part, Part]:
        progress = self._upload.progress
        key, multipart_id = progress.object_key or "", progress.multipart_id or ""
        try:
            return part, await self._vault.blobs.put_part(key, multipart_id, number, part.ciphertext)
        except BlobGone:
            raise VaultError(Code.UPLOAD_GONE, "This upload was ended meanwhile: begin a new one.") from None

    async def _settle(self, left: int) -> None:
        """Wait until at most `left` parts are on their way."""
        while len(self._storing) > left:
            part, stored = await self._storing.pop(0)
            self._stored.append(stored)
            self._reached = (part.offset, part.next_seq)
            self._sealer.recycle(part)

    async def _renew(self) -> None:
        """Before a part is sent under a lease that ages: renew it, and make the whole parts so far count."""
        if self._vault.now() < self._renewed_at + _RENEW_AFTER:
            return
        if self._keep:
            await self._settle(0)
        if self._keep and self._reached[0] > self._upload.progress.offset_bytes:
            await self._commit(self._reached, tail_epoch=None, lease=LEASE)
        else:
            await self._write(replace(self._upload, lease_until=self._vault.now() + LEASE), [])

    async def _commit(
        self,
        reached: tuple[int, int],
        *,
        tail_epoch: int | None,
        lease: timedelta | None,
        status: UploadStatus = UploadStatus.RECEIVING,
    ) -> None:
        """Make everything up to `reached` (plaintext offset, next frame) count."""
        offset, next_seq = reached
        now = self._upload.progress
        progress = Progress(offset, next_seq, self._numbers, now.multipart_id, now.object_key, tail_epoch)
        lease_until = self._vault.now() + lease if lease else None
        upload = replace(self._upload, progress=progress, lease_until=lease_until, status=status)
        await self._write(upload, self._stored)
        self._stored = []
        await self._vault.live.publish([upload.id])

    async def _write(self, upload: Upload, parts: list[Part]) -> None:
        """One conditional write: the upload, its parts, and quota for bytes whose number was not told before."""
        more = max(0, upload.progress.offset_bytes - upload.reserved_bytes)
        upload = replace(upload, reserved_bytes=upload.reserved_bytes + more)
        reserving = [changes.move_quota(upload.target.owner_id, quota.reserve(more))] if more else []
        written = [changes.replace_upload(upload), *(changes.add_part(upload, part) for part in parts)]
        await self._vault.commit([*written, *reserving])
        self._upload, self._renewed_at = upload, self._vault.now()
