"""Access tokens: what lets a program act for a person, how far, and until when."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from vaultstream.errors import Code, VaultError
from vaultstream.ids import FolderId, TokenId, UserId

PREFIX = "vst_"  # tells a token of ours from one of the sign-in service, and secret scanners what they found
RANDOM_BYTES = 32
LIFE_MAX = timedelta(days=366)
TOKENS_MAX = 50  # of one person at a time
NAME_CHARACTERS_MAX = 100
_SHAPE = re.compile(f"{PREFIX}(?P<random>[0-9a-f]{{{2 * RANDOM_BYTES}}})(?P<checksum>[0-9a-f]{{8}})")


class Scope(StrEnum):
    """What a token may be used for. WRITE and SHARE take READ in, and none of them takes in purging."""

    READ = "READ"
    WRITE = "WRITE"
    SHARE = "SHARE"


@dataclass(frozen=True, slots=True)
class Grant:
    """How far a token lets its bearer go: never further than its person, and with a folder no further than that."""

    token_id: TokenId
    scopes: frozenset[Scope]
    folder_id: FolderId | None = None

    def __post_init__(self) -> None:
        """Whatever else a token may do, it may look."""
        if Scope.READ not in self.scopes:
            raise ValueError("every token has the scope READ")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is kept: the SHA-256 of its secret, and never the secret itself."""

    user_id: UserId
    grant: Grant
    name: str
    secret_sha256: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def id(self) -> TokenId:
        """It tells nothing of the secret."""
        return self.grant.token_id

    def holds(self, now: datetime) -> bool:
        """Whether it is good at this moment."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Roll:
    """Which tokens of a person may be good, and when each ends by itself; the stamp counts the roll's writes."""

    ends: Mapping[TokenId, datetime]
    stamp: int = 0

    def adding(self, token: AccessToken, now: datetime) -> "Roll":
        """The roll with a token more, without those that have ended; raises QUOTA_EXCEEDED where it is full."""
        ends = {token_id: end for token_id, end in self.ends.items() if now < end}
        if len(ends) >= TOKENS_MAX:
            raise VaultError(Code.QUOTA_EXCEEDED, f"You have {TOKENS_MAX} tokens, the most there may be: revoke one.")
        return replace(self, ends=ends | {token.id: token.expires_at}, stamp=self.stamp + 1)

    def without(self, token_id: TokenId) -> "Roll":
        """The roll without a token, which may have left it before."""
        ends = {each: end for each, end in self.ends.items() if each != token_id}
        return replace(self, ends=ends, stamp=self.stamp + 1)


def scopes_of(wanted: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes with what they take in; raises INVALID for none at all."""
    given = frozenset(wanted)
    if not given:
        raise VaultError(Code.INVALID, "Choose at least one scope.", path=("scopes",))
    return given | {Scope.READ}


def lawful_name(name: str) -> str:
    """The name without the space around it; raises INVALID for one that says nothing."""
    kept = name.strip()
    if not 0 < len(kept) <= NAME_CHARACTERS_MAX or not kept.isprintable():
        raise VaultError(
            Code.INVALID, f"A token's name has 1 to {NAME_CHARACTERS_MAX} printable characters.", path=("name",)
        )
    return kept


def lawful_end(expires_at: datetime, now: datetime) -> datetime:
    """The end of a token, if it is to come and not too far away; raises INVALID."""
    if not now < expires_at <= now + LIFE_MAX:
        raise VaultError(
            Code.INVALID, f"A token ends by itself within {LIFE_MAX.days} days: choose when.", path=("expiresAt",)
        )
    return expires_at


def secret_of(random: bytes) -> str:
    """The secret made of 32 bytes of chance; its CRC-32 tells one that was cut or mistyped without asking the table."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a secret is made of {RANDOM_BYTES} bytes")
    text = random.hex()
    return f"{PREFIX}{text}{_checksum(text)}"


def is_secret(text: str) -> bool:
    """Whether this could be the secret of a token."""
    found = _SHAPE.fullmatch(text)
    return found is not None and found["checksum"] == _checksum(found["random"])


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256. It has 256 bits of chance, so no slow hash would add to it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
