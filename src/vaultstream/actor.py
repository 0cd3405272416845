"""Who acts, and from where: the second argument of every deed."""

from dataclasses import dataclass
from datetime import datetime

from vaultstream.ids import UserId

GUEST = UserId("guest")  # nobody's id: whoever comes without a token, and may open links only


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit log keeps it."""

    request_id: str
    ip: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person for the length of one request or one subscription."""

    user_id: UserId
    origin: Origin
    expires_at: datetime

    @property
    def is_guest(self) -> bool:
        """Whether this is somebody without a token."""
        return self.user_id == GUEST
