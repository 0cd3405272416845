"""Receive bytes of an upload: lease it, seal frames in bounded memory, store parts, commit what is durable."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from vaultstream import quota, sealed
from vaultstream.access import Deed
from vaultstream.actions import reach
from vaultstream.actions.upload.finish import complete, discard_untold, find
from vaultstream.actions.upload.intake import LEASE, Intake
from vaultstream.actor import Actor
from vaultstream.adapters.blobs import BlobGone
from vaultstream.adapters.records import changes
from vaultstream.adapters.vault import Vault
from vaultstream.checksums import Algorithm, Checksum
from vaultstream.errors import Code, VaultError
from vaultstream.ids import UploadId
from vaultstream.sealed import FrameKey, SealedError, Sealer
from vaultstream.uploads import Upload, UploadStatus, tail_key
from vaultstream.versions import encryption_context


async def receive(
    vault: Vault,
    actor: Actor,
    upload_id: UploadId,
    offset_bytes: int,
    body: AsyncIterator[bytes],
    *,
    length_bytes: int | None = None,
    checksum: Checksum | None = None,
) -> Upload:
    """The upload after as much of `body` as came; the stored version follows the last byte in the same call.

    A body that ends early keeps what it brought. `length_bytes` tells a length that was not known before. With a
    `checksum` nothing is kept unless the digest of the whole body matches.
    Raises NOT_FOUND, FORBIDDEN, UPLOAD_GONE, OFFSET_MISMATCH, UPLOAD_BUSY, TOO_LARGE, CHECKSUM_MISMATCH,
    QUOTA_EXCEEDED.
    """
    upload = await find(vault, actor, upload_id, Deed.EDIT)
    await _require_editor(vault, actor, upload)
    _require_open(vault, upload, offset_bytes)
    left = upload
    upload = await _leased(vault, _with_length(vault, upload, length_bytes))
    await discard_untold(vault, left)
    upload = await _taken(vault, upload, body, _expected(upload, checksum), keep=checksum is None)
    return await complete(vault, actor, upload) if upload.status is UploadStatus.COMPLETING else upload


async def _require_editor(vault: Vault, actor: Actor, upload: Upload) -> None:
    """Who was let to begin must still be let to. An owner's goes on even where its place has gone to the trash."""
    target = upload.target
    if target.owner_id != actor.user_id:
        await reach.lineage(vault, actor, target.parent_id if target.new_file else target.file_id, Deed.EDIT)


async def _taken(
    vault: Vault, upload: Upload, body: AsyncIterator[bytes], expected: Sequence[Checksum], *, keep: bool
) -> Upload:
    """The upload with what `body` brought; on any failure the lease is given back and what was committed stays."""
    intake = await _opened(vault, upload, keep=keep)
    digests = [hashlib.new(each.algorithm, usedforsecurity=False) for each in expected]
    try:
        async for chunk in body:
            for digest in digests:
                digest.update(chunk)
            await intake.take(chunk)
        if intake.is_whole or not keep:
            _require_equal(expected, digests)
        return await intake.end()
    except BaseException:
        await asyncio.shield(intake.give_up())
        raise
    finally:
        intake.close()


def _expected(upload: Upload, checksum: Checksum | None) -> list[Checksum]:
    """What this request's bytes must hash to: tus's own checksum, and the file's where it comes in one piece."""
    expected = [checksum] if checksum else []
    if upload.declared_sha256 and upload.progress.offset_bytes == 0:
        expected.append(Checksum(Algorithm.SHA256, bytes.fromhex(upload.declared_sha256)))
    return expected


def _require_equal(expected: Sequence[Checksum], digests: Sequence["hashlib._Hash"]) -> None:
    pairs = zip(expected, digests, strict=True)
    if not all(hmac.compare_digest(wanted.digest, digest.digest()) for wanted, digest in pairs):
        raise VaultError(Code.CHECKSUM_MISMATCH, "The bytes do not match their checksum: send them again.")


async def _opened(vault: Vault, upload: Upload, *, keep: bool) -> "Intake":
    """Go on where the last request ended: its tail object holds what filled no part."""
    context = encryption_context(vault.settings.vault_id, upload.target.version_id)
    key = await vault.keys.open(upload.header, context)
    return Intake(vault, upload, await _resumed(vault, upload, key), keep=keep)


def _require_open(vault: Vault, upload: Upload, offset_bytes: int) -> None:
    if upload.status is UploadStatus.ABORTED or upload.expires_at <= vault.now():
        raise VaultError(Code.UPLOAD_GONE, "This upload was ended: begin a new one.")
    if upload.status is UploadStatus.COMPLETING:
        raise VaultError(Code.UPLOAD_BUSY, "This upload is being stored: ask for its offset in a moment.")
    if upload.progress.offset_bytes != offset_bytes:
        raise VaultError(Code.OFFSET_MISMATCH, f"The upload goes on at byte {upload.progress.offset_bytes}.")
    if upload.status is UploadStatus.DONE:
        raise VaultError(Code.TOO_LARGE, "This upload has all its bytes.")


def _with_length(vault: Vault, upload: Upload, length_bytes: int | None) -> Upload:
    """The upload with a length that came late; a length is told once and covers what is there."""
    if length_bytes is None or length_bytes == upload.length_bytes:
        return upload
    if upload.length_bytes is not None:
        raise VaultError(Code.INVALID, "The length of an upload cannot be changed.")
    if not upload.progress.offset_bytes <= length_bytes <= vault.settings.upload_bytes_max:
        raise VaultError(Code.TOO_LARGE, "The length is less than what is there, or more than a file may have.")
    return replace(upload, length_bytes=length_bytes)


async def _leased(vault: Vault, upload: Upload) -> Upload:
    """Bump the epoch durably: nothing is sealed under it before, and no earlier request can commit after."""
    now = vault.now()
    leased = replace(upload, epoch=upload.epoch + 1, lease_until=now + LEASE)
    more = max(0, (leased.length_bytes or 0) - leased.reserved_bytes)
    leased = replace(leased, reserved_bytes=leased.reserved_bytes + more)
    reserving = [changes.move_quota(upload.target.owner_id, quota.reserve(more))] if more else []
    await vault.commit([changes.take_lease(leased, now), *reserving])
    return leased


async def _resumed(vault: Vault, upload: Upload, key: FrameKey) -> Sealer:
    progress, length = upload.progress, upload.length_bytes
    frames = sealed.part_frames(vault.settings.upload_bytes_max if length is None else length)
    if progress.tail_epoch is None:
        return Sealer(key, upload.epoch, progress.next_seq, part_frames=frames)
    try:
        tail = await vault.blobs.whole(tail_key(upload.id, progress.tail_epoch))
        return Sealer.resume(
            key,
            upload.epoch,
            tail,
            tail_epoch=progress.tail_epoch,
            offset=progress.offset_bytes,
            part_frames=frames,
        )
    except (BlobGone, SealedError):
        raise VaultError(Code.UPLOAD_GONE, "Part of this upload is lost: begin a new one.") from None
