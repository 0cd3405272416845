"""What a bucket is told about itself: kept as the XML or JSON that came, read where the store must act on it."""

from dataclasses import dataclass

from vaultstream.local.s3 import lifecycle_rules
from vaultstream.local.s3.documents import parse, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import Encryption

AWS_MANAGED_KEY = "arn:aws:kms:us-east-1:000000000000:alias/aws/s3"


@dataclass(frozen=True, slots=True)
class Setting:
    """A bucket subresource: its document's root (empty for JSON) and the error of a GET before it is set."""

    root: str
    absent: str = ""


SETTINGS: dict[str, Setting] = {
    "accelerate": Setting("AccelerateConfiguration"),
    "cors": Setting("CORSConfiguration", "NoSuchCORSConfiguration"),
    "encryption": Setting("ServerSideEncryptionConfiguration"),
    "lifecycle": Setting("LifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    "object-lock": Setting("ObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
    "logging": Setting("BucketLoggingStatus"),
    "notification": Setting("NotificationConfiguration"),
    "ownershipControls": Setting("OwnershipControls"),
    "policy": Setting("", "NoSuchBucketPolicy"),
    "publicAccessBlock": Setting("PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration"),
    "tagging": Setting("Tagging", "NoSuchTagSet"),
    "versioning": Setting("VersioningConfiguration"),
}


def read(tx: Transaction, bucket: str, name: str) -> bytes:
    """The document of a setting, or nothing."""
    row = tx.one("SELECT body FROM settings WHERE bucket = ? AND name = ?", bucket, name)
    return bytes(row["body"]) if row else b""


def write(tx: Transaction, bucket: str, name: str, body: bytes) -> None:
    """Stores the document of a setting; an empty one removes it."""
    if body:
        tx.run("INSERT OR REPLACE INTO settings (bucket, name, body) VALUES (?, ?, ?)", bucket, name, body)
    else:
        tx.run("DELETE FROM settings WHERE bucket = ? AND name = ?", bucket, name)


def check(name: str, body: bytes) -> None:
    """Refuses a document that is not what the setting takes."""
    if not SETTINGS[name].root:
        return
    root = parse(body, SETTINGS[name].root)
    if name == "versioning" and text(root, "Status") not in ("Enabled", "Suspended"):
        raise S3Fault("MalformedXML", "Status must be Enabled or Suspended.")
    if name == "object-lock":
        raise S3Fault("NotImplemented", "Object Lock begins with its bucket, and has no default retention here.")
    if name == "encryption":
        _encryption(body)
    if name == "lifecycle":
        lifecycle_rules.check(body)


def versioning(tx: Transaction, bucket: str) -> str:
    """`Enabled`, `Suspended`, or nothing for a bucket that never had versions."""
    body = read(tx, bucket, "versioning")
    return text(parse(body, "VersioningConfiguration"), "Status") if body else ""


def is_suspending(body: bytes) -> bool:
    """Whether this document of `versioning` ends versions."""
    return not body or text(parse(body, "VersioningConfiguration"), "Status") == "Suspended"


def is_locking(tx: Transaction, bucket: str) -> bool:
    """Whether the bucket was made for Object Lock."""
    return bool(read(tx, bucket, "object-lock"))


def default_encryption(tx: Transaction, bucket: str) -> Encryption:
    """What an object gets whose request names no encryption."""
    body = read(tx, bucket, "encryption")
    return _encryption(body) if body else Encryption()


def tells_eventbridge(tx: Transaction, bucket: str) -> bool:
    """Whether the bucket's events go to EventBridge."""
    body = read(tx, bucket, "notification")
    return bool(body) and parse(body, "NotificationConfiguration").find("EventBridgeConfiguration") is not None


def _encryption(body: bytes) -> Encryption:
    rule = parse(body, "ServerSideEncryptionConfiguration").find("Rule")
    default = rule.find("ApplyServerSideEncryptionByDefault") if rule is not None else None
    if rule is None or default is None:
        raise S3Fault("MalformedXML", "An encryption configuration needs a rule with a default.")
    algorithm = text(default, "SSEAlgorithm")
    if algorithm not in ("AES256", "aws:kms"):
        raise S3Fault("MalformedXML", "SSEAlgorithm must be AES256 or aws:kms.")
    if algorithm == "AES256":
        return Encryption()
    key_id = text(default, "KMSMasterKeyID") or AWS_MANAGED_KEY
    return Encryption(algorithm, key_id, text(rule, "BucketKeyEnabled") == "true")
