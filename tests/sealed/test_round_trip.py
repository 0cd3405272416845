"""What is sealed in any chunking opens in any chunking, whole or in ranges, to the same bytes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultstream.sealed import DataKey, Opener, SealedError, Sealer, body_size, derive

FRAME = 16
KEY = derive(DataKey(bytes(range(32))), bytes(range(32)), FRAME)
plains = st.one_of(
    st.binary(max_size=6 * FRAME),
    st.builds(
        lambda frames, off: bytes(range(256))[: max(0, frames * FRAME + off)],
        st.integers(0, 6),
        st.integers(-1, 1),
    ),
)


def cut(data, draw, pieces_max=6):
    """`data` in up to `pieces_max` + 1 chunks, empty ones among them."""
    marks = sorted(draw(st.lists(st.integers(0, len(data)), max_size=pieces_max)))
    return [data[start:stop] for start, stop in pairwise([0, *marks, len(data)])]


@given(st.data(), plains, st.integers(0, 2**64 - 1), st.integers(1, 4))
@settings(max_examples=300)
def test_any_chunking_of_any_size_comes_back(codec, data, plain, epoch, part_frames):
    body = codec.seal(KEY, cut(plain, data.draw), epoch, part_frames)
    assert len(body) == body_size(len(plain), FRAME)
    assert codec.open(KEY, len(plain), cut(body, data.draw)) == plain


@given(st.data(), plains)
def test_the_chunking_leaves_no_trace_in_the_body(codec, data, plain):
    assert codec.seal(KEY, cut(plain, data.draw)) == codec.seal(KEY, [plain])


@given(st.data(), plains.filter(len))
@settings(max_examples=300)
def test_a_range_read_equals_the_slice(codec, data, plain):
    first = data.draw(st.integers(0, len(plain) - 1))
    last = data.draw(st.integers(first, len(plain) - 1))
    body = codec.seal(KEY, [plain])
    opener = Opener(KEY, len(plain), first, last)
    wanted = body[opener.body_start : opener.body_stop]
    pieces = [piece for chunk in cut(wanted, data.draw) for piece in opener.update(chunk)]
    opener.finish()
    assert b"".join(pieces) == plain[first : last + 1]


@given(st.integers(1, 5), st.data())
def test_a_full_final_frame_is_read_as_well_as_an_empty_one(codec, frames, data):
    plain = bytes(range(frames * FRAME))
    body = full_final(plain)
    assert len(body) == body_size(len(plain), FRAME) - 32
    assert codec.open(KEY, len(plain), cut(body, data.draw)) == plain
    first = data.draw(st.integers(0, len(plain) - 1))
    last = data.draw(st.integers(first, len(plain) - 1))
    opener = Opener(KEY, len(plain), first, last)
    pieces = opener.update(body[opener.body_start : opener.body_stop])
    opener.finish()
    assert b"".join(pieces) == plain[first : last + 1]


def full_final(plain):
    """An exact multiple sealed the other lawful way, which this project never writes itself."""
    regular = Sealer(KEY, 0, part_frames=1)
    parts = [part.ciphertext for part in regular.update(plain[:-FRAME])]
    number = len(plain) // FRAME
    iv = bytes(8) + number.to_bytes(4)
    aad = KEY.message_id + b"AWSKMSEncryptionClient Final Frame" + number.to_bytes(4) + FRAME.to_bytes(8)
    sealed = KEY.frames.encrypt(iv, plain[-FRAME:], aad)
    final = b"\xff" * 4 + number.to_bytes(4) + iv + FRAME.to_bytes(4) + sealed
    return b"".join(parts) + final


def test_plaintext_leaves_as_soon_as_its_frame_is_whole(codec):
    plain = bytes(range(2 * FRAME + 3))
    body = codec.seal(KEY, [plain])
    opener = Opener(KEY, len(plain))
    given_at = {at + 1: piece for at, byte in enumerate(body) for piece in opener.update(bytes([byte]))}
    assert given_at == {48: plain[:16], 96: plain[16:32], len(body): plain[32:]}


def test_the_real_frame_length_round_trips_over_several_parts(codec):
    frame_key = derive(DataKey(bytes(32)), bytes(32))
    plain = bytes(range(256)) * 256 * 5 + b"rest"
    body = codec.seal(frame_key, [plain[:70_000], plain[70_000:]], 3, part_frames=2)
    assert codec.open(frame_key, len(plain), [body[:100_000], body[100_000:]]) == plain


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_input_is_taken(codec, kind):
    body = codec.seal(KEY, [kind(b"some plaintext")])
    assert codec.open(KEY, 14, [kind(body)]) == b"some plaintext"


def test_an_opener_wants_a_range_inside_the_file():
    with pytest.raises(ValueError):
        Opener(KEY, 10, 3, 10)
    with pytest.raises(ValueError):
        Opener(KEY, 10, 10)


def test_a_size_that_cannot_be_sealed_has_no_opener():
    with pytest.raises(SealedError):
        Opener(KEY, -1)
