"""Who acts, and from where: the second argument of every deed."""

from dataclasses import dataclass
from datetime import datetime

from vaultstream.ids import TokenId, UserId
from vaultstream.tokens import Grant

GUEST = UserId("guest")  # nobody's id: whoever comes without a token, and may open links only


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit log keeps it."""

    request_id: str
    ip: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person for the length of one request or one subscription; with a grant, a program that acts for them
    by a token.
    """

    user_id: UserId
    origin: Origin
    expires_at: datetime
    grant: Grant | None = None

    @property
    def is_guest(self) -> bool:
        """Whether this is somebody without a token."""
        return self.user_id == GUEST

    @property
    def is_bound(self) -> bool:
        """Whether this is a program that may not leave one folder."""
        return self.grant is not None and self.grant.folder_id is not None

    @property
    def topics(self) -> tuple[str, ...]:
        """The ids that are nudged when what the actor may do has changed."""
        return (self.user_id,) if self.grant is None else (self.user_id, self.grant.token_id)

    @property
    def id(self) -> UserId | TokenId:
        """Who it is that asks: a person's programs are told from the person, and from one another."""
        return self.user_id if self.grant is None else self.grant.token_id
