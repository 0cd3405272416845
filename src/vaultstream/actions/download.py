"""Downloads: a signed URL for a person, and the content behind it, checked and recorded each time."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from vaultstream import dependencies
from vaultstream.access import Deed
from vaultstream.actions import browse, deeds, opening, reach
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import FileId, ItemId, kind_of
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailStatus, Version

THUMBNAIL_TYPE = "image/webp"


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that gives the content until it expires; whoever has it acts as who it was made for."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What a content URL stands for. `read(start, stop)` gives plaintext; `record(start, stop)` comes first."""

    name: str
    content_type: str
    size_bytes: int
    etag: str
    modified_at: datetime
    read: Callable[[int, int], AsyncGenerator[bytes, None]]
    record: Callable[[int, int], Awaitable[None]]


async def link(
    vault: Vault, actor: Actor, file_id: FileId, version_number: int | None = None, *, inline: bool = False
) -> Link:
    """A signed URL for one version (the current one for None).

    Raises NOT_FOUND, FORBIDDEN, or why the content may not leave: NOT_SCANNED, INFECTED, ARCHIVED.
    """
    file, stored = await _version(vault, actor, file_id, version_number)
    await require_open(vault, actor, file, stored.version)
    number = stored.version.number
    event = deeds.by_person(vault, actor, EventName.DOWNLOAD_LINKED, file.id, version_number=number, inline=inline)
    await vault.commit([], [event])
    return address(vault, actor, file.id, number, inline=inline)


def address(vault: Vault, holder: Actor, file_id: FileId, number: int, *, inline: bool = False) -> Link:
    """A signed URL for a version that the caller has let the holder have."""
    dependencies.untraceable()  # each address is made for who asks now
    query = _holder(holder) | ({"inline": "1"} if inline else {})
    expires_at = vault.now() + timedelta(seconds=vault.settings.content_url_ttl_seconds)
    return Link(_signed(vault, _address(vault, f"{file_id}/{number}", query), expires_at), expires_at)


def zip_address(vault: Vault, holder: Actor, item_ids: Sequence[ItemId], name: str) -> Link:
    """A signed URL for a zip of files and folders that the caller has let the holder have."""
    dependencies.untraceable()
    query = {"items": ",".join(item_ids), "name": name} | _holder(holder)
    expires_at = vault.now() + timedelta(seconds=vault.settings.content_url_ttl_seconds)
    url = f"{vault.settings.public_url}/zip?{urlencode(query, safe=',')}"
    return Link(_signed(vault, url, expires_at), expires_at)


def _holder(holder: Actor) -> dict[str, str]:
    """For whom a URL is: a person, or the program that comes by a token of theirs, or whoever came by a link."""
    if kind_of(holder.user_id) == "link":
        return {"link": holder.user_id}
    return {"for": holder.user_id} | ({"token": holder.grant.token_id} if holder.grant else {})


