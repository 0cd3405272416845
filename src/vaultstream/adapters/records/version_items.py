"""Versions ↔ plain items of the table: what is shown of one, and where its sealed bytes are."""

from functools import lru_cache

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.tiers import StorageTier
from vaultstream.versions import (
    Release,
    RestoreStatus,
    Scan,
    ScanStatus,
    SealedBody,
    StoredVersion,
    Thumbnail,
    ThumbnailSize,
    ThumbnailStatus,
    Tiering,
    Version,
)

DUE = "VERSION"
SCANNED = "SCANNED"


def shown(version: Version) -> Item:
    """What may be shown of a version; never its header."""
    return {
        "id": version.id,
        "file_id": version.file_id,
        "number": version.number,
        "size_bytes": version.size_bytes,
        "content_type": version.content_type,
        "created_by": version.created_by,
        "created_at": moment(version.created_at),
        "sha256": version.sha256,
        "label": version.label,
        "scan": _scan(version.scan),
        "thumbnail": _thumbnail(version.thumbnail),
        "tiering": _tiering(version.tiering),
    }


def version_from(shown: Item) -> Version:
    """The version in what `shown` made."""
    return Version(
        id=shown["id"],
        file_id=shown["file_id"],
        number=shown["number"],
        size_bytes=shown["size_bytes"],
        content_type=shown["content_type"],
        created_by=shown["created_by"],
        created_at=time_of(shown["created_at"]),
        sha256=shown.get("sha256"),
        label=shown.get("label"),
        scan=_scan_from(shown["scan"]),
        thumbnail=_thumbnail_from(shown["thumbnail"]),
        tiering=_tiering_from(shown["tiering"]),
    )


def version_item(stored: StoredVersion) -> Item:
    """A version's own item; it is in the index of due work while work is under way, and with the time of its verdict
    afterwards, so that newer rules find those that older ones have judged.
    """
    version = stored.version
    item = table.version(version.file_id, version.number).attributes() | {
        "shown": shown(version),
        "body": _body(stored.body),
        "declared_sha256": stored.declared_sha256,
        "thumbnails": {str(edge): _body(body) for edge, body in stored.thumbnails.items()},
        "due_at": maybe_moment(stored.due_at),
        "attempts": stored.attempts,
        "rescanning": stored.rescanning or None,
    }
    kind, at = (DUE, stored.due_at) if stored.due_at is not None else (SCANNED, version.scan.finished_at)
    if at is not None and (kind is DUE or version.scan.is_verdict):
        item[table.GSI3.pk] = table.due_shard(kind, version.id)
        item[table.GSI3.sk] = f"{moment(at)}#{version.id}"
    return item


def stored_version_from(item: Item) -> StoredVersion:
    """The version in its own item."""
    return StoredVersion(
        version_from(item["shown"]),
        _body_from(item["body"]),
        item.get("declared_sha256"),
        {int(edge): _body_from(body) for edge, body in item["thumbnails"].items()},
        maybe_time(item.get("due_at")),
        item["attempts"],
        item.get("rescanning", False),
    )


def _body(body: SealedBody) -> Item:
    return {"header": body.header, "object_key": body.object_key, "plain_bytes": body.plain_bytes}


def _body_from(item: Item) -> SealedBody:
    return SealedBody(item["header"], item["object_key"], item["plain_bytes"])


def _scan(scan: Scan) -> Item:
    return {
        "status": scan.status.value,
        "signature": scan.signature,
        "engine": scan.engine,
        "reason": scan.reason,
        "finished_at": maybe_moment(scan.finished_at),
        "release": None if scan.release is None else _release(scan.release),
    }


def _scan_from(item: Item) -> Scan:
    return Scan(
        ScanStatus(item["status"]),
        item.get("signature"),
        item.get("engine"),
        item.get("reason"),
        maybe_time(item.get("finished_at")),
        _release_from(item["release"]) if item.get("release") else None,
    )


def _release(release: Release) -> Item:
    return {"by": release.by, "at": moment(release.at), "reason": release.reason}


def _release_from(item: Item) -> Release:
    return Release(item["by"], time_of(item["at"]), item["reason"])


def _thumbnail(thumbnail: Thumbnail) -> Item:
    sizes = [[size.edge_px, size.width, size.height] for size in thumbnail.sizes]
    return {"status": thumbnail.status.value, "reason": thumbnail.reason, "sizes": sizes}


def _thumbnail_from(item: Item) -> Thumbnail:
    return _thumbnail_of(item["status"], item.get("reason"), tuple(map(tuple, item["sizes"])))


@lru_cache(1024)  # most files have one of a few
def _thumbnail_of(status: str, reason: str | None, sizes: tuple[tuple[int, int, int], ...]) -> Thumbnail:
    return Thumbnail(ThumbnailStatus(status), reason, tuple(ThumbnailSize(*size) for size in sizes))


def _tiering(tiering: Tiering) -> Item:
    return {
        "tier": tiering.tier.value,
        "changed_at": maybe_moment(tiering.changed_at),
        "restore": tiering.restore.value,
        "restored_until": maybe_moment(tiering.restored_until),
        "expected_at": maybe_moment(tiering.expected_at),
        "asked_days": tiering.asked_days,
    }


def _tiering_from(item: Item) -> Tiering:
    get = item.get
    return _tiering_of(
        item["tier"],
        get("changed_at"),
        item["restore"],
        get("restored_until"),
        get("expected_at"),
        get("asked_days"),
    )


@lru_cache(1024)  # as above
def _tiering_of(
    tier: str,
    changed_at: str | None,
    restore: str,
    restored_until: str | None,
    expected_at: str | None,
    asked_days: int | None,
) -> Tiering:
    return Tiering(
        StorageTier(tier),
        maybe_time(changed_at),
        RestoreStatus(restore),
        maybe_time(restored_until),
        maybe_time(expected_at),
        asked_days,
    )
