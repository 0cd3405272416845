"""The nouns of the store: an object version, its attributes, the stretches of bytes it is made of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

STORAGE_CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
NULL_VERSION = "null"
LONG_AGO = datetime.fromtimestamp(0, UTC)  # when a restored copy became ready whose readiness was told


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the server-side encryption headers say; the bytes themselves lie on disk as they came."""

    algorithm: str = "AES256"
    key_id: str = ""
    bucket_key: bool = False


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a client says about an object when it creates it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    encryption: Encryption = Encryption()
    checksum_algorithm: str = ""
    checksum_type: str = ""
    retained_until: str = ""  # ISO 8601; Object Lock in compliance mode: nobody removes the version before

    def to_json(self) -> str:
        """The stored form."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Attributes":
        """Reads the stored form."""
        values = json.loads(text)
        return cls(**{**values, "encryption": Encryption(**values["encryption"])})


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of an object: one whole file on the shelf. Part number 0 marks what was not a part."""

    blob: str
    size_bytes: int
    part_number: int = 0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of an object, or a delete marker. `seq` orders versions; times are aware UTC."""

    seq: int
    bucket: str
    key: str
    version_id: str
    is_marker: bool
    size_bytes: int
    etag: str
    stored_at: datetime
    attributes: Attributes
    checksums: Mapping[str, str]
    restore_ready_at: datetime | None = None
    restore_until: datetime | None = None

    def is_restored(self, now: datetime) -> bool:
        """Whether a temporary copy of an archived object can be read now."""
        ready, until = self.restore_ready_at, self.restore_until
        return ready is not None and until is not None and ready <= now < until

    def is_restoring(self, now: datetime) -> bool:
        """Whether a restore was asked for and is not finished."""
        return self.restore_ready_at is not None and now < self.restore_ready_at

    def is_readable(self, now: datetime) -> bool:
        """Whether a GET may have the bytes."""
        return self.attributes.storage_class not in ARCHIVED or self.is_restored(now)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, the stored form of a time."""
    return int(moment.timestamp() * 1000)


def moment(milliseconds_utc: int) -> datetime:
    """The time that `milliseconds` stored."""
    return datetime.fromtimestamp(milliseconds_utc / 1000, UTC)
