"""Who could read an item between two moments: what the audit log tells of places and grants, played back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from operator import attrgetter

from vaultstream.events import Event
from vaultstream.exposure_facts import MOVING, Course, Given, Way, been, courses, granted, moments, placed, thrown
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId
from vaultstream.links import ShareLink
from vaultstream.shares import Role, Share


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody could read the item in one way, from `since` until just before `until`."""

    given: Given
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Present:
    """What the table has of some items, their shares and links: it stands in for what the log does not tell."""

    items: Mapping[str, Folder | File] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    links: tuple[ShareLink, ...] = ()

    def with_more(self, more: "Present") -> "Present":
        """Of other items too."""
        return Present({**self.items, **more.items}, self.shares + more.shares, self.links + more.links)


@dataclass(frozen=True, slots=True)
class Could:
    """Who could read the item; `known_since` where the log does not tell where something was before."""

    spans: tuple[Span, ...]
    known_since: datetime | None


def could(
    item_id: str, owner_id: str, events: Sequence[Event], present: Present, since: datetime, until: datetime
) -> Could:
    """Who could read an item between two moments, whatever a scan said of it.

    `events` are those of `TELLING`, in their order, of the item and of all that was above it in that time: at least
    the last of each name and thing before `since`, all until `until`, and the first after. What the first of them
    tells was so before it.
    """
    stretches = list(_stretches(item_id, events, present, since, until))
    shown, anywhere = _reach(one for one in stretches if not one.in_trash), _reach(stretches)
    owned = Given(Way.OWNER, owner_id, Role.OWNER, item_id)
    spans = [Span(owned, *time) for time in anywhere.get(item_id, ())]
    tokens: list[Span] = []
    for course in _grants(events, present).values():
        for given, start, end in course.within(since, until):
            if given is not None:
                is_token = given.way is Way.TOKEN
                times = (anywhere if is_token else shown).get(given.item_id, ())
                (tokens if is_token else spans).extend(_counting(given, start, end, times))
    spans += [both for token in tokens for span in spans for both in _together(token, span)]
    return Could(_joined(spans), _known_since(events))


def parents(events: Iterable[Event], present: Present) -> set[ItemId]:
    """Every folder in which any of the items was, as far as these tell."""
    told = (fact for event in events if (fact := placed(event)) is not None)
    found = {parent for _, *both in told for parent in both} | {it.parent_id for it in present.items.values()}
    return {FolderId(parent) for parent in found if parent is not None}


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time in which the item was there, and neither it nor anything above it was moved, thrown away or restored."""

    since: datetime
    until: datetime
    places: tuple[str, ...]
    in_trash: bool


def _stretches(
    item_id: str, events: Sequence[Event], present: Present, since: datetime, until: datetime
) -> Iterator[_Stretch]:
    items = present.items.items()
    places: dict[str, Course[str | None]] = {key: Course(it.parent_id) for key, it in items}
    places |= courses(events, placed)
    trashed = {key: Course(False, ((it.trashed_at, True),)) for key, it in items if it.trashed_at is not None}
    trashed |= courses(events, thrown)
    being = {key: Course(False, ((it.created_at, True),)) for key, it in items} | courses(events, been)
    there = being.get(item_id, Course(True))
    for start, end in pairwise(moments([*places.values(), *trashed.values(), there], since, until)):
        if there.at(start):
            way = tuple(_way(item_id, places, start))
            yield _Stretch(start, end, way, any(it in trashed and trashed[it].at(start) for it in way))


def _way(item_id: str | None, places: Mapping[str, Course[str | None]], moment: datetime) -> Iterator[str]:
    """The item and all that was above it; a move on its way through the log may look like a circle."""
    seen: set[str] = set()
    while item_id is not None and item_id not in seen:
        yield item_id
        seen.add(item_id)
        item_id = places[item_id].at(moment) if item_id in places else None


def _reach(stretches: Iterable[_Stretch]) -> dict[str, list[tuple[datetime, datetime]]]:
    """For each folder the times when the item lay in it, at any depth."""
    reach: dict[str, list[tuple[datetime, datetime]]] = {}
    for stretch in stretches:
        for place in stretch.places:
            times = reach.setdefault(place, [])
            begun = times.pop()[0] if times and times[-1][1] == stretch.since else stretch.since
            times.append((begun, stretch.until))
    return reach


def _grants(events: Sequence[Event], present: Present) -> dict[str, Course[Given | None]]:
    grants: dict[str, Course[Given | None]] = {}
    for share in present.shares:
        given = Given(Way.SHARE, share.grantee_id, share.role, share.item_id, expires_at=share.expires_at)
        grants[share.id] = Course(None, ((share.created_at, given),))
    for link in present.links:
        terms, over = link.terms, ((link.revoked_at, None),) if link.revoked_at else ()
        given = Given(
            Way.LINK, link.id, terms.role, link.item_id, terms.starts_at, terms.expires_at, view_only=terms.view_only
        )
        grants[link.id] = Course(None, ((link.created_at, given), *over))
    return grants | courses(events, granted)


def _counting(
    given: Given, since: datetime, until: datetime, times: Iterable[tuple[datetime, datetime]]
) -> Iterator[Span]:
    """What of these times it was good for, by its own bounds too."""
    since, until = max(since, given.starts_at or since), min(until, given.expires_at or until)
    unbounded = replace(given, starts_at=None, expires_at=None)
    for start, end in times:
        if max(since, start) < min(until, end):
            yield Span(unbounded, max(since, start), min(until, end))


def _together(token: Span, span: Span) -> Iterator[Span]:
    """What a program could read is what its person could."""
    since, until = max(token.since, span.since), min(token.until, span.until)
    if token.given.holder == span.given.holder and since < until:
        yield Span(replace(token.given, role=span.given.role), since, until)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """What follows on its like as one; the first comes first."""
    alike: dict[Given, list[Span]] = {}
    for span in sorted(spans, key=attrgetter("since")):
        times = alike.setdefault(span.given, [])
        before = times.pop() if times and span.since <= times[-1].until else span
        times.append(replace(before, until=max(before.until, span.until)))
    return tuple(sorted((span for times in alike.values() for span in times), key=attrgetter("since")))


def _known_since(events: Sequence[Event]) -> datetime | None:
    """Records of earlier releases do not say from where something was moved."""
    first: dict[str, Event] = {}
    for event in events:
        if (fact := placed(event)) is not None:
            first.setdefault(fact[0], event)
    return max((one.at for one in first.values() if one.name in MOVING and "from_id" not in one.details), default=None)
