"""Quota arithmetic: every change moves bytes between kinds, so that the sum stays the quota."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuotaChange:
    """Bytes to add to each kind; they always sum to nothing."""

    left_bytes: int = 0
    live_bytes: int = 0
    version_bytes: int = 0
    trash_bytes: int = 0
    reserved_bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse a change that would make or lose bytes."""
        kinds = (self.left_bytes, self.live_bytes, self.version_bytes, self.trash_bytes, self.reserved_bytes)
        if sum(kinds) != 0:
            raise ValueError("a quota change moves bytes, it makes none")

    def __add__(self, other: "QuotaChange") -> "QuotaChange":
        """Both changes at once."""
        return QuotaChange(
            self.left_bytes + other.left_bytes,
            self.live_bytes + other.live_bytes,
            self.version_bytes + other.version_bytes,
            self.trash_bytes + other.trash_bytes,
            self.reserved_bytes + other.reserved_bytes,
        )


def reserve(size_bytes: int) -> QuotaChange:
    """Set bytes aside for an upload; the table's condition is that as many are left."""
    return QuotaChange(left_bytes=-size_bytes, reserved_bytes=size_bytes)


def release(reserved_bytes: int) -> QuotaChange:
    """Give back what an upload had set aside."""
    return QuotaChange(left_bytes=reserved_bytes, reserved_bytes=-reserved_bytes)


def settle(reserved_bytes: int, stored_bytes: int, replaced_bytes: int) -> QuotaChange:
    """An upload was stored: its reservation becomes live bytes, the version it replaced becomes an old one."""
    return QuotaChange(
        left_bytes=reserved_bytes - stored_bytes,
        live_bytes=stored_bytes - replaced_bytes,
        version_bytes=replaced_bytes,
        reserved_bytes=-reserved_bytes,
    )


def trash(live_bytes: int, version_bytes: int) -> QuotaChange:
    """A file went to the trash: its current version's bytes and its older ones' count there together."""
    return QuotaChange(live_bytes=-live_bytes, version_bytes=-version_bytes, trash_bytes=live_bytes + version_bytes)


def restore(live_bytes: int, version_bytes: int) -> QuotaChange:
    """A file came back from the trash."""
    return QuotaChange(live_bytes=live_bytes, version_bytes=version_bytes, trash_bytes=-live_bytes - version_bytes)


def free(*, live_bytes: int = 0, version_bytes: int = 0, trash_bytes: int = 0) -> QuotaChange:
    """Bytes are gone for ever, and there is room again."""
    return QuotaChange(
        left_bytes=live_bytes + version_bytes + trash_bytes,
        live_bytes=-live_bytes,
        version_bytes=-version_bytes,
        trash_bytes=-trash_bytes,
    )
