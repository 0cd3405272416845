"""Links: what whoever holds a secret token may do with a folder or file, without an account."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from vaultstream.ids import ItemId, LinkId, UserId, linked_item
from vaultstream.shares import Role


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link gives, and within which bounds. `view_only` shows names and thumbnails, and no contents."""

    role: Role = Role.VIEWER
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    max_downloads: int | None = None
    view_only: bool = False

    def __post_init__(self) -> None:
        """Nobody is known behind a link, so it lets nobody do more than look and download."""
        if self.role is not Role.VIEWER:
            raise ValueError("a link gives the role VIEWER")


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link as it is kept: the SHA-256 of its token, and never the token itself.

    `stamp` counts the changes of its terms and its password; `downloads` counts by itself.
    """

    id: LinkId
    token_sha256: str = field(repr=False)
    created_by: UserId
    created_at: datetime
    terms: Terms
    password_hash: str | None = field(default=None, repr=False)
    downloads: int = 0
    revoked_at: datetime | None = None
    stamp: int = 1

    @property
    def item_id(self) -> ItemId:
        """What it is to; the id is the item's own, so that a link never comes to mean another."""
        return linked_item(self.id)

    def holds(self, now: datetime) -> bool:
        """Whether it is good at this moment."""
        terms = self.terms
        begun = terms.starts_at is None or terms.starts_at <= now
        return self.revoked_at is None and begun and (terms.expires_at is None or now < terms.expires_at)

    def amended(self, terms: Terms, password_hash: str | None) -> "ShareLink":
        """The link on other terms, or with another password."""
        return replace(self, terms=terms, password_hash=password_hash, stamp=self.stamp + 1)
