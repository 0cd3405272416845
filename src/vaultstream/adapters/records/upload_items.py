"""Uploads and their parts ↔ plain items of the table."""

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.uploads import Part, Progress, Target, Upload, UploadStatus

DUE = "UPLOAD"
_KEPT_SECONDS = 7 * 24 * 3600  # how long what is over can still be looked up


def upload_item(upload: Upload) -> Item:
    """An upload's own item; it is in the index of due work until it is over."""
    target, progress = upload.target, upload.progress
    item = table.upload(upload.id).attributes() | {
        "id": upload.id,
        "user_id": upload.user_id,
        "file_id": target.file_id,
        "version_id": target.version_id,
        "parent_id": target.parent_id,
        "owner_id": target.owner_id,
        "name": target.name,
        "content_type": target.content_type,
        "new_file": target.new_file,
        "header": upload.header,
        "created_at": moment(upload.created_at),
        "expires_at": moment(upload.expires_at),
        "length_bytes": upload.length_bytes,
        "declared_sha256": upload.declared_sha256,
        "metadata": upload.metadata,
        "status": upload.status.value,
        "reserved_bytes": upload.reserved_bytes,
        "offset_bytes": progress.offset_bytes,
        "next_seq": progress.next_seq,
        "parts": progress.parts,
        "multipart_id": progress.multipart_id,
        "object_key": progress.object_key,
        "tail_epoch": progress.tail_epoch,
        "epoch": upload.epoch,
        "lease_until": maybe_moment(upload.lease_until),
        "version_number": upload.version_number,
        table.GSI1.pk: table.persons_things(upload.user_id),
        table.GSI1.sk: f"UPLOAD#{moment(upload.created_at)}#{upload.id}",
        table.TTL: int(upload.expires_at.timestamp()) + _KEPT_SECONDS,
    }
    if upload.status in {UploadStatus.RECEIVING, UploadStatus.COMPLETING}:
        due_at = upload.expires_at if upload.status is UploadStatus.RECEIVING else upload.lease_until
        item[table.GSI3.pk] = table.due_shard(DUE, upload.id)
        item[table.GSI3.sk] = f"{moment(due_at or upload.expires_at)}#{upload.id}"
    return item


def upload_from(item: Item) -> Upload:
    """The upload in its own item."""
    target = Target(
        item["file_id"],
        item["version_id"],
        item["parent_id"],
        item["owner_id"],
        item["name"],
        item["content_type"],
        item["new_file"],
    )
    progress = Progress(
        item["offset_bytes"],
        item["next_seq"],
        item["parts"],
        item.get("multipart_id"),
        item.get("object_key"),
        item.get("tail_epoch"),
    )
    return Upload(
        id=item["id"],
        user_id=item["user_id"],
        target=target,
        header=item["header"],
        created_at=time_of(item["created_at"]),
        expires_at=time_of(item["expires_at"]),
        length_bytes=item.get("length_bytes"),
        declared_sha256=item.get("declared_sha256"),
        metadata=item["metadata"],
        status=UploadStatus(item["status"]),
        reserved_bytes=item["reserved_bytes"],
        progress=progress,
        epoch=item["epoch"],
        lease_until=maybe_time(item.get("lease_until")),
        version_number=item.get("version_number"),
    )


def part_item(upload: Upload, part: Part) -> Item:
    """One part of an upload's object."""
    ttl = int(upload.expires_at.timestamp()) + _KEPT_SECONDS
    return table.upload_part(upload.id, part.number).attributes() | {"etag": part.etag, table.TTL: ttl}


def part_from(item: Item) -> Part:
    """The part in its item."""
    return Part(int(item[table.SK].removeprefix(table.PART)), item["etag"])
