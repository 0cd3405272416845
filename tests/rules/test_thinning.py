"""Which versions stay: what people named, what is recent, and one of each day and week that had any."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vaultstream import ids, thinning
from vaultstream.ids import FileId, UserId
from vaultstream.thinning import Policy
from vaultstream.versions import Version

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
FILE = FileId(f"file_{ids.ulid(1, bytes(10))}")
USER = UserId(f"user_{ids.ulid(1, bytes(10))}")
DAY, MONTH, YEAR = timedelta(days=1), timedelta(days=30), timedelta(days=365)


def version(number: int, age: timedelta, label: str | None = None) -> Version:
    unique = ids.ulid(number, bytes(10))
    return Version(ids.version_id(FILE, unique), FILE, number, 1, "text/plain", USER, NOW - age, label=label)


def history(ages: list[tuple[int, bool]]) -> list[Version]:
    """Versions from these ages in hours, the oldest first, some of them labelled."""
    oldest_first = sorted(ages, reverse=True)
    return [
        version(number, timedelta(hours=hours), "named" if labelled else None)
        for number, (hours, labelled) in enumerate(oldest_first, 1)
    ]


HISTORIES = st.lists(st.tuples(st.integers(0, 24 * 500), st.booleans()), min_size=1, max_size=60).map(history)
POLICIES = st.builds(Policy, versions_max=st.integers(1, 60))


def kept(versions: list[Version], now: datetime, policy: Policy) -> list[Version]:
    gone = thinning.superfluous(versions, now, policy)
    return [each for each in versions if each not in gone]


@given(HISTORIES, POLICIES)
def test_the_current_version_and_named_ones_always_stay(versions: list[Version], policy: Policy) -> None:
    for gone in thinning.superfluous(versions, NOW, policy):
        assert gone is not versions[-1]
        assert gone.label is None


@given(HISTORIES, POLICIES)
def test_no_more_than_so_many_unnamed_older_ones_stay(versions: list[Version], policy: Policy) -> None:
    assert len(thinning.unlabelled(kept(versions, NOW, policy))) <= policy.versions_max


@given(HISTORIES)
def test_all_of_the_last_day_stay_and_each_day_and_week_keeps_one(versions: list[Version]) -> None:
    policy = Policy(versions_max=1000)
    staying, older = kept(versions, NOW, policy), thinning.unlabelled(versions)
    left = thinning.unlabelled(staying)
    for each in older:
        age = NOW - each.created_at
        if age < DAY:
            assert each in left
        elif age < MONTH:
            assert [other.created_at.date() for other in left].count(each.created_at.date()) >= 1
        elif age < YEAR:
            week = each.created_at.isocalendar()[:2]
            assert week in [other.created_at.isocalendar()[:2] for other in left]
        else:
            assert each not in left


@given(HISTORIES, POLICIES)
def test_to_thin_again_changes_nothing(versions: list[Version], policy: Policy) -> None:
    assert thinning.superfluous(kept(versions, NOW, policy), NOW, policy) == ()


@given(HISTORIES, st.lists(st.integers(0, 24 * 40), max_size=6))
def test_however_often_it_is_thinned_each_recent_day_keeps_one(versions: list[Version], pauses: list[int]) -> None:
    """Thinning bit by bit, as time goes on, must not lose a day that thinning once would have kept."""
    policy, now, staying = Policy(versions_max=1000), NOW, versions
    for hours in pauses:
        now += timedelta(hours=hours)
        staying = kept(staying, now, policy)
    now += timedelta(hours=1)
    days = {each.created_at.date() for each in thinning.unlabelled(versions) if now - each.created_at < MONTH}
    left = {each.created_at.date() for each in thinning.unlabelled(kept(staying, now, policy))}
    assert days <= left


def test_it_reads_as_the_policy_says() -> None:
    ages = [400, 200, 199, 60, 40, 20, 20, 3, 3, 0, 0]
    versions = [version(number, age * DAY + timedelta(minutes=-number)) for number, age in enumerate(ages, 1)]
    gone = thinning.superfluous(versions, NOW, Policy(versions_max=100))
    assert [each.number for each in gone] == [8, 6, 2, 1]
    assert [each.number for each in thinning.superfluous(versions, NOW, Policy(versions_max=2))] == [
        8,
        7,
        6,
        5,
        4,
        3,
        2,
        1,
    ]
