"""Lists of items: which of them are wanted, and in what order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from vaultstream import names
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import UserId
from vaultstream.versions import ScanStatus


class ItemKind(StrEnum):
    """Folder or file."""

    FILE = "FILE"
    FOLDER = "FOLDER"


class ItemOrderField(StrEnum):
    """By what a list is ordered; a folder's size counts as nothing."""

    NAME = "NAME"
    UPDATED = "UPDATED"
    SIZE = "SIZE"


@dataclass(frozen=True, slots=True)
class ItemOrder:
    """The order of a list; what is equal in it stands in the order of names."""

    field: ItemOrderField = ItemOrderField.NAME
    descending: bool = False


BY_NAME = ItemOrder()


@dataclass(frozen=True, slots=True)
class ItemWhere:
    """What an item must be to be listed: all of these. `tags` are in their folded form.

    What only a file has (contents, tags, a scan) no folder matches. Times are from the first (included) to the
    second (left out). Whether an item lies in the trash is for who knows what is above it: `matches` does not look
    at `in_trash`.
    """

    kind: ItemKind | None = None
    name_prefix: str | None = None
    content_type_prefix: str | None = None
    tags: tuple[str, ...] = ()
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    scan_status: ScanStatus | None = None
    owner_id: UserId | None = None
    in_trash: bool = False

    @property
    def folded_prefix(self) -> str:
        """What the folded name begins with; names that differ only in case are one name."""
        return names.fold(self.name_prefix or "")

    def matches(self, it: Folder | File) -> bool:
        """Whether the item is all that is wanted."""
        if self.kind is not None and self.kind is not kind_of(it):
            return False
        if self.owner_id is not None and self.owner_id != it.owner_id:
            return False
        if not names.fold(it.name).startswith(self.folded_prefix):
            return False
        if self.updated_from is not None and it.updated_at < self.updated_from:
            return False
        if self.updated_before is not None and it.updated_at >= self.updated_before:
            return False
        return self._matches_contents(it)

    def _matches_contents(self, it: Folder | File) -> bool:
        if isinstance(it, Folder):
            return self.content_type_prefix is None and not self.tags and self.scan_status is None
        if not it.current.content_type.startswith((self.content_type_prefix or "").lower()):
            return False
        return set(self.tags) <= set(it.tags) and self.scan_status in {None, it.current.scan.status}


EVERYTHING = ItemWhere()


def kind_of(it: Folder | File) -> ItemKind:
    """Which of the two it is."""
    return ItemKind.FOLDER if isinstance(it, Folder) else ItemKind.FILE


def position(it: Folder | File, field: ItemOrderField) -> str:
    """Text that sorts as the items do: where an item stands in a list of this order."""
    name = names.fold(it.name)
    match field:
        case ItemOrderField.NAME:
            return name
        case ItemOrderField.UPDATED:
            return f"{it.updated_at.astimezone(UTC).isoformat(timespec='microseconds')}#{name}"
        case ItemOrderField.SIZE:
            return f"{it.current.size_bytes if isinstance(it, File) else 0:020d}#{name}"
