"""Versions of a file: their lawful states, and where their sealed bytes are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from vaultstream.ids import FileId, UserId, VersionId, file_of
from vaultstream.tiers import StorageTier


class ScanStatus(StrEnum):
    """How far the scan of a version has come; nothing leaves the vault before CLEAN."""

    PENDING = "PENDING"
    SCANNING = "SCANNING"
    CLEAN = "CLEAN"
    INFECTED = "INFECTED"
    UNSCANNABLE = "UNSCANNABLE"
    FAILED = "FAILED"


class ThumbnailStatus(StrEnum):
    """How far the thumbnails of a version have come."""

    PENDING = "PENDING"
    RENDERING = "RENDERING"
    READY = "READY"
    UNSUPPORTED = "UNSUPPORTED"
    FAILED = "FAILED"


class RestoreStatus(StrEnum):
    """Whether an archived version can be read now."""

    NOT_NEEDED = "NOT_NEEDED"
    NEEDED = "NEEDED"
    IN_PROGRESS = "IN_PROGRESS"
    RESTORED = "RESTORED"


SCAN_MOVES = {
    ScanStatus.PENDING: {ScanStatus.SCANNING, ScanStatus.FAILED},
    ScanStatus.SCANNING: {
        ScanStatus.PENDING,
        ScanStatus.CLEAN,
        ScanStatus.INFECTED,
        ScanStatus.UNSCANNABLE,
        ScanStatus.FAILED,
    },
    ScanStatus.FAILED: {ScanStatus.PENDING},
    ScanStatus.CLEAN: {ScanStatus.PENDING},
    ScanStatus.INFECTED: {ScanStatus.PENDING},
    ScanStatus.UNSCANNABLE: {ScanStatus.PENDING},
}
THUMBNAIL_MOVES = {
    ThumbnailStatus.PENDING: {
        ThumbnailStatus.RENDERING,
        ThumbnailStatus.UNSUPPORTED,
        ThumbnailStatus.FAILED,
    },
    ThumbnailStatus.RENDERING: {
        ThumbnailStatus.PENDING,
        ThumbnailStatus.READY,
        ThumbnailStatus.UNSUPPORTED,
        ThumbnailStatus.FAILED,
    },
    ThumbnailStatus.FAILED: {ThumbnailStatus.PENDING},
    ThumbnailStatus.UNSUPPORTED: set(),
    ThumbnailStatus.READY: set(),
}


class UnlawfulMove(Exception):
    """A state was asked to become one that cannot follow it: our own bug, or a second run that changes nothing."""


@dataclass(frozen=True, slots=True)
class Release:
    """Who let a version out that nobody could look into, when, and why."""

    by: UserId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of one version. `engine` names the rules that gave the verdict; newer rules are asked again."""

    status: ScanStatus = ScanStatus.PENDING
    signature: str | None = None
    engine: str | None = None
    reason: str | None = None
    finished_at: datetime | None = None
    release: Release | None = None

    @property
    def lets_out(self) -> bool:
        """Whether the content may leave the vault."""
        return self.status is ScanStatus.CLEAN or (self.status is ScanStatus.UNSCANNABLE and self.release is not None)

    @property
    def is_verdict(self) -> bool:
        """Whether a scanner has said what it thinks of the content."""
        return self.status in {ScanStatus.CLEAN, ScanStatus.INFECTED, ScanStatus.UNSCANNABLE}

    def released(self, release: Release) -> "Scan":
        """The scan after somebody answers for what could not be looked into; UnlawfulMove for any other verdict."""
        if self.status is not ScanStatus.UNSCANNABLE:
            raise UnlawfulMove(f"a release of {self.status}")
        return replace(self, release=release)

    def to(self, status: ScanStatus, **outcome: object) -> "Scan":
        """The scan in its next state; `outcome` sets the other fields anew."""
        if status not in SCAN_MOVES[self.status]:
            raise UnlawfulMove(f"scan {self.status} → {status}")
        return Scan(status, **outcome)  # type: ignore[arg-type]  # the fields' own types check it at run time


