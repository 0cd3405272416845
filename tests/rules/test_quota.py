"""Quota arithmetic: bytes move between kinds, none is made or lost, whatever order uploads end in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import quota
from vaultstream.quota import QuotaChange
from vaultstream.users import Storage

SIZES = st.integers(0, 2**50)


def applied(storage: Storage, change: QuotaChange) -> Storage:
    return Storage(
        storage.quota_bytes,
        storage.live_bytes + change.live_bytes,
        storage.version_bytes + change.version_bytes,
        storage.trash_bytes + change.trash_bytes,
        storage.reserved_bytes + change.reserved_bytes,
    )


@given(SIZES, SIZES, SIZES)
def test_what_a_change_takes_from_what_is_left_it_gives_elsewhere(reserved: int, stored: int, replaced: int) -> None:
    before = Storage(2**60)
    for change in (quota.reserve(reserved), quota.release(reserved), quota.settle(reserved, stored, replaced)):
        assert applied(before, change).left_bytes == before.left_bytes + change.left_bytes


@given(SIZES)
def test_a_released_reservation_leaves_nothing_behind(size: int) -> None:
    assert quota.reserve(size) + quota.release(size) == QuotaChange()


@given(st.lists(SIZES, max_size=20))
def test_versions_of_one_file_end_as_one_live_and_the_rest_old(sizes: list[int]) -> None:
    storage, current = Storage(2**60), 0
    for size in sizes:
        storage = applied(storage, quota.reserve(size))
        storage = applied(storage, quota.settle(size, size, current))
        current = size
    assert storage == Storage(2**60, live_bytes=current, version_bytes=sum(sizes) - current)


@given(st.integers(min_value=1))
def test_a_change_that_makes_bytes_cannot_be_built(size: int) -> None:
    with pytest.raises(ValueError, match="makes none"):
        QuotaChange(live_bytes=size)
