"""Playing the log back: parts of it say as much as all of it, and what it cannot say is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from vaultstream.events import Event, EventName
from vaultstream.exposure import Could, Present, could
from vaultstream.exposure_facts import TELLING, Way
from vaultstream.ids import FolderId, UserId, link_id, share_id
from vaultstream.shares import Role

START = datetime(2026, 5, 1, tzinfo=UTC)
ULIDS = [f"01J{number:023d}" for number in range(6)]
FOLDERS = [FolderId(f"folder_{unique}") for unique in ULIDS[:3]]
ITEM, OWNER, GUEST = FOLDERS[0], f"user_{ULIDS[4]}", UserId(f"user_{ULIDS[5]}")
SHARES = [share_id(folder, GUEST) for folder in FOLDERS]
LINKS = [link_id(folder, ULIDS[3]) for folder in FOLDERS]


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def event(name: EventName, item: str, **details: object) -> Event:
    return Event("", name, START, OWNER, "req", item_id=item, details=details)


MINUTES = st.integers(0, 30)
ENDS = st.one_of(st.none(), MINUTES.map(lambda number: minute(number).isoformat()))


@st.composite
def deeds(draw: st.DrawFn) -> Event:
    at = draw(st.integers(0, 2))
    folder, others = FOLDERS[at], [each for each in FOLDERS if each != FOLDERS[at]]
    shared = {"share_id": SHARES[at], "role": draw(st.sampled_from(["VIEWER", "EDITOR"])), "expires_at": draw(ENDS)}
    linked = {"link_id": LINKS[at], "starts_at": draw(ENDS), "expires_at": draw(ENDS), "view_only": draw(st.booleans())}
    name = draw(
        st.sampled_from(sorted(name for name in TELLING if name.startswith(("folder.", "share.", "link.", "token."))))
    )
    told = {"share": shared, "link": linked, "token": {"token_id": f"token_{ULIDS[at]}"}}.get(name.partition(".")[0])
    places = {"from_id": draw(st.sampled_from(others)), "parent_id": draw(st.sampled_from(others))}
    return event(name, folder, **(places if told is None else told))


HISTORIES = st.lists(deeds(), max_size=30).map(
    lambda found: [replace(one, at=minute(number)) for one, number in zip(found, count(), strict=False)]
)


def around(events: list[Event], since: datetime, until: datetime) -> list[Event]:
    """The last of each name and thing before, all within, and the first after: what the log is asked for."""
    before, after = dict[object, Event](), dict[object, Event]()
    for one in events:
        things = (one.details.get(f"{noun}_id") for noun in ("share", "link", "token"))
        key = one.item_id, one.name, *things
        if one.at < since:
            before[key] = one
        elif one.at >= until:
            after.setdefault(key, one)
    within = [one for one in events if since <= one.at < until]
    return sorted([*before.values(), *within, *after.values()], key=lambda one: one.at)


def played(events: list[Event], since: datetime, until: datetime) -> Could:
    return could(ITEM, OWNER, events, Present(), since, until)


@given(HISTORIES, MINUTES, MINUTES)
def test_what_is_told_around_a_time_is_as_good_as_the_whole_log(events: list[Event], one: int, other: int) -> None:
    since, until = minute(min(one, other)), minute(max(one, other) + 1)
    assert played(around(events, since, until), since, until).spans == played(events, since, until).spans


@given(HISTORIES, MINUTES, MINUTES)
def test_a_part_of_the_time_has_that_part_of_the_report(events: list[Event], one: int, other: int) -> None:
    whole = played(events, START, minute(60)).spans
    since, until = minute(min(one, other)), minute(max(one, other) + 1)
    cut = (replace(span, since=max(span.since, since), until=min(span.until, until)) for span in whole)
    told = played(events, since, until).spans
    assert sorted(map(str, told)) == sorted(str(span) for span in cut if span.since < span.until)
    assert all(since <= span.since < span.until <= until for span in told)


def test_what_the_first_record_of_a_thing_tells_was_so_before_it() -> None:
    taken = event(EventName.SHARE_REVOKED, ITEM, share_id=SHARES[0], role="EDITOR", expires_at=None)
    span = next(
        one
        for one in played(
            [
                taken,
            ],
            minute(-9),
            minute(9),
        ).spans
        if one.given.way is Way.SHARE
    )
    assert (span.given.role, span.since, span.until) == (Role.EDITOR, minute(-9), START)


def test_a_record_that_does_not_say_from_where_something_was_moved_leaves_what_was_before_unknown() -> None:
    moved = event(EventName.FOLDER_MOVED, ITEM, parent_id=FOLDERS[1])
    assert played([moved], minute(-9), minute(9)).known_since == START
    again = replace(moved, at=minute(1), details={**moved.details, "from_id": FOLDERS[2]})
    assert played([again], minute(-9), minute(9)).known_since is None
    assert played([again, replace(moved, at=minute(2))], minute(-9), minute(9)).known_since is None