@dataclass(frozen=True, slots=True)
class ThumbnailSize:
    """One rendered size: `edge_px` is the square it fits, width and height what it measures."""

    edge_px: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The thumbnails of one version."""

    status: ThumbnailStatus = ThumbnailStatus.PENDING
    reason: str | None = None
    sizes: tuple[ThumbnailSize, ...] = ()

    def to(
        self, status: ThumbnailStatus, *, reason: str | None = None, sizes: tuple[ThumbnailSize, ...] = ()
    ) -> "Thumbnail":
        """The thumbnail in its next state."""
        if status not in THUMBNAIL_MOVES[self.status]:
            raise UnlawfulMove(f"thumbnail {self.status} → {status}")
        return Thumbnail(status, reason, sizes)


@dataclass(frozen=True, slots=True)
class Kept:
    """How S3 keeps an object when it is asked: `restored_until` where a copy of an archived one can be read."""

    tier: StorageTier
    is_restoring: bool = False
    restored_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tiering:
    """Where the bytes are kept, and whether they can be read now.

    `asked_days` are for how long somebody asked to have them restored, until S3 has been told.
    """

    tier: StorageTier = StorageTier.STANDARD
    changed_at: datetime | None = None
    restore: RestoreStatus = RestoreStatus.NOT_NEEDED
    restored_until: datetime | None = None
    expected_at: datetime | None = None
    asked_days: int | None = None

    def asked(self, days: int, expected_at: datetime) -> "Tiering":
        """Somebody wants to read it: a copy that can be read now stays so, and is to stay for longer."""
        if self.restore is RestoreStatus.RESTORED:
            return replace(self, asked_days=days)
        return replace(self, restore=RestoreStatus.IN_PROGRESS, expected_at=expected_at, asked_days=days)

    def seen(self, kept: Kept, at: datetime) -> "Tiering":
        """As S3 keeps it. What S3 was not told of is still to come; `at` is when it became so, as far as is known."""
        since, asked_days = self._since(kept.tier, at), self.asked_days
        if not kept.tier.is_archive:
            return Tiering(kept.tier, since)
        if kept.restored_until is not None:
            return Tiering(kept.tier, since, RestoreStatus.RESTORED, kept.restored_until, asked_days=asked_days)
        if kept.is_restoring or asked_days is not None:
            expected_at = self.expected_at
            return Tiering(kept.tier, since, RestoreStatus.IN_PROGRESS, expected_at=expected_at, asked_days=asked_days)
        return Tiering(kept.tier, since, RestoreStatus.NEEDED)

    def _since(self, tier: StorageTier, at: datetime) -> datetime | None:
        """An object comes to a class once: of two times at which it was there the first is nearer to that."""
        if tier is not self.tier:
            return at
        return None if self.changed_at is None else min(self.changed_at, at)

    def at(self, now: datetime) -> "Tiering":
        """As it is to be shown: a copy whose time is over cannot be read, whether or not S3 has said so."""
        if self.restore is not RestoreStatus.RESTORED or self.restored_until is None or now < self.restored_until:
            return self
        return replace(self, restore=RestoreStatus.NEEDED, restored_until=None)

    def is_readable(self, now: datetime) -> bool:
        """Whether the bytes can be had now."""
        return self.at(now).restore in {RestoreStatus.NOT_NEEDED, RestoreStatus.RESTORED}


@dataclass(frozen=True, slots=True)
class Version:
    """What may be shown of one version. `sha256` is of the plaintext, known once all of it was read."""

    id: VersionId
    file_id: FileId
    number: int
    size_bytes: int
    content_type: str
    created_by: UserId
    created_at: datetime
    sha256: str | None = None
    label: str | None = None
    scan: Scan = field(default_factory=Scan)
    thumbnail: Thumbnail = field(default_factory=Thumbnail)
    tiering: Tiering = field(default_factory=Tiering)


def encryption_context(vault_id: str, version: VersionId, *, edge_px: int | None = None) -> dict[str, str]:
    """What a version's data key, or that of one of its thumbnails, is bound to: opaque ids only, for it is public."""
    context = {"vault": vault_id, "file": file_of(version), "version": version}
    return context if edge_px is None else context | {"thumbnail": str(edge_px)}


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A sealed object: the header (kept here, never in S3) and where the frames are."""

    header: bytes
    object_key: str
    plain_bytes: int


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version with its sealed bytes and those of its thumbnails, by edge in pixels.

    `declared_sha256` is what the sender said the digest would be; the scan, which reads all, checks it.
    While work is under way, `due_at` is when the sweeper asks for it again, `attempts` how often it has. A version that
    is `rescanning` has a verdict, which stands until newer rules have given theirs.
    """

    version: Version
    body: SealedBody
    declared_sha256: str | None = None
    thumbnails: Mapping[int, SealedBody] = field(default_factory=dict)
    due_at: datetime | None = None
    attempts: int = 0
    rescanning: bool = False

    def showing(self, version: Version, *, due_at: datetime | None, attempts: int = 0) -> "StoredVersion":
        """The same bytes with another public state."""
        return replace(self, version=version, due_at=due_at, attempts=attempts)