def thumbnail_url(vault: Vault, actor: Actor, version: Version, edge_px: int) -> str | None:
    """A signed URL for the smallest thumbnail that fills a square of `edge_px`, or the largest there is.

    It changes twice in its lifetime, so that a browser that keeps the image finds it again.
    """
    if version.thumbnail.status is not ThumbnailStatus.READY or version.scan.status is not ScanStatus.CLEAN:
        return None
    edges = sorted(size.edge_px for size in version.thumbnail.sizes)
    edge = next((edge for edge in edges if edge >= edge_px), edges[-1])
    ttl = vault.settings.content_url_ttl_seconds
    step = max(1, ttl // 2)
    began = (int(vault.now().timestamp()) // step) * step
    dependencies.changes_at(began + step)
    expires = began + ttl + step
    place = f"{version.file_id}/{version.number}/thumbnail/{edge}"
    return _signed(vault, _address(vault, place, _holder(actor)), datetime.fromtimestamp(expires, vault.now().tzinfo))


def _address(vault: Vault, place: str, query: dict[str, str]) -> str:
    return f"{vault.settings.public_url}/content/{place}?{urlencode(query)}"


def _signed(vault: Vault, url: str, expires_at: datetime) -> str:
    """For CloudFront, which takes its signature off, and for us, whether CloudFront stands in front or not."""
    return vault.signer.sign(vault.proofs.prove(url, expires_at), expires_at)


async def open(  # noqa: A001  # the verb of the deed; callers say download.open
    vault: Vault,
    actor: Actor,
    file_id: FileId,
    version_number: int | None = None,
    *,
    thumbnail_edge: int | None = None,
) -> Content:
    """The content that a signed URL names (the current version for None), if who it was made for still may have it."""
    file, stored = await _version(vault, actor, file_id, version_number)
    return await content(vault, actor, file, stored, thumbnail_edge=thumbnail_edge)


async def content(
    vault: Vault, actor: Actor, file: File, stored: StoredVersion, *, thumbnail_edge: int | None = None
) -> Content:
    """What a version, or one of its thumbnails, gives to who may have it; only what was found clean."""
    if thumbnail_edge is not None:
        await require_clean(vault, actor, file, stored.version)
        return _thumbnail(vault, actor, file, stored, thumbnail_edge)
    version = stored.version
    await require_open(vault, actor, file, version)
    return Content(
        file.name,
        version.content_type,
        version.size_bytes,
        f'"{version.id}"',
        version.created_at,
        partial(opening.plaintext, vault, version.id, stored.body),
        partial(_record, vault, actor, file, version),
    )


def _thumbnail(vault: Vault, actor: Actor, file: File, stored: StoredVersion, edge_px: int) -> Content:
    body = stored.thumbnails.get(edge_px)
    version = stored.version
    if body is None:
        raise not_found("thumbnail")
    return Content(
        f"{file.name}.webp",
        THUMBNAIL_TYPE,
        body.plain_bytes,
        f'"{version.id}-{edge_px}"',
        version.created_at,
        partial(opening.plaintext, vault, version.id, body, edge_px=edge_px),
        partial(_record, vault, actor, file, version, edge_px=edge_px),
    )


async def _version(vault: Vault, actor: Actor, file_id: FileId, number: int | None) -> tuple[File, StoredVersion]:
    file = await reach.file(vault, actor, file_id, Deed.DOWNLOAD)
    stored = await browse.stored_version(vault, file, number)
    if stored is None:
        raise not_found("version")
    return file, stored


async def require_clean(vault: Vault, actor: Actor, file: File, version: Version) -> None:
    """Nothing leaves before a CLEAN verdict, or somebody's release; each refusal is recorded."""
    if version.scan.lets_out:
        return
    status = version.scan.status
    await _refused(vault, actor, file, version, f"scan {status}")
    if status is ScanStatus.INFECTED:
        raise VaultError(Code.INFECTED, "The scan found this file infected: it cannot be downloaded.")
    if status is ScanStatus.UNSCANNABLE:
        message = "Nobody could look into this file, so it is kept closed. Who manages it can release it."
        raise VaultError(Code.NOT_SCANNED, message)
    if status is ScanStatus.FAILED:
        raise VaultError(Code.NOT_SCANNED, "This file could not be scanned, so it cannot be downloaded.")
    raise VaultError(Code.NOT_SCANNED, "This file is still being scanned: try again in a moment.")


async def require_open(vault: Vault, actor: Actor, file: File, version: Version) -> None:
    """It must be clean, and at hand: what lies in the archive says so before anybody waits for it."""
    await require_clean(vault, actor, file, version)
    if not version.tiering.is_readable(vault.now()):
        await _refused(vault, actor, file, version, f"storage {version.tiering.tier}")
        raise opening.archived()


async def _refused(vault: Vault, actor: Actor, file: File, version: Version, why: str) -> None:
    event = deeds.by_person(
        vault, actor, EventName.DOWNLOAD_REFUSED, file.id, version_number=version.number, refused=why
    )
    await vault.commit([], [event])


async def _record(
    vault: Vault,
    actor: Actor,
    file: File,
    version: Version,
    start: int,
    stop: int,
    *,
    edge_px: int | None = None,
) -> None:
    """Written before the first byte leaves: these bytes of this version went to this person."""
    event = deeds.by_person(
        vault,
        actor,
        EventName.DOWNLOAD_BEGUN,
        file.id,
        version_number=version.number,
        start=start,
        stop=stop,
        thumbnail_edge_px=edge_px,
    )
    await vault.commit([], [event])
