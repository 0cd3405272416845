"""The thumbnail worker: renders a clean version small, and seals each size under a key of its own."""

from dataclasses import replace
from functools import partial

from vaultstream.actions import opening, process
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.renderings import RenderedImage, RenderFailed, Rendering, RenderKilled, Unsupported
from vaultstream.sealed import Sealer
from vaultstream.versions import (
    ScanStatus,
    SealedBody,
    StoredVersion,
    ThumbnailSize,
    ThumbnailStatus,
    encryption_context,
)

_UNDER_WAY = {ThumbnailStatus.PENDING, ThumbnailStatus.RENDERING}


async def handle(vault: Vault, event: Event) -> None:
    """Render the version that the event names, if it is clean and has no thumbnails yet."""
    stored = await _begun(vault, event)
    if stored is None:
        return
    try:
        async with process.beating(vault, stored):
            rendering = await _drawn(vault, stored)
    except Unsupported as unsupported:
        await _finish(vault, event, ThumbnailStatus.UNSUPPORTED, unsupported.reason)
    except RenderFailed as failed:
        await _finish(vault, event, ThumbnailStatus.FAILED, failed.reason)
    except VaultError as error:
        if error.code is not Code.UNREADABLE:
            raise
        await _finish(vault, event, ThumbnailStatus.FAILED, error.message)
    else:
        await _keep(vault, event, stored, rendering.images)


async def _drawn(vault: Vault, stored: StoredVersion) -> Rendering:
    """What it looks like. A child that was killed from outside has a second one: the first may have died of others'
    costs, and who dies twice is taken to have died of its own.
    """
    try:
        return await _draw(vault, stored)
    except RenderKilled:
        return await _draw(vault, stored)


async def _draw(vault: Vault, stored: StoredVersion) -> Rendering:
    version = stored.version
    return await vault.renderer.render(
        opening.whole(vault, version.id, stored.body),
        version.content_type,
        version.size_bytes,
        partial(opening.plaintext, vault, version.id, stored.body),
    )


async def _begun(vault: Vault, event: Event) -> StoredVersion | None:
    def begin(stored: StoredVersion) -> StoredVersion | None:
        version = stored.version
        if version.scan.status is not ScanStatus.CLEAN or version.thumbnail.status not in _UNDER_WAY:
            return None
        if version.thumbnail.status is ThumbnailStatus.PENDING:
            version = replace(version, thumbnail=version.thumbnail.to(ThumbnailStatus.RENDERING))
        due_at = vault.now() + process.LOOK_AGAIN
        return stored.showing(version, due_at=due_at, attempts=stored.attempts + 1)

    told = process.worker_event(vault, "thumbnail", EventName.VERSION_THUMBNAIL_BEGUN, event.request_id)
    return await process.advance(vault, event.item_id or "", event.version_number, begin, told)


async def _keep(vault: Vault, event: Event, stored: StoredVersion, images: tuple[RenderedImage, ...]) -> None:
    """Seal and store each size before the table knows of it."""
    bodies = {image.edge_px: await _sealed(vault, stored, image) for image in images}
    sizes = tuple(ThumbnailSize(image.edge_px, image.width, image.height) for image in images)
    await _finish(vault, event, ThumbnailStatus.READY, None, sizes=sizes, bodies=bodies)


async def _sealed(vault: Vault, stored: StoredVersion, image: RenderedImage) -> SealedBody:
    version = stored.version
    context = encryption_context(vault.settings.vault_id, version.id, edge_px=image.edge_px)
    key, header = await vault.keys.new(context)
    sealer = Sealer(key, 0)
    parts = [*sealer.update(image.data), sealer.finish()]
    object_key = f"thumbnails/{version.file_id}/{version.id}/{image.edge_px}-{vault.unique()}"
    await vault.blobs.put(object_key, b"".join(part.ciphertext for part in parts))
    return SealedBody(header, object_key, len(image.data))


async def _finish(
    vault: Vault,
    event: Event,
    status: ThumbnailStatus,
    reason: str | None,
    *,
    sizes: tuple[ThumbnailSize, ...] = (),
    bodies: dict[int, SealedBody] | None = None,
) -> None:
    def finish(stored: StoredVersion) -> StoredVersion | None:
        if stored.version.thumbnail.status is not ThumbnailStatus.RENDERING:
            return None
        thumbnail = stored.version.thumbnail.to(status, reason=reason, sizes=sizes)
        shown = stored.showing(replace(stored.version, thumbnail=thumbnail), due_at=None)
        return replace(shown, thumbnails=bodies or {})

    told = process.worker_event(
        vault, "thumbnail", EventName.VERSION_THUMBNAIL, event.request_id, status=status.value, reason=reason
    )
    kept = await process.advance(vault, event.item_id or "", event.version_number, finish, told)
    if kept is None:
        for body in (bodies or {}).values():  # another run was faster: these copies are nobody's
            await vault.blobs.delete(body.object_key)
