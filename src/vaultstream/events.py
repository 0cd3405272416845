"""What happens in the vault, as a contract: event names, their one shape, and which worker gets which."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SOURCE = "vaultstream"
STORAGE_SOURCE = "aws.s3"


class EventName(StrEnum):
    """Every deed that leaves a record; "<noun>.<what happened>"."""

    USER_CREATED = "user.created"
    FOLDER_CREATED = "folder.created"
    FOLDER_RENAMED = "folder.renamed"
    FOLDER_MOVED = "folder.moved"
    FILE_RENAMED = "file.renamed"
    FILE_MOVED = "file.moved"
    FILE_COPIED = "file.copied"
    FILE_TAGGED = "file.tagged"
    SHARE_GRANTED = "share.granted"
    SHARE_UPDATED = "share.updated"
    SHARE_REVOKED = "share.revoked"
    SHARE_EXPIRED = "share.expired"
    LINK_CREATED = "link.created"
    LINK_UPDATED = "link.updated"
    LINK_REVOKED = "link.revoked"
    LINK_REFUSED = "link.refused"
    UPLOAD_BEGUN = "upload.begun"
    UPLOAD_ABORTED = "upload.aborted"
    UPLOAD_EXPIRED = "upload.expired"
    VERSION_STORED = "version.stored"
    VERSION_SCAN_BEGUN = "version.scan_begun"
    VERSION_SCAN_WAITS = "version.scan_waits"
    VERSION_SCANNED = "version.scanned"
    VERSION_DAMAGED = "version.damaged"
    VERSION_RELEASED = "version.released"
    VERSION_RESCAN_DUE = "version.rescan_due"
    VERSION_THUMBNAIL_BEGUN = "version.thumbnail_begun"
    VERSION_THUMBNAIL = "version.thumbnail"
    SCAN_DUE = "version.scan_due"
    THUMBNAIL_DUE = "version.thumbnail_due"
    THUMBNAIL_HASTENED = "version.thumbnail_hastened"
    VERSION_RESTORED = "version.restored"
    VERSION_LABELLED = "version.labelled"
    VERSION_DELETED = "version.deleted"
    VERSION_THINNED = "version.thinned"
    FILE_TRASHED = "file.trashed"
    FILE_RESTORED = "file.restored"
    FILE_PURGE_BEGUN = "file.purge_begun"
    FILE_PURGED = "file.purged"
    FOLDER_TRASHED = "folder.trashed"
    FOLDER_RESTORED = "folder.restored"
    FOLDER_PURGE_BEGUN = "folder.purge_begun"
    FOLDER_PURGED = "folder.purged"
    STORAGE_RESTORE_ASKED = "storage.restore_asked"
    STORAGE_CHANGED = "storage.changed"
    QUOTA_CORRECTED = "quota.corrected"
    DOWNLOAD_LINKED = "download.linked"
    DOWNLOAD_BEGUN = "download.begun"
    DOWNLOAD_REFUSED = "download.refused"
    COMMENT_ADDED = "comment.added"
    COMMENT_EDITED = "comment.edited"
    COMMENT_DELETED = "comment.deleted"
    COMMENT_RESOLVED = "comment.resolved"
    COMMENT_REOPENED = "comment.reopened"
    TOKEN_CREATED = "token.created"  # noqa: S105  # an event, and no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  # as above
    AUDIT_READ = "audit.read"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_MONTH_DROPPED = "audit.month_dropped"
    AUDIT_MONTH_HELD = "audit.month_held"
    AUDIT_PERSON_ERASED = "audit.person_erased"


class Decision(StrEnum):
    """Whether the vault let it happen."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"


