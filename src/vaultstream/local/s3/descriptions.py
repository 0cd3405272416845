"""Between headers and nouns: what a request says about an object, and what an answer says of a stored one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

from vaultstream.local.s3 import checksums
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.objects import NULL_VERSION, STORAGE_CLASSES, Attributes, Encryption, StoredObject
from vaultstream.local.s3.settings import AWS_MANAGED_KEY

_KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
_META = "x-amz-meta-"
_SSE = "x-amz-server-side-encryption"
_LOCK = "x-amz-object-lock"
_COMPLIANCE = "COMPLIANCE"
_MAX_METADATA_BYTES = 2048
_MAX_TAGS = 10
# What would change the promise made to the client; better refused than forgotten.
_REFUSED = (
    f"{_SSE}-customer-algorithm",
    "x-amz-object-lock-legal-hold",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-write-acp",
    "x-amz-write-offset-bytes",
)


def asked_attributes(call: Call) -> Attributes:
    """What the headers of a creating request say, its encryption aside; raises `S3Fault` for the unlawful."""
    if any(name in call.headers for name in _REFUSED) or call.header("x-amz-acl") not in ("", "private"):
        raise S3Fault("NotImplemented")
    storage_class = call.header("x-amz-storage-class") or "STANDARD"
    if storage_class not in STORAGE_CLASSES:
        raise S3Fault("InvalidStorageClass")
    algorithm = call.header("x-amz-checksum-algorithm")
    return Attributes(
        headers=_kept_headers(call.headers),
        metadata=_metadata(call.headers),
        tags=checked_tags(parse_qsl(call.header("x-amz-tagging"), keep_blank_values=True)),
        storage_class=storage_class,
        checksum_algorithm=checksums.named(algorithm) if algorithm else "",
        checksum_type=_checksum_type(algorithm.upper(), call.header("x-amz-checksum-type")),
        retained_until=_retained_until(call),
    )


def asked_encryption(call: Call) -> Encryption | None:
    """The encryption that the headers name, or None to leave it to the bucket."""
    algorithm = call.header(_SSE)
    if not algorithm:
        return None
    if algorithm == "AES256":
        return Encryption()
    if algorithm != "aws:kms":
        raise S3Fault("InvalidArgument", "The encryption method specified is not supported")
    key_id = call.header(f"{_SSE}-aws-kms-key-id") or AWS_MANAGED_KEY
    return Encryption(algorithm, key_id, call.header(f"{_SSE}-bucket-key-enabled").lower() == "true")


def checked_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """A set of at most 10 tags with distinct keys of at most 128 characters and values of at most 256."""
    tags = dict(pairs)
    if len(tags) != len(pairs) or len(tags) > _MAX_TAGS:
        raise S3Fault("InvalidTag", "An object takes at most 10 tags, each key once.")
    if any(not 1 <= len(name) <= 128 or len(value) > 256 for name, value in pairs):
        raise S3Fault("InvalidTag")
    return tags


def stored_headers(found: StoredObject, now: datetime) -> dict[str, str]:
    """The headers of GET and HEAD that describe an object; the length and the checksums are the caller's."""
    attributes = found.attributes
    headers = {
        "etag": f'"{found.etag}"',
        "last-modified": http_date(found.stored_at),
        "accept-ranges": "bytes",
        "content-type": "binary/octet-stream",
        **attributes.headers,
        **{f"{_META}{name}": value for name, value in attributes.metadata.items()},
        **outcome_headers(found),
    }
    if attributes.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = attributes.storage_class
    if attributes.retained_until:
        headers |= {f"{_LOCK}-mode": _COMPLIANCE, f"{_LOCK}-retain-until-date": attributes.retained_until}
    if attributes.tags:
        headers["x-amz-tagging-count"] = str(len(attributes.tags))
    if found.is_restoring(now):
        headers["x-amz-restore"] = 'ongoing-request="true"'
    elif found.is_restored(now) and found.restore_until:
        headers["x-amz-restore"] = f'ongoing-request="false", expiry-date="{http_date(found.restore_until)}"'
    return headers


def outcome_headers(found: StoredObject) -> dict[str, str]:
    """What every answer about a version carries: how it is encrypted and, where versions are kept, which it is."""
    headers = encryption_headers(found.attributes.encryption)
    if found.version_id != NULL_VERSION:
        headers["x-amz-version-id"] = found.version_id
    return headers


def encryption_headers(encryption: Encryption) -> dict[str, str]:
    """The server-side encryption headers of an answer."""
    headers = {_SSE: encryption.algorithm}
    if encryption.key_id:
        headers[f"{_SSE}-aws-kms-key-id"] = encryption.key_id
    if encryption.bucket_key:
        headers[f"{_SSE}-bucket-key-enabled"] = "true"
    return headers


def checksum_headers(values: Mapping[str, str], checksum_type: str = "") -> dict[str, str]:
    """The additional checksums of an answer."""
    headers = {f"x-amz-checksum-{name.lower()}": value for name, value in values.items()}
    return {**headers, "x-amz-checksum-type": checksum_type or "FULL_OBJECT"} if headers else {}


def http_date(moment: datetime) -> str:
    """A time in the form of HTTP headers."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def timestamp(moment: datetime) -> str:
    """A time in the form of S3's documents, to the millisecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _retained_until(call: Call) -> str:
    """Until when Object Lock keeps the version, in S3's form; empty for not at all."""
    mode, until = call.header(f"{_LOCK}-mode"), call.header(f"{_LOCK}-retain-until-date")
    if not mode and not until:
        return ""
    if mode == "GOVERNANCE":
        raise S3Fault("NotImplemented", "The local store keeps Object Lock in compliance mode only.")
    try:
        moment = datetime.fromisoformat(until).astimezone(UTC)
    except ValueError:
        raise S3Fault("InvalidArgument", "The retain until date is not a date.") from None
    if mode != _COMPLIANCE or moment <= call.store.clock():
        raise S3Fault("InvalidArgument", "The retain until date must be in the future, with a mode.")
    return timestamp(moment)


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {name: headers[name] for name in _KEPT if headers.get(name)}
    encodings = [part.strip() for part in kept.pop("content-encoding", "").split(",")]
    if lasting := [part for part in encodings if part not in ("", "aws-chunked")]:
        kept["content-encoding"] = ",".join(lasting)
    return kept


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    metadata = {name[len(_META) :]: value for name, value in headers.items() if name.startswith(_META)}
    if sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) > _MAX_METADATA_BYTES:
        raise S3Fault("MetadataTooLarge")
    return metadata


def _checksum_type(algorithm: str, asked: str) -> str:
    """The kind of checksum of a multipart object; CRC64NVME knows only the whole, SHA only the composite."""
    if not algorithm:
        return ""
    kind = asked.upper() or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    unlawful = {"FULL_OBJECT": ("SHA1", "SHA256"), "COMPOSITE": ("CRC64NVME",)}
    if kind not in unlawful or algorithm in unlawful[kind]:
        raise S3Fault("InvalidRequest", f"The {asked} checksum type cannot be used with {algorithm}.")
    return kind
