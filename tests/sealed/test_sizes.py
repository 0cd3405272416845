"""Sizes and spans: arithmetic that must agree with the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.sealed import (
    FRAME_BYTES,
    MAX_PARTS,
    MIN_PART_FRAMES,
    PART_FRAMES,
    SealedError,
    body_size,
    frame_span,
    part_frames,
    plain_size,
    whole_span,
)

PETABYTE = 10**15
LARGEST = (2**32 - 2) * FRAME_BYTES - 1
STRIDE = FRAME_BYTES + 32


@given(st.integers(0, LARGEST))
def test_the_plaintext_size_comes_back_from_the_body_size(plain_bytes):
    assert plain_size(body_size(plain_bytes)) == plain_bytes


@given(st.integers(-100, PETABYTE), st.integers(1, 1000))
def test_a_body_size_has_a_plaintext_size_exactly_when_a_lawful_writer_makes_it(body_bytes, frame_bytes):
    try:
        plain_bytes = plain_size(body_bytes, frame_bytes)
    except SealedError:
        whole, rest = divmod(body_bytes - 40, frame_bytes + 32)
        assert not 0 <= whole < 2**32 - 2 or rest > frame_bytes
    else:
        full_final = body_size(plain_bytes, frame_bytes) - 32
        exact_multiple = plain_bytes > 0 and plain_bytes % frame_bytes == 0
        assert body_bytes == body_size(plain_bytes, frame_bytes) or (exact_multiple and body_bytes == full_final)


@pytest.mark.parametrize("body_bytes", [-1, 0, 39, 40 + FRAME_BYTES + 1, 40 + STRIDE - 1])
def test_a_size_between_lawful_ones_is_refused(body_bytes):
    with pytest.raises(SealedError):
        plain_size(body_bytes)


def test_known_sizes():
    assert [body_size(size) for size in (0, 1, FRAME_BYTES, FRAME_BYTES + 1)] == [40, 41, 65_608, 65_609]


@pytest.mark.parametrize("plain_bytes", [-1, LARGEST + 1])
def test_what_cannot_be_numbered_has_no_size(plain_bytes):
    with pytest.raises(SealedError):
        body_size(plain_bytes)


def test_the_largest_file_has_a_size():
    assert plain_size(body_size(LARGEST)) == LARGEST


@given(st.data(), st.integers(1, 10**6), st.integers(1, 1000))
def test_a_span_holds_its_range_and_no_frame_more_than_the_end_needs(data, plain_bytes, frame_bytes):
    first = data.draw(st.integers(0, plain_bytes - 1))
    last = data.draw(st.integers(first, plain_bytes - 1))
    span = frame_span(first, last, plain_bytes, frame_bytes)
    assert span.first_frame == first // frame_bytes
    assert span.body_start == span.first_frame * (frame_bytes + 32)
    reaches_end = plain_bytes % frame_bytes == 0 and last >= plain_bytes - frame_bytes
    assert span.last_frame == last // frame_bytes + reaches_end
    if span.last_frame == plain_bytes // frame_bytes:
        assert span.body_stop == body_size(plain_bytes, frame_bytes)
    else:
        assert span.body_stop == (span.last_frame + 1) * (frame_bytes + 32)


@given(st.integers(1, 10**7), st.integers(1, 1000))
def test_the_span_of_all_bytes_is_the_whole_span(plain_bytes, frame_bytes):
    assert frame_span(0, plain_bytes - 1, plain_bytes, frame_bytes) == whole_span(plain_bytes, frame_bytes)


def test_an_empty_file_has_its_final_frame():
    assert whole_span(0) == (0, 0, 0, 40)


@pytest.mark.parametrize(("first", "last", "size"), [(0, 0, 0), (-1, 0, 5), (3, 2, 5), (0, 5, 5)])
def test_a_range_outside_the_file_is_a_bug_of_the_caller(first, last, size):
    with pytest.raises(ValueError):
        frame_span(first, last, size)


@given(st.one_of(st.none(), st.integers(0, 100 * 10**12)))
def test_parts_are_large_enough_for_s3_and_few_enough(plain_bytes):
    frames = part_frames(plain_bytes)
    assert frames >= PART_FRAMES >= MIN_PART_FRAMES
    if plain_bytes is not None:
        assert -(-body_size(plain_bytes) // (frames * STRIDE)) <= MAX_PARTS
        whole_frames = plain_bytes // FRAME_BYTES
        assert whole_frames // frames + 1 <= MAX_PARTS


def test_part_sizes_are_the_ones_s3_was_measured_against():
    assert MIN_PART_FRAMES * STRIDE == 5_245_440
    assert MIN_PART_FRAMES * STRIDE >= 5 * 2**20 > (MIN_PART_FRAMES - 1) * STRIDE
    assert PART_FRAMES * STRIDE == 8_392_704


def test_parts_grow_only_where_ten_thousand_would_not_suffice():
    last_of_the_rule = PART_FRAMES * MAX_PARTS * FRAME_BYTES - 1
    assert part_frames(last_of_the_rule) == PART_FRAMES
    assert part_frames(last_of_the_rule + 1) == PART_FRAMES + 1