@dataclass(frozen=True, slots=True)
class Event:
    """One deed: who, what, on which object, when, from where, and whether it was allowed.

    `id` is a ULID and the identity for exactly-once; `item_id` a folder's or file's id; `topics` the ids whose
    watchers want to know; `details` JSON values only, ids and numbers, never contents, names only where the
    deed is about a name. A subject is a person ("user_…"), a link ("link_…"), a worker ("worker:scan") or whoever has
    the command line ("operator"); where a program acted for a person, `details` name its `token_id`.
    `trace` is the place in a trace that it came of (W3C traceparent): it goes with the event to its workers, and is no
    part of the deed.
    """

    id: str
    name: EventName
    at: datetime
    subject: str
    request_id: str
    item_id: str | None = None
    version_number: int | None = None
    ip: str = ""
    agent: str = ""
    decision: Decision = Decision.ALLOWED
    reason: str | None = None
    topics: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values, by each event's own schema
    trace: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse a time without its offset: it would name another moment in another place."""
        if self.at.tzinfo is None:
            raise ValueError("an event's time is aware")

    def to_json(self) -> str:
        """The deed's canonical text: keys sorted, no spaces, times in ISO 8601 with their offset."""
        plain = self._plain()
        del plain["trace"]
        return _text(plain)

    def to_message(self) -> str:
        """The text by which the event travels: the canonical one, and where it has a trace that too."""
        return _text(self._plain()) if self.trace else self.to_json()

    def _plain(self) -> dict[str, Any]:  # Any: JSON values
        return asdict(self) | {"at": self.at.isoformat(), "topics": list(self.topics)}

    @classmethod
    def from_json(cls, text: str | bytes) -> "Event":
        """Read `to_message`'s or `to_json`'s text back; raises ValueError, KeyError or TypeError for anything else."""
        plain = json.loads(text)
        plain["name"] = EventName(plain["name"])
        plain["at"] = datetime.fromisoformat(plain["at"])
        plain["decision"] = Decision(plain["decision"])
        plain["topics"] = tuple(plain["topics"])
        return cls(**plain)


def _text(plain: Mapping[str, Any]) -> str:  # Any: JSON values
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class StorageNews(StrEnum):
    """What S3 tells of a bucket's objects over the account's default bus: the detail types of `STORAGE_SOURCE`."""

    CLASS_CHANGED = "Object Storage Class Changed"
    RESTORE_INITIATED = "Object Restore Initiated"
    RESTORE_COMPLETED = "Object Restore Completed"
    RESTORE_EXPIRED = "Object Restore Expired"


def storage_event(envelope: Mapping[str, Any]) -> Event:  # Any: JSON as EventBridge gives it
    """What S3 has told, as the event that asks to look at the version whose object it is; of no item for any other.

    The shape is that of the S3 User Guide, "EventBridge event message structure". Raises KeyError, TypeError or
    ValueError for anything else.
    """
    detail = envelope["detail"]
    place = detail["object"]["key"].split("/")
    is_version = place[0] == "files" and len(place) == 4
    return Event(
        id=envelope["id"],
        name=EventName.STORAGE_CHANGED,
        at=datetime.fromisoformat(envelope["time"]),
        subject="aws:s3",
        request_id=envelope["id"],
        item_id=place[1] if is_version else None,
        details={
            "version_id": place[2] if is_version else None,
            "tier": detail.get("destination-storage-class"),
        },
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """A row of the worker table: its name is its queue's, its handler's module and its rule's.

    `visibility_seconds` is how long one delivery may take; `attempts` how many there are before the dead-letter
    queue; `batch` how many messages one call gets; `hears` what it gets of S3, by a rule of its own on the account's
    default bus, for the vault's bucket alone.
    """

    name: str
    gets: frozenset[EventName]
    visibility_seconds: int
    attempts: int = 5
    batch: int = 1
    hears: frozenset[StorageNews] = frozenset()

    @property
    def dead_letters(self) -> str:
        """The queue for what failed every attempt."""
        return f"{self.name}-dead"


SCAN = Worker("scan", frozenset({EventName.VERSION_STORED, EventName.SCAN_DUE}), visibility_seconds=900)
THUMBNAIL = Worker("thumbnail", frozenset({EventName.VERSION_SCANNED, EventName.THUMBNAIL_DUE}), visibility_seconds=120)
# The same work by another queue: what somebody is looking at does not wait behind what nobody looks at.
HASTEN = Worker("hasten", frozenset({EventName.THUMBNAIL_HASTENED}), visibility_seconds=120)
# Apart from the scans of what is new, which nobody can open before.
RESCAN = Worker("rescan", frozenset({EventName.VERSION_RESCAN_DUE}), visibility_seconds=900)
AUDIT = Worker("audit", frozenset(EventName), visibility_seconds=60, batch=10, attempts=20)
SEARCH = Worker(
    "search",
    # By the noun, so that a deed that comes to be is not forgotten: any of them may change what is searched.
    frozenset(name for name in EventName if name.partition(".")[0] in {"file", "folder", "version"}),
    visibility_seconds=60,
    batch=10,
    attempts=20,
)
LIFECYCLE = Worker(
    "lifecycle",
    frozenset({EventName.STORAGE_RESTORE_ASKED}),
    visibility_seconds=60,
    batch=10,
    hears=frozenset(StorageNews),
)
WORKERS = (SCAN, RESCAN, THUMBNAIL, HASTEN, AUDIT, SEARCH, LIFECYCLE)
