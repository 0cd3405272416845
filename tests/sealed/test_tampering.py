"""Nothing but the sealed bytes themselves, all of them and in their order, opens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.sealed import DataKey, EncryptedDataKey, Opener, SealedError, build_header, derive, open_header

FRAME = 16
STRIDE = FRAME + 32
CONTEXT = {"file": "f-1", "vault": "v-1"}
DATA_KEY = DataKey(bytes(range(32)))
MESSAGE_ID = bytes(range(50, 82))
KEY = derive(DATA_KEY, MESSAGE_ID, FRAME)
PLAIN = bytes(range(3 * FRAME + 5))
PLAIN_BYTES = len(PLAIN)


@pytest.fixture(scope="module")
def body(codec):
    return codec.seal(KEY, [PLAIN])


@pytest.fixture(scope="module")
def header():
    edk = EncryptedDataKey.from_kms("arn:aws:kms:eu-west-1:111122223333:key/one", b"\x01\x02" * 20)
    return build_header(DATA_KEY, MESSAGE_ID, CONTEXT, [edk], FRAME)


def opens(body, plain_bytes=PLAIN_BYTES, key=KEY):
    opener = Opener(key, plain_bytes)
    pieces = opener.update(body)
    opener.finish()
    return b"".join(pieces)


def flipped(data, at, bit=0x01):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@pytest.mark.parametrize("bit", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_of_the_body_is_refused(body, bit):
    assert opens(body) == PLAIN
    for at in range(len(body)):
        with pytest.raises(SealedError):
            opens(flipped(body, at, bit))


@pytest.mark.parametrize("bit", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_of_the_header_is_refused(header, bit):
    assert open_header(header, DATA_KEY, CONTEXT).message_id == MESSAGE_ID
    for at in range(len(header)):
        with pytest.raises(SealedError):
            open_header(flipped(header, at, bit), DATA_KEY, CONTEXT)


def test_every_truncation_of_body_and_header_is_refused(body, header):
    for stop in range(len(body)):
        with pytest.raises(SealedError):
            opens(body[:stop])
    for stop in range(len(header)):
        with pytest.raises(SealedError):
            open_header(header[:stop], DATA_KEY, CONTEXT)


def test_a_body_cut_at_a_frame_does_not_open_as_a_shorter_file(body):
    for frames in range(4):
        with pytest.raises(SealedError):
            opens(body[: frames * STRIDE], frames * FRAME)


def test_trailing_bytes_are_refused(body, header):
    with pytest.raises(SealedError):
        opens(body + b"\0")
    with pytest.raises(SealedError):
        opens(body + body[-45:])
    with pytest.raises(SealedError):
        open_header(header + b"\0", DATA_KEY, CONTEXT)


def test_trailing_bytes_in_a_later_chunk_are_refused(body):
    opener = Opener(KEY, len(PLAIN))
    assert b"".join(opener.update(body)) == PLAIN
    with pytest.raises(SealedError):
        opener.update(b"x")
    with pytest.raises(SealedError):
        opener.finish()


@given(st.permutations(range(4)))
def test_frames_open_only_in_their_order(codec, order):
    body = codec.seal(KEY, [PLAIN])
    frames = [body[at : at + STRIDE] for at in range(0, len(body), STRIDE)]
    moved = b"".join(frames[index] for index in order)
    if order == [0, 1, 2, 3]:
        assert opens(moved) == PLAIN
        return
    with pytest.raises(SealedError):
        opens(moved)


@given(st.integers(0, 3))
def test_a_dropped_or_doubled_frame_is_refused(codec, at):
    body = codec.seal(KEY, [PLAIN])
    frames = [body[start : start + STRIDE] for start in range(0, len(body), STRIDE)]
    for wrong in (frames[:at] + frames[at + 1 :], frames[: at + 1] + frames[at:]):
        with pytest.raises(SealedError):
            opens(b"".join(wrong))


@given(st.integers(0, 6 * FRAME))
def test_another_size_than_the_sealed_one_is_refused(codec, size):
    body = codec.seal(KEY, [PLAIN])
    if size == len(PLAIN):
        assert opens(body, size) == PLAIN
        return
    with pytest.raises(SealedError):
        opens(body, size)


def test_a_frame_of_another_message_is_refused(codec, body):
    other = codec.seal(derive(DATA_KEY, bytes(32), FRAME), [PLAIN])
    for at in range(0, len(body), STRIDE):
        with pytest.raises(SealedError):
            opens(body[:at] + other[at : at + STRIDE] + body[at + STRIDE :])


def test_another_frame_length_is_refused(body):
    with pytest.raises(SealedError):
        opens(body, key=derive(DATA_KEY, MESSAGE_ID, FRAME + 1))


def test_a_regular_frame_posing_as_final_is_refused(codec):
    body = codec.seal(KEY, [PLAIN[:FRAME]])
    posing = b"\xff" * 4 + body[:4] + body[4:16] + FRAME.to_bytes(4) + body[16:STRIDE]
    with pytest.raises(SealedError):
        opens(posing, FRAME)


def test_after_a_bad_frame_nothing_more_is_opened(codec, body):
    opener = Opener(KEY, len(PLAIN))
    with pytest.raises(SealedError):
        opener.update(flipped(body, 20)[:STRIDE])
    with pytest.raises(SealedError):
        opener.update(body)
    with pytest.raises(SealedError):
        opener.finish()


def test_a_range_read_refuses_more_frames_than_it_asked_for(body):
    opener = Opener(KEY, len(PLAIN), 0, FRAME - 1)
    with pytest.raises(SealedError):
        opener.update(body[: 2 * STRIDE])


def test_a_range_read_refuses_frames_of_another_place(body):
    opener = Opener(KEY, len(PLAIN), FRAME, 2 * FRAME - 1)
    with pytest.raises(SealedError):
        opener.update(body[:STRIDE])


def test_no_error_shows_plaintext_or_key(body, header):
    for wrong in (flipped(body, 20), body[:-1], body + b"x"):
        with pytest.raises(SealedError) as refused:
            opens(wrong)
        assert refused.value.__cause__ is None
        assert repr(DATA_KEY.reveal())[2:-1] not in str(refused.value)
        assert str(refused.value).isprintable()
