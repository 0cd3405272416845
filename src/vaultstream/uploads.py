"""Uploads: a version on its way in, resumable by whoever holds the lease."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vaultstream.ids import FileId, FolderId, UploadId, UserId, VersionId
from vaultstream.tiers import FILES_PREFIX


class UploadStatus(StrEnum):
    """RECEIVING takes bytes; COMPLETING has all of them in S3; DONE is a stored version; ABORTED gave all back."""

    RECEIVING = "RECEIVING"
    COMPLETING = "COMPLETING"
    DONE = "DONE"
    ABORTED = "ABORTED"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the bytes will be seen: the file (new or not) and the name that was claimed for a new one."""

    file_id: FileId
    version_id: VersionId
    parent_id: FolderId
    owner_id: UserId
    name: str
    content_type: str
    new_file: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What is durably in S3: whole frames in parts, the rest in the tail object. Changes as one value.

    `offset_bytes` counts acknowledged plaintext; `next_seq` is the frame number that follows; `parts` counts
    the parts whose items stand beside the upload; `tail_epoch` is the epoch that sealed the tail object, if there
    is one.
    """

    offset_bytes: int = 0
    next_seq: int = 1
    parts: int = 0
    multipart_id: str | None = None
    object_key: str | None = None
    tail_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """One attempt at one version, with its own data key (inside `header`) and its own object key.

    `epoch` is bumped with every lease, before anything is sealed under it: it is the upper half of every IV.
    """

    id: UploadId
    user_id: UserId
    target: Target
    header: bytes
    created_at: datetime
    expires_at: datetime
    length_bytes: int | None = None
    declared_sha256: str | None = None
    metadata: str = ""
    status: UploadStatus = UploadStatus.RECEIVING
    reserved_bytes: int = 0
    progress: Progress = Progress()
    epoch: int = -1
    lease_until: datetime | None = None
    version_number: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the multipart object, as S3 acknowledged it."""

    number: int
    etag: str


def tail_key(upload_id: UploadId, epoch: int) -> str:
    """The S3 key of the tail object that this epoch sealed."""
    return f"tails/{upload_id}/{epoch}"


def object_key(target: Target, epoch: int) -> str:
    """The S3 key of the object that this epoch began: each attempt has its own, so a late loser overwrites nothing."""
    return f"{FILES_PREFIX}{target.file_id}/{target.version_id}/{epoch}"
