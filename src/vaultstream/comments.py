"""Comments on a file: threads of one level, whose answers keep a deleted beginning in its place."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime

from vaultstream.errors import Code, VaultError
from vaultstream.ids import CommentId, FileId, UserId

BODY_CHARACTERS_MAX = 10_000
MENTIONS_MAX = 20


@dataclass(frozen=True, slots=True)
class Comment:
    """What one person said on a file; with `reply_to_id`, as an answer to the comment that begins the thread.

    `replies` counts the answers that are there. `revision` counts what people changed of the comment itself;
    `stamp` counts every write and guards the next one. A husk is what stays of a deleted beginning: it has neither
    author nor words.
    """

    id: CommentId
    file_id: FileId
    author_id: UserId | None
    body: str
    created_at: datetime
    reply_to_id: CommentId | None = None
    mentions: tuple[UserId, ...] = ()
    edited_at: datetime | None = None
    resolved_at: datetime | None = None
    deleted_at: datetime | None = None
    replies: int = 0
    revision: int = 1
    stamp: int = 1

    @property
    def is_husk(self) -> bool:
        """Whether it was deleted, and stays only for its replies."""
        return self.deleted_at is not None

    def edited(self, body: str, mentions: tuple[UserId, ...], at: datetime) -> "Comment":
        """The comment with other words."""
        edited = replace(self, body=body, mentions=mentions, edited_at=at)
        return replace(edited, revision=self.revision + 1, stamp=self.stamp + 1)

    def resolved(self, at: datetime | None) -> "Comment":
        """The thread settled at this time, or open again (None)."""
        return replace(self, resolved_at=at, revision=self.revision + 1, stamp=self.stamp + 1)

    def husk(self, at: datetime) -> "Comment":
        """What stays of it once it is deleted."""
        emptied = replace(self, author_id=None, body="", mentions=(), deleted_at=at)
        return replace(emptied, revision=self.revision + 1, stamp=self.stamp + 1)

    def with_replies(self, more: int) -> "Comment":
        """The comment with so many replies more; that is no change of its own words."""
        return replace(self, replies=self.replies + more, stamp=self.stamp + 1)


def lawful_body(text: str) -> str:
    """The words as they are kept; raises INVALID for none, too many, or characters that are no text."""
    text = text.replace("\r\n", "\n")
    if not text.strip() or len(text) > BODY_CHARACTERS_MAX:
        raise _bad(f"A comment has 1 to {BODY_CHARACTERS_MAX} characters.")
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in text):
        raise _bad("A comment is plain text: leave out control characters.")
    return text


def _bad(message: str) -> VaultError:
    return VaultError(Code.INVALID, message, path=("body",))
