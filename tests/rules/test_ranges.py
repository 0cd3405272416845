"""A Range header selects bytes by RFC 9110, whatever is in it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaultstream.http.ranges import Selected, Selection, select, whole

sizes = st.integers(0, 10**15)
numbers = st.integers(0, 10**25)


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-499", 0, 500),
        ("bytes=500-999", 500, 1000),
        ("bytes=-500", 9500, 10000),
        ("bytes=9500-", 9500, 10000),
        ("bytes=-1", 9999, 10000),
        ("bytes=-99999", 0, 10000),
        ("bytes=0-", 0, 10000),
        ("bytes=9999-99999999999999999999999999", 9999, 10000),
        ("BYTES=0-0", 0, 1),
        ("bytes= 1-2", 1, 3),
        ("bytes=,1-2 ,", 1, 3),
        ("bytes=00000000000000000000000000001-2", 1, 3),
        ("bytes=10000-, 1-2", 1, 3),  # of two, the one that can be met
    ],
)
def test_the_part_asked_for_is_the_part_sent(header, start, stop):
    assert select(header, 10000) == Selection(Selected.PART, start, stop, 10000)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=a-b",
        "bytes=1",
        "bytes=--1",
        "bytes=5-4",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=²-³",
        "bytes=+1-2",
        "bytes=1 -2",
        "bytes=0-1;2-3",
        "bytes =0-1",
        "lines=0-1",
        "bytes=0-1,x",
        "bytes=0-1,5-6",
    ],
)
def test_what_is_unknown_malformed_or_more_than_one_part_gets_all(header):
    assert select(header, 10000) == whole(10000)


@pytest.mark.parametrize(
    "header", ["bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=-0,20000-", "bytes=99999999999999999999-"]
)
def test_what_lies_past_the_end_gets_nothing_and_the_size(header):
    selection = select(header, 10000)
    assert (selection.selected, selection.content_range) == (Selected.NOTHING, "bytes */10000")


def test_of_an_empty_content_a_suffix_is_all_and_a_first_byte_is_past_the_end():
    assert select("bytes=-5", 0) == whole(0)
    assert select("bytes=0-", 0).selected is Selected.NOTHING
    assert select("bytes=0-0", 0).selected is Selected.NOTHING


@given(header=st.text(max_size=60) | st.text("bytes=0123456789-, ", max_size=60).map("bytes=".__add__), size=sizes)
def test_no_header_breaks_it_and_no_selection_leaves_the_content(header, size):
    selection = select(header, size)
    assert selection.size_bytes == size
    if selection.selected is Selected.PART:
        assert 0 <= selection.start < selection.stop <= size
        assert selection.content_range == f"bytes {selection.start}-{selection.stop - 1}/{size}"
    elif selection.selected is Selected.WHOLE:
        assert (selection.start, selection.stop, selection.content_range) == (0, size, None)
    else:
        assert selection.start == selection.stop


@example(first=10**18 + 1, last=10**18, size=1)
@given(first=numbers, last=numbers, size=sizes)
def test_a_range_means_what_a_slice_means(first, last, size):
    selection = select(f"bytes={first}-{last}", size)
    wanted = range(size)[first : last + 1] if first <= last else range(size)
    if first <= last and not wanted:
        assert selection.selected is Selected.NOTHING
    else:
        assert range(size)[selection.start : selection.stop] == wanted


@given(length=numbers, size=sizes)
def test_a_suffix_means_what_a_negative_slice_means(length, size):
    selection = select(f"bytes=-{length}", size)
    if length == 0:
        assert selection.selected is Selected.NOTHING
    else:
        assert range(size)[selection.start : selection.stop] == range(size)[-length:]
