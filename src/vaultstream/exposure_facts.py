"""What the audit log's events tell of who could read what: where items were, and what was given to whom, when."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from operator import itemgetter
from typing import Generic, TypeVar

from vaultstream.events import Event, EventName
from vaultstream.ids import LinkId, ShareId, grantee_of, linked_item, shared_item
from vaultstream.shares import Role

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAKING = frozenset({EventName.USER_CREATED, EventName.FOLDER_CREATED, EventName.VERSION_STORED})
_PURGING = frozenset({EventName.FOLDER_PURGED, EventName.FILE_PURGED})
_TRASHING = frozenset({EventName.FOLDER_TRASHED, EventName.FILE_TRASHED})
_RESTORING = frozenset({EventName.FOLDER_RESTORED, EventName.FILE_RESTORED})
MOVING = frozenset({EventName.FOLDER_MOVED, EventName.FILE_MOVED}) | _RESTORING
_GIVING = frozenset({EventName.SHARE_GRANTED, EventName.LINK_CREATED, EventName.TOKEN_CREATED})
_CHANGING = frozenset({EventName.SHARE_UPDATED, EventName.LINK_UPDATED})
_TAKING = frozenset({EventName.SHARE_REVOKED, EventName.SHARE_EXPIRED, EventName.LINK_REVOKED, EventName.TOKEN_REVOKED})
# The deeds that change who can read what.
TELLING = _MAKING | _PURGING | _TRASHING | MOVING | _GIVING | _CHANGING | _TAKING


class Way(StrEnum):
    """By what somebody could read an item."""

    OWNER = "OWNER"
    SHARE = "SHARE"
    LINK = "LINK"
    TOKEN = "TOKEN"  # noqa: S105  # a way, and no secret


@dataclass(frozen=True, slots=True)
class Given:
    """What a share, a link or a token gives while nobody changes it, and what an owner has.

    `holder` is a person or a link, `token_id` that of a program of the person's; `item_id` is where it was given.
    `view_only` gives names and pictures, and no contents.
    """

    way: Way
    holder: str
    role: Role
    item_id: str
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    token_id: str | None = None
    view_only: bool = False


@dataclass(frozen=True, slots=True)
class Course(Generic[T_co]):
    """What something was over the time: `first`, until the first change."""

    first: T_co
    changes: tuple[tuple[datetime, T_co], ...] = ()

    def at(self, moment: datetime) -> T_co:
        """As it was then."""
        place = bisect_right(self.changes, moment, key=itemgetter(0))
        return self.changes[place - 1][1] if place else self.first

    def within(self, since: datetime, until: datetime) -> Iterator[tuple[T_co, datetime, datetime]]:
        """All that it was between two moments, each with its time."""
        for start, end in pairwise(moments([self], since, until)):
            yield self.at(start), start, end


def moments(told: Iterable[Course[object]], since: datetime, until: datetime) -> list[datetime]:
    """When any of it changed between two moments, and these."""
    inner = {at for course in told for at, _ in course.changes if since < at < until}
    return sorted({since, *inner, until})


Fact = tuple[str, T, T] | None  # of what; what it was until then, and what from then on


def courses(events: Iterable[Event], read: Callable[[Event], Fact[T]]) -> dict[str, Course[T]]:
    """The course of each thing of which these tell, in their order; what the first tells was so before it."""
    told: dict[str, tuple[T, list[tuple[datetime, T]]]] = {}
    for event in events:
        if (fact := read(event)) is not None:
            thing, before, after = fact
            told.setdefault(thing, (before, []))[1].append((event.at, after))
    return {thing: Course(first, tuple(changes)) for thing, (first, changes) in told.items()}


def _is_making(event: Event) -> bool:
    return event.name in _MAKING and event.version_number in {None, 1}


def placed(event: Event) -> Fact[str | None]:
    """In which folder an item was."""
    if event.item_id is None or "parent_id" not in event.details or not (event.name in MOVING or _is_making(event)):
        return None
    return event.item_id, event.details.get("from_id"), event.details["parent_id"]


def thrown(event: Event) -> Fact[bool]:
    """Whether it was in the trash by itself."""
    if event.item_id is None or event.name not in _TRASHING | _RESTORING:
        return None
    return event.item_id, event.name in _RESTORING, event.name in _TRASHING


def been(event: Event) -> Fact[bool]:
    """Whether it was there at all."""
    if event.item_id is None or not (event.name in _PURGING or _is_making(event)):
        return None
    return event.item_id, event.name in _PURGING, event.name not in _PURGING


def granted(event: Event) -> Fact[Given | None]:
    """What a share, a link, or a token that is bound to a folder gave."""
    if event.item_id is None or event.name not in _GIVING | _CHANGING | _TAKING:
        return None
    thing: str = event.details[f"{event.name.partition('.')[0]}_id"]
    given = _given(event, thing)
    return thing, None if event.name in _GIVING else given, None if event.name in _TAKING else given


def _given(event: Event, thing: str) -> Given:
    details = event.details
    starts_at, expires_at = (_moment(details.get(name)) for name in ("starts_at", "expires_at"))
    if thing.startswith("share_"):
        share_id, role = ShareId(thing), Role[details.get("role", Role.VIEWER.name)]
        return Given(Way.SHARE, grantee_of(share_id), role, shared_item(share_id), expires_at=expires_at)
    if thing.startswith("link_"):
        seen_only = details.get("view_only", False)
        place = linked_item(LinkId(thing))
        return Given(Way.LINK, thing, Role.VIEWER, place, starts_at, expires_at, view_only=seen_only)
    folder_id = event.item_id or ""
    return Given(Way.TOKEN, event.subject, Role.VIEWER, folder_id, expires_at=expires_at, token_id=thing)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
