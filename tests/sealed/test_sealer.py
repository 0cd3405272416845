"""The sealer: parts, state, resuming from a tail, and the order of things it insists on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.sealed import (
    DataKey,
    Part,
    SealedError,
    Sealer,
    body_size,
    derive,
    open_tail,
    seal_tail,
)

FRAME = 16
STRIDE = FRAME + 32
KEY = derive(DataKey(bytes(range(32))), bytes(range(32)), FRAME)
PLAIN = bytes(range(256)) * 2


def test_parts_are_whole_frames_and_say_the_state_after_them():
    sealer = Sealer(KEY, 0, part_frames=2)
    parts = sealer.update(PLAIN[: 5 * FRAME + 3])
    assert [(len(part.ciphertext), part.next_seq, part.offset) for part in parts] == [
        (2 * STRIDE, 3, 2 * FRAME),
        (2 * STRIDE, 5, 4 * FRAME),
    ]
    assert (sealer.next_seq, sealer.held_frames, sealer.offset) == (6, 1, 5 * FRAME + 3)
    last = sealer.finish()
    assert (len(last.ciphertext), last.next_seq, last.offset) == (STRIDE + 43, 7, 5 * FRAME + 3)


def test_an_exact_multiple_ends_in_an_empty_final_frame():
    sealer = Sealer(KEY, 0, part_frames=2)
    assert len(sealer.update(PLAIN[: 2 * FRAME])) == 1
    assert sealer.held_frames == 0
    assert len(sealer.finish().ciphertext) == 40


def test_a_long_final_frame_fits_beside_a_nearly_full_part(codec):
    plain = PLAIN[: 2 * FRAME - 1]
    sealer = Sealer(KEY, 0, part_frames=2)
    assert sealer.update(plain) == []
    assert codec.open(KEY, len(plain), [sealer.finish().ciphertext]) == plain


def test_a_part_once_given_is_never_touched_again():
    sealer = Sealer(KEY, 0, part_frames=1)
    (first,) = sealer.update(PLAIN[:FRAME])
    before = bytes(first.ciphertext)
    sealer.update(PLAIN[FRAME : 4 * FRAME])
    sealer.finish()
    assert first.ciphertext == before


@given(st.lists(st.integers(0, 5 * FRAME), max_size=5), st.integers(1, 3))
def test_recycled_memory_changes_nothing(codec, sizes, part_frames):
    chunks = [PLAIN[:size] for size in sizes]
    sealer, body = Sealer(KEY, 0, part_frames=part_frames), b""
    for chunk in chunks:
        for part in sealer.update(chunk):
            body += part.ciphertext
            sealer.recycle(part)
    assert body + sealer.finish().ciphertext == codec.seal(KEY, chunks)


def test_recycled_memory_is_used_again():
    sealer = Sealer(KEY, 0, part_frames=1)
    (first,) = sealer.update(PLAIN[:FRAME])
    sealer.recycle(first)
    (second,) = sealer.update(PLAIN[:FRAME])
    assert second.ciphertext is first.ciphertext


def test_memory_given_back_twice_is_used_once():
    sealer = Sealer(KEY, 0, part_frames=2)
    (first,) = sealer.update(PLAIN[: 2 * FRAME])
    sealer.recycle(first)
    assert sealer.update(PLAIN[:FRAME]) == []
    sealer.recycle(first)
    (second,) = sealer.update(PLAIN[:FRAME])
    (third,) = sealer.update(PLAIN[: 2 * FRAME])
    assert second.ciphertext is first.ciphertext
    assert third.ciphertext is not second.ciphertext


def test_memory_of_another_size_is_not_taken():
    sealer = Sealer(KEY, 0, part_frames=1)
    sealer.recycle(Part(bytearray(3), 1, 0))
    assert len(sealer.update(PLAIN[:FRAME])[0].ciphertext) == STRIDE


@given(st.lists(st.integers(0, 70), min_size=1, max_size=8), st.integers(1, 4))
def test_an_upload_in_many_epochs_opens_as_one_file(codec, sizes, part_frames):
    sealer, plain, body = Sealer(KEY, 0, part_frames=part_frames), b"", b""
    for epoch, size in enumerate(sizes, 1):
        chunk = PLAIN[epoch : epoch + size]
        plain += chunk
        body += b"".join(part.ciphertext for part in sealer.update(chunk))
        offset = sealer.offset
        assert offset == len(plain)
        tail = sealer.tail()
        assert sealer.offset == offset
        sealer = Sealer.resume(KEY, epoch, tail, tail_epoch=epoch - 1, offset=offset, part_frames=part_frames)
    body += sealer.finish().ciphertext
    assert len(body) == body_size(len(plain), FRAME)
    assert codec.open(KEY, len(plain), [body]) == plain


def test_smaller_parts_than_the_held_frames_are_made_up_for(codec):
    first = Sealer(KEY, 0, part_frames=8)
    assert first.update(PLAIN[: 5 * FRAME]) == []
    second = Sealer.resume(KEY, 1, first.tail(), tail_epoch=0, offset=5 * FRAME, part_frames=2)
    (part,) = second.update(PLAIN[5 * FRAME : 6 * FRAME])
    assert len(part.ciphertext) == 6 * STRIDE
    assert codec.open(KEY, 6 * FRAME, [part.ciphertext, second.finish().ciphertext]) == PLAIN[: 6 * FRAME]


def test_an_epoch_that_was_not_raised_is_refused():
    sealer = Sealer(KEY, 4)
    sealer.update(b"begun")
    tail = sealer.tail()
    for epoch in (3, 4):
        with pytest.raises(ValueError, match="epoch"):
            Sealer.resume(KEY, epoch, tail, tail_epoch=4, offset=5)


@pytest.mark.parametrize("end", [Sealer.tail, Sealer.finish, Sealer.close])
@pytest.mark.parametrize("after", [Sealer.tail, Sealer.finish, lambda sealer: sealer.update(b"more")])
def test_nothing_follows_the_end(end, after):
    sealer = Sealer(KEY, 0)
    sealer.update(b"some")
    end(sealer)
    with pytest.raises(RuntimeError):
        after(sealer)


def test_closing_twice_does_nothing():
    sealer = Sealer(KEY, 0)
    sealer.close()
    sealer.close()


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": -1},
        {"epoch": 2**64},
        {"next_seq": 0},
        {"next_seq": 2**32 - 1},
        {"remainder": bytes(FRAME)},
        {"frames": bytes(STRIDE - 1), "next_seq": 2},
        {"frames": bytes(2 * STRIDE), "next_seq": 2},
        {"part_frames": 0},
    ],
)
def test_a_state_no_sealer_leaves_behind_is_refused(state):
    with pytest.raises(ValueError):
        Sealer(KEY, **{"epoch": 0, **state})


def test_frames_that_cannot_be_numbered_are_refused_before_they_are_sealed():
    sealer = Sealer(KEY, 0, next_seq=2**32 - 3)
    sealer.update(bytes(FRAME))
    with pytest.raises(SealedError, match="numbered"):
        sealer.update(bytes(FRAME))
    assert len(sealer.finish().ciphertext) == STRIDE + 40


def test_a_small_file_does_not_cost_a_whole_part():
    sealer = Sealer(KEY, 0, part_frames=10_000)
    sealer.update(PLAIN[: 3 * FRAME])
    assert len(sealer._buffer) < 100 * STRIDE


@given(st.binary(max_size=3 * FRAME), st.integers(0, 2**63))
def test_a_tail_gives_back_frames_and_remainder(plain, epoch):
    sealer = Sealer(KEY, epoch)
    sealer.update(plain)
    frames, remainder = open_tail(KEY, epoch, sealer.tail(), len(plain))
    whole = len(plain) // FRAME
    assert (len(frames), remainder) == (whole * STRIDE, plain[whole * FRAME :])


def tail_of(plain, epoch=1):
    sealer = Sealer(KEY, epoch)
    sealer.update(plain)
    return bytes(sealer.tail())


def test_every_flipped_byte_of_a_tail_is_refused():
    plain = PLAIN[: 2 * FRAME + 5]
    tail = tail_of(plain)
    for at in range(len(tail)):
        with pytest.raises(SealedError):
            open_tail(KEY, 1, tail[:at] + bytes([tail[at] ^ 1]) + tail[at + 1 :], len(plain))


def test_a_tail_of_another_time_place_or_upload_is_refused():
    plain = PLAIN[: 2 * FRAME + 5]
    other_key = derive(DataKey(bytes(32)), bytes(range(32)), FRAME)
    other_message = derive(DataKey(bytes(range(32))), bytes(32), FRAME)
    for key, epoch, offset in [
        (KEY, 0, len(plain)),
        (KEY, 2, len(plain)),
        (KEY, 1, len(plain) + FRAME),
        (KEY, 1, len(plain) - 1),
        (other_key, 1, len(plain)),
        (other_message, 1, len(plain)),
    ]:
        with pytest.raises(SealedError):
            open_tail(key, epoch, tail_of(plain), offset)


def test_frames_of_an_abandoned_attempt_do_not_pass_for_the_committed_ones():
    abandoned, committed = tail_of(PLAIN[: FRAME + 5], 1), tail_of(PLAIN[9 : FRAME + 14], 2)
    mixed = committed[:40] + abandoned[40 : 40 + STRIDE] + committed[40 + STRIDE :]
    with pytest.raises(SealedError):
        open_tail(KEY, 2, mixed, FRAME + 5)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_arbitrary_bytes_are_no_tail(data, offset):
    with pytest.raises(SealedError):
        open_tail(KEY, 0, data, offset)


@pytest.mark.parametrize(
    ("frames", "remainder", "offset"),
    [(b"", b"abc", 2), (bytes(STRIDE), b"", 0), (bytes(STRIDE - 1), b"", FRAME)],
)
def test_pieces_that_do_not_fit_the_offset_make_no_tail(frames, remainder, offset):
    with pytest.raises(ValueError):
        seal_tail(KEY, 0, frames, remainder, offset)
