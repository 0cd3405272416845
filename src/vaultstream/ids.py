"""Opaque, typed, time-ordered identifiers: a prefix that names the noun and a ULID (github.com/ulid/spec)."""

import re
from typing import NewType

UserId = NewType("UserId", str)
FolderId = NewType("FolderId", str)
FileId = NewType("FileId", str)
VersionId = NewType("VersionId", str)
UploadId = NewType("UploadId", str)
ShareId = NewType("ShareId", str)
LinkId = NewType("LinkId", str)
CommentId = NewType("CommentId", str)
TokenId = NewType("TokenId", str)
ItemId = FolderId | FileId

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
_SHAPES = {
    "user": re.compile(f"user_{_ULID}"),
    "folder": re.compile(f"folder_{_ULID}"),
    "file": re.compile(f"file_{_ULID}"),
    "version": re.compile(f"version_{_ULID}_{_ULID}"),
    "upload": re.compile(f"upload_{_ULID}"),
    "share": re.compile(f"share_(?:file|folder)_{_ULID}_{_ULID}"),
    "link": re.compile(f"link_(?:file|folder)_{_ULID}_{_ULID}"),
    "comment": re.compile(f"comment_{_ULID}_{_ULID}"),
    "event": re.compile(f"event_{_ULID}"),
    "token": re.compile(f"token_{_ULID}"),
}


def ulid(milliseconds: int, random: bytes) -> str:
    """26 characters that sort by time: 48 bits of Unix milliseconds, then 80 bits of `random` (10 bytes)."""
    if not 0 <= milliseconds < 1 << 48 or len(random) != 10:
        raise ValueError("a ULID takes 48 bits of milliseconds and 10 random bytes")
    number = milliseconds << 80 | int.from_bytes(random)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_milliseconds(text: str) -> int:
    """The Unix milliseconds within a ULID, or within an id that ends in one."""
    number = 0
    for char in text[-26:][:10]:
        number = number << 5 | _ALPHABET.index(char)
    return number


def kind_of(text: str) -> str | None:
    """The noun that a well-formed id names ("file", "folder", …); None for anything else."""
    kind = text.partition("_")[0]
    shape = _SHAPES.get(kind)
    return kind if shape is not None and shape.fullmatch(text) else None


def item_of(value: object) -> ItemId | None:
    """The folder's or file's id that this is, well-formed; None for anything else."""
    if not isinstance(value, str):
        return None
    kind = kind_of(value)
    if kind == "folder":
        return FolderId(value)
    return FileId(value) if kind == "file" else None


def version_id(file_id: FileId, unique: str) -> VersionId:
    """A version's id holds its file's, so that the collection it lives in is known from the id alone."""
    return VersionId(f"version_{file_id.removeprefix('file_')}_{unique}")


def file_of(version: VersionId) -> FileId:
    """The file whose version this is."""
    return FileId("file_" + version.split("_")[1])


def share_id(item_id: ItemId, grantee_id: UserId) -> ShareId:
    """A share is known by what is shared and with whom: there is one at most."""
    return ShareId(f"share_{item_id}_{grantee_id.removeprefix('user_')}")


def shared_item(share: ShareId) -> ItemId:
    """What this share is of."""
    return _item_within(share)


def grantee_of(share: ShareId) -> UserId:
    """With whom this share is."""
    return UserId("user_" + share.rpartition("_")[2])


def link_id(item_id: ItemId, unique: str) -> LinkId:
    """A link's id holds its item's; it tells nothing of the link's token."""
    return LinkId(f"link_{item_id}_{unique}")


def linked_item(link: LinkId) -> ItemId:
    """What this link is to."""
    return _item_within(link)


def comment_id(file_id: FileId, unique: str) -> CommentId:
    """A comment's id holds its file's, so that the collection it lives in is known from the id alone."""
    return CommentId(f"comment_{file_id.removeprefix('file_')}_{unique}")


def commented_file(comment: CommentId) -> FileId:
    """The file that this comment is on."""
    return FileId("file_" + comment.split("_")[1])


def _item_within(text: str) -> ItemId:
    _, kind, unique, _ = text.split("_")
    return FolderId(f"folder_{unique}") if kind == "folder" else FileId(f"file_{unique}")
