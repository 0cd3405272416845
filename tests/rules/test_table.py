"""Key builders: different things never share a key, and keys sort as their numbers and times do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vaultstream import table
from vaultstream.adapters.records.moments import moment, time_of
from vaultstream.ids import FileId, file_of, kind_of, ulid, ulid_milliseconds, version_id

IDS = st.builds(ulid, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(IDS, st.text(max_size=50), st.integers(1, 10**9))
def test_different_nouns_never_share_a_key(unique: str, name: str, number: int) -> None:
    keys = [
        table.user(unique),
        table.email_claim(unique),
        table.folder(unique),
        table.entry(unique, name),
        table.file(unique),
        table.version(unique, number),
        table.upload(unique),
        table.upload_part(unique, min(number, 10_000)),
        table.outbox(unique),
        table.once(unique, name),
    ]
    assert len(set(keys)) == len(keys)


@given(st.text(max_size=50), st.text(max_size=50), IDS)
def test_two_names_share_an_entry_only_if_they_are_equal(one: str, other: str, parent: str) -> None:
    assert (table.entry(parent, one) == table.entry(parent, other)) == (one == other)


@given(st.text(max_size=50), IDS)
def test_every_entry_sorts_between_its_bounds(name: str, parent: str) -> None:
    assert table.folder(parent).sk < table.entry(parent, name).sk
    assert table.entry(parent, name).sk.encode() < table.ENTRY_END.encode()


@given(st.integers(1, 10**10 - 1), st.integers(1, 10**10 - 1), IDS)
def test_versions_sort_by_number(one: int, other: int, file_id: str) -> None:
    keys = table.version(file_id, one).sk, table.version(file_id, other).sk
    assert (keys[0] < keys[1]) == (one < other)
    assert table.file(file_id).sk < keys[0] < table.VERSION_END


@given(TIMES, TIMES)
def test_moments_sort_as_times_and_come_back_equal(one: datetime, other: datetime) -> None:
    assert (moment(one) < moment(other)) == (one < other)
    assert time_of(moment(one)) == one


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_time_and_tell_it(milliseconds: int, one: bytes, other: bytes) -> None:
    assert ulid(milliseconds, one) < ulid(milliseconds + 1, other)
    assert ulid_milliseconds(ulid(milliseconds, one)) == milliseconds


@given(IDS, IDS)
def test_a_version_id_names_its_file(file_ulid: str, unique: str) -> None:
    file_id = FileId(f"file_{file_ulid}")
    version = version_id(file_id, unique)
    assert file_of(version) == file_id
    assert (kind_of(version), kind_of(file_id)) == ("version", "file")


@given(st.text(max_size=60))
def test_garbage_names_no_noun_unless_well_formed(text: str) -> None:
    kind = kind_of(text)
    assert kind is None or text.startswith(f"{kind}_")


@given(IDS)
def test_due_and_outbox_shards_are_among_those_that_are_read(unique: str) -> None:
    assert table.outbox(unique).pk in table.outbox_shards()
    assert table.due_shard("VERSION", unique) in table.due_shards("VERSION")


def test_a_day_of_moments_has_one_width() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({len(moment(start + timedelta(microseconds=n * 999_983))) for n in range(1000)}) == 1
