"""The noun of KMS: a key, what it may be used for, and the states it can be in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from vaultstream.local.kms.faults import KmsFault

SYMMETRIC = "SYMMETRIC_DEFAULT"


class KeyState(StrEnum):
    """Where a key is in its life, in KMS's words."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"


class Usage(StrEnum):
    """What a key is for; a key does one thing."""

    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    SIGN_VERIFY = "SIGN_VERIFY"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the store knows it. `rotation_days` is 0 while automatic rotation is off; times are aware UTC."""

    key_id: str
    arn: str
    description: str
    spec: str
    usage: Usage
    state: KeyState
    created_at: datetime
    deletion_at: datetime | None
    version: int
    rotation_days: int
    next_rotation_at: datetime | None
    policy: str

    def need(self, usage: Usage) -> None:
        """Raises unless the key may be used now, and for `usage`."""
        if self.usage is not usage:
            raise KmsFault("InvalidKeyUsageException", f"{self.arn} key usage is {self.usage}.")
        if self.state is KeyState.DISABLED:
            raise KmsFault("DisabledException", f"{self.arn} is disabled.")
        self.need_living()

    def need_living(self) -> None:
        """Raises if the key waits for its deletion."""
        if self.state is KeyState.PENDING_DELETION:
            raise KmsFault("KMSInvalidStateException", f"{self.arn} is pending deletion.")

    def need_symmetric(self) -> None:
        """Raises for keys whose material never changes."""
        if self.spec != SYMMETRIC:
            raise KmsFault("UnsupportedOperationException", "Only symmetric encryption keys rotate.")


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, the stored form of a time."""
    return int(moment.timestamp() * 1000)


def moment(milliseconds_utc: int | None) -> datetime | None:
    """The time that `milliseconds` stored, or None."""
    return None if milliseconds_utc is None else datetime.fromtimestamp(milliseconds_utc / 1000, UTC)
