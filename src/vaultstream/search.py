"""Search by name: what of an item stands in the index, what may be asked of it, and where a page goes on."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from vaultstream import ids, names
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId, UserId
from vaultstream.listing import EVERYTHING, ItemKind, ItemOrder, ItemWhere, kind_of
from vaultstream.names import NAME_CHARACTERS_MAX
from vaultstream.versions import ScanStatus

PREFIX = "SEARCH#"
_BIGINT_MAX = 2**63 - 1
_SHORT, _LONG = 2, 3


def grams(name: str) -> list[str]:
    """Every two and every three characters in a row of a folded name, each once."""
    return sorted({*_runs(name, _SHORT), *_runs(name, _LONG)})


def grams_of(text: str) -> list[str]:
    """What the grams of each name that holds this folded text must include; none for a single character."""
    return sorted(_runs(text, _LONG if len(text) >= _LONG else _SHORT))


def _runs(text: str, length: int) -> set[str]:
    return {text[at : at + length] for at in range(len(text) - length + 1)}


@dataclass(frozen=True, slots=True)
class Indexed:
    """A folder or file as the index has it: enough to propose it, never enough to show it."""

    id: ItemId
    owner_id: UserId
    parent_id: FolderId
    kind: ItemKind
    name: str
    content_type: str | None
    tags: tuple[str, ...]
    scan_status: ScanStatus | None
    size_bytes: int
    updated_at: datetime
    is_trashed: bool
    stamp: int


def indexed(it: Folder | File) -> Indexed | None:
    """What the index has of an item; None for a top folder, which nobody looks for."""
    if it.parent_id is None:
        return None
    current = it.current if isinstance(it, File) else None
    return Indexed(
        id=it.id,
        owner_id=it.owner_id,
        parent_id=it.parent_id,
        kind=kind_of(it),
        name=names.fold(it.name),
        content_type=current.content_type if current else None,
        tags=it.tags if isinstance(it, File) else (),
        scan_status=current.scan.status if current else None,
        size_bytes=current.size_bytes if current else 0,
        updated_at=it.updated_at,
        is_trashed=it.trashed_at is not None,
        stamp=it.stamp,
    )


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: a folded text anywhere in the name, and all that `where` says.

    Without an order, names that begin with the text come first, then the others, both by name.
    """

    text: str
    where: ItemWhere = EVERYTHING
    order: ItemOrder | None = None

    def matches(self, it: Folder | File) -> bool:
        """Whether this item is sought; whether it lies in the trash, its lineage must say."""
        return it.parent_id is not None and self.text in names.fold(it.name) and self.where.matches(it)

    @property
    def cursor_prefix(self) -> str:
        """How the cursors of this order begin: those of another order are refused."""
        return f"{PREFIX}{self.order.field if self.order else 'BEST'}#"


def sought(text: str, where: ItemWhere = EVERYTHING, order: ItemOrder | None = None) -> Sought:
    """The search for this text; raises INVALID for what no name can hold, and for a search for anything at all."""
    text = unicodedata.normalize("NFC", text).strip()
    folded = names.fold(text)
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in folded):
        raise _bad("A name has no control characters, so look for a text without them.")
    if len(text) > NAME_CHARACTERS_MAX:
        raise _bad(f"Look for at most {NAME_CHARACTERS_MAX} characters: no name has more.")
    if not folded and where == EVERYTHING:
        raise _bad("Say what to look for: a part of the name, or something in `where`.")
    return Sought(folded, where, order)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: among what these people own. Of what is not the viewer's own, only what is one of the shared
    items or lies under one.
    """

    viewer_id: UserId
    owner_ids: tuple[UserId, ...]
    shared_ids: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands in the index's order: `lead` is what it is ordered by before its name."""

    lead: int
    name: str
    id: ItemId

    def to_text(self) -> str:
        """As it stands in a cursor, after the order's prefix."""
        return f"{self.lead}#{self.id}#{self.name}"

    @classmethod
    def from_text(cls, text: str) -> "Place":
        """Read `to_text`'s text back; raises INVALID for anything else."""
        lead, item_id, name = [*text.split("#", 2), "", ""][:3]
        digits = lead.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > 19 or abs(int(lead)) > _BIGINT_MAX:
            raise _bad_place()
        if ids.kind_of(item_id) not in {"file", "folder"} or "\0" in name:
            raise _bad_place()
        return cls(int(lead), name, FolderId(item_id))


def _bad(message: str) -> VaultError:
    return VaultError(Code.INVALID, message, path=("text",))


def _bad_place() -> VaultError:
    return VaultError(Code.INVALID, "Take the cursor from an earlier page of the same list.", path=("after",))
