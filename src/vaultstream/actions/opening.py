"""Open sealed content: a key from KMS, a range from S3, and only frames that authenticate."""

from collections.abc import AsyncGenerator

from vaultstream.adapters.blobs import BlobArchived, BlobGone
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.ids import VersionId
from vaultstream.sealed import Opener, SealedError
from vaultstream.versions import SealedBody, encryption_context


def archived() -> VaultError:
    """The refusal of what lies in the archive."""
    return VaultError(Code.ARCHIVED, "This version is archived: restore it, which takes hours, then download it.")


async def plaintext(
    vault: Vault, version_id: VersionId, body: SealedBody, start: int, stop: int, *, edge_px: int | None = None
) -> AsyncGenerator[bytes, None]:
    """The plaintext of [start, stop) as it is opened, some frames at a time; the caller has checked access.

    Raises UNREADABLE where object, header and frames do not belong together; what was given before is true. Raises
    ARCHIVED where the object must be restored first.
    """
    context = encryption_context(vault.settings.vault_id, version_id, edge_px=edge_px)
    try:
        key = await vault.keys.open(body.header, context)
        whole = start == 0 and stop == body.plain_bytes
        opener = Opener(key, body.plain_bytes, start, None if whole else stop - 1)
        async with vault.blobs.reading(body.object_key, opener.body_start, opener.body_stop) as chunks:
            async for chunk in chunks:
                if opened := opener.update(chunk):
                    yield b"".join(opened)
        opener.finish()
    except BlobArchived:
        raise archived() from None
    except (SealedError, BlobGone):
        raise VaultError(Code.UNREADABLE, "The stored content is damaged: its owner should be told.") from None


async def whole(
    vault: Vault, version_id: VersionId, body: SealedBody, *, edge_px: int | None = None
) -> AsyncGenerator[bytes, None]:
    """All of the plaintext, some frames at a time; an empty file's one frame is checked too."""
    async for piece in plaintext(vault, version_id, body, 0, body.plain_bytes, edge_px=edge_px):
        yield piece
