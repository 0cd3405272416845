"""Relay connections: `first` and `after` in, edges and PageInfo out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, NamedTuple, TypeVar

import strawberry

from vaultstream import cursors
from vaultstream.errors import Code, VaultError
from vaultstream.gql.limits import PAGE_MAX

_T = TypeVar("_T")

First = Annotated[int, strawberry.argument(description="How many at most: 1 to 100.")]
After = Annotated[
    str | None, strawberry.argument(description="The cursor after which the page begins; none for the first page.")
]


@dataclass(frozen=True, slots=True)
class Turn:
    """A lawful request for a page."""

    first: int
    after: str | None


def turn(first: int, after: str | None, *, prefix: str) -> Turn:
    """The page that is asked for; raises INVALID for a size out of bounds, or a cursor of no list of this kind."""
    if not 1 <= first <= PAGE_MAX:
        raise VaultError(Code.INVALID, f"Ask for 1 to {PAGE_MAX} at a time.", path=("first",))
    if after is not None:
        cursors.decode(after, prefix=prefix)
    return Turn(first, after)


class Entry(NamedTuple, Generic[_T]):
    """One noun of a page and where it stands."""

    node: _T
    cursor: str


@dataclass(frozen=True, slots=True)
class Around:
    """What lies before and after a page."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Listing(Generic[_T]):
    """A page as the connection types read it."""

    edges: list[Entry[_T]]
    page_info: Around


def listing(
    nodes: Sequence[_T], places: Sequence[str], asked: Turn, *, has_next: bool, end: str | None = None
) -> Listing[_T]:
    """A page of nouns with the cursor of each; `end` is where to go on, if that is not after the last of them."""
    edges = [Entry(node, cursor) for node, cursor in zip(nodes, places, strict=True)]
    ends = (places[0], end or places[-1]) if places else (None, end)
    return Listing(edges, Around(has_next, asked.after is not None, *ends))


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item here.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last: `after` for the next page.")
