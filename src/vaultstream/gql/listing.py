"""What lists take beside their page: which items, and in what order."""

import unicodedata
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from vaultstream import ids, listing, tags, versions
from vaultstream.errors import Code, VaultError
from vaultstream.gql.states import ScanStatus
from vaultstream.names import NAME_CHARACTERS_MAX

_TYPE_CHARACTERS_MAX = 127


@strawberry.enum(description="Which of the two an item is.")
class ItemKind(Enum):
    """As `vaultstream.listing.ItemKind`."""

    FILE = strawberry.enum_value("FILE", description="A file.")
    FOLDER = strawberry.enum_value("FOLDER", description="A folder.")


@strawberry.enum(description="By what a list is ordered.")
class ItemOrderField(Enum):
    """As `vaultstream.listing.ItemOrderField`."""

    NAME = strawberry.enum_value("NAME", description="By name, whatever the case of its letters: for every folder.")
    UPDATED = strawberry.enum_value(
        "UPDATED", description="By when a person last changed it: for folders of at most 2000 items."
    )
    SIZE = strawberry.enum_value(
        "SIZE", description="By length, a folder's being nothing: for folders of at most 2000 items."
    )


@strawberry.enum(description="Which end a list begins at.")
class OrderDirection(Enum):
    """Ascending or descending."""

    ASC = strawberry.enum_value("ASC", description="The least first.")
    DESC = strawberry.enum_value("DESC", description="The greatest first.")


@strawberry.input(description="Which items: those of which all that is given is true.")
class ItemWhere:
    """Becomes `vaultstream.listing.ItemWhere`."""

    kind: ItemKind | None = strawberry.field(description="Only files, or only folders.", default=None)
    name_prefix: str | None = strawberry.field(
        description="How the name begins, whatever the case of its letters.", default=None
    )
    content_type_prefix: str | None = strawberry.field(
        description="How a file's media type begins, as in `image/`.", default=None
    )
    tags: list[str] | None = strawberry.field(description="Files that have all of these tags.", default=None)
    updated_from: datetime | None = strawberry.field(
        description="Last changed by a person at this moment or later.", default=None
    )
    updated_before: datetime | None = strawberry.field(
        description="Last changed by a person before this moment.", default=None
    )
    scan_status: ScanStatus | None = strawberry.field(
        description="Files whose current version's scan has come so far.", default=None
    )
    owner_id: strawberry.ID | None = strawberry.field(description="Only what this person owns.", default=None)
    in_trash: bool | None = strawberry.field(
        description="For `search` only: what you threw away, and what lies under it, in place of all the rest.",
        default=None,
    )


@strawberry.input(description="The order of a list; what is equal stands in the order of names.")
class ItemOrder:
    """Becomes `vaultstream.listing.ItemOrder`."""

    field: ItemOrderField = strawberry.field(description="By what.")
    direction: OrderDirection | None = strawberry.field(
        description="From which end; the least first where it is not given.", default=None
    )


Where = Annotated[ItemWhere | None, strawberry.argument(description="Which of them; all where it is not given.")]
OrderBy = Annotated[ItemOrder | None, strawberry.argument(description="In what order; by name where not given.")]


def where_of(given: ItemWhere | None) -> listing.ItemWhere:
    """The same as a noun; raises INVALID for what no item can be."""
    if given is None:
        return listing.EVERYTHING
    return listing.ItemWhere(
        kind=listing.ItemKind[given.kind.name] if given.kind else None,
        name_prefix=_short(given.name_prefix, NAME_CHARACTERS_MAX, "namePrefix"),
        content_type_prefix=_short(given.content_type_prefix, _TYPE_CHARACTERS_MAX, "contentTypePrefix"),
        tags=tags.lawful(given.tags or ()),
        updated_from=given.updated_from,
        updated_before=given.updated_before,
        scan_status=versions.ScanStatus[given.scan_status.name] if given.scan_status else None,
        owner_id=_owner(given.owner_id),
        in_trash=bool(given.in_trash),
    )


def where_in_folder(given: ItemWhere | None) -> listing.ItemWhere:
    """The same for what a folder holds: nothing of that lies in the trash by itself."""
    if given is not None and given.in_trash is not None:
        raise VaultError(Code.INVALID, "Only `search` looks into the trash.", path=("where", "inTrash"))
    return where_of(given)


def order_of(given: ItemOrder | None) -> listing.ItemOrder:
    """The same as a noun."""
    if given is None:
        return listing.BY_NAME
    field = listing.ItemOrderField[given.field.name]
    return listing.ItemOrder(field, descending=given.direction is OrderDirection.DESC)


def _owner(text: str | None) -> ids.UserId | None:
    if text is not None and ids.kind_of(text) != "user":
        raise VaultError(Code.INVALID, "It is the id of a person.", path=("where", "ownerId"))
    return ids.UserId(text) if text is not None else None


def _short(text: str | None, most: int, name: str) -> str | None:
    if text is not None and len(text) > most:
        raise VaultError(Code.INVALID, f"It has at most {most} characters.", path=("where", name))
    if text is not None and any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise VaultError(Code.INVALID, "It has no control characters.", path=("where", name))
    return text
