"""What one person may ask of the vault in a time: a bucket of points that requests empty and time fills again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address

from vaultstream.actor import Actor
from vaultstream.errors import Code, VaultError

MILLI = 1000  # levels are kept in thousandths of a point: a millisecond's refill is then a whole number
_GUEST_PART = 10
_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many points a full bucket has, and how many come back each second; raises ValueError below 1."""

    size: int
    per_second: int

    def __post_init__(self) -> None:
        """Refuse a bucket that nothing fits in, or that never fills."""
        if self.size < 1 or self.per_second < 1:
            raise ValueError("a budget has at least one point, and gets at least one back each second")

    @property
    def guests(self) -> "Allowance":
        """What all who come without a token from one place have together."""
        return Allowance(max(1, self.size // _GUEST_PART), max(1, self.per_second // _GUEST_PART))


@dataclass(frozen=True, slots=True)
class Bucket:
    """Its level in thousandths of a point at a moment (Unix time in ms): never below zero, never above its size."""

    level_milli: int
    at_ms: int

    def taken(self, points: int, now_ms: int, allowance: Allowance) -> "tuple[bool, Bucket]":
        """Whether so many points were there, and the bucket after; a negative number gives points back."""
        full = allowance.size * MILLI
        level = min(full, self.level_milli + max(0, now_ms - self.at_ms) * allowance.per_second)
        granted = points * MILLI <= level
        return granted, Bucket(min(full, level - points * MILLI) if granted else level, now_ms)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an actor stands after a request: whole points left, and when the bucket will be full again."""

    limit: int
    remaining: int
    reset_at: datetime


def standing(bucket: Bucket, allowance: Allowance) -> Standing:
    """The bucket as it is told to its owner."""
    full_at = datetime.fromtimestamp(full_at_ms(bucket, allowance) / 1000, UTC)
    return Standing(allowance.size, bucket.level_milli // MILLI, full_at)


def full_at_ms(bucket: Bucket, allowance: Allowance) -> int:
    """When nothing will be missing (Unix time in ms)."""
    missing = allowance.size * MILLI - bucket.level_milli
    return bucket.at_ms - -missing // allowance.per_second


class RateLimited(VaultError):
    """There are fewer points left than a request may cost; `retry_after_seconds` is when there will be enough."""

    def __init__(self, points: int, bucket: Bucket, allowance: Allowance) -> None:
        missing = points * MILLI - bucket.level_milli
        self.retry_after_seconds = max(1, -(-missing // (allowance.per_second * MILLI)))
        self.standing = standing(bucket, allowance)
        self.points = points
        advice = f"ask again in {self.retry_after_seconds} s, or for shorter pages"
        if points > allowance.size:
            advice = f"there are never more than {allowance.size}: ask for shorter pages"
        message = f"This may cost {points} points, and {self.standing.remaining} are left; {advice}."
        super().__init__(Code.RATE_LIMITED, message)


def owner(actor: Actor) -> str:
    """Whose bucket an actor's requests are paid from: a person's own, or that of a guest's network address."""
    return f"guest:{_network(actor.origin.ip)}" if actor.is_guest else f"user:{actor.user_id}"


def _network(text: str) -> str:
    """An IPv4 address itself; of an IPv6 address its /64, for one household has all of that."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return f"{address}"
    if address.ipv4_mapped is not None:
        return f"{address.ipv4_mapped}"
    network = int(address) >> (128 - _IPV6_NETWORK_BITS) << (128 - _IPV6_NETWORK_BITS)
    return f"{IPv6Address(network)}/{_IPV6_NETWORK_BITS}"
