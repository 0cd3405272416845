"""The stock AWS Encryption SDK opens what we write, and we open what it writes, to the byte."""

from itertools import pairwise

import pytest

from vaultstream.sealed import DataKey, Opener, Sealer, body_size, build_header, derive, open_header, parse_header

CONTEXT = {"vault": "v-1", "file": "f-2", "version": "x-3"}
DATA_KEY = DataKey(bytes(range(32)))
MESSAGE_ID = bytes(range(100, 132))
FRAME = 128
SIZES = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 7]


def plain_of(size: int) -> bytes:
    return bytes((index * 7 + index // 256) % 256 for index in range(size))


def our_header(official, context=CONTEXT, frame_bytes=FRAME) -> bytes:
    edk = official.wrap(DATA_KEY, context, bytes(12))
    return build_header(DATA_KEY, MESSAGE_ID, context, [edk], frame_bytes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame_bytes", [1, 100, FRAME, 65_536])
def test_the_official_reader_opens_what_we_write(official, codec, size, frame_bytes):
    plain = plain_of(size)
    body = codec.seal(derive(DATA_KEY, MESSAGE_ID, frame_bytes), [plain])
    assert official.read(our_header(official, frame_bytes=frame_bytes) + body, CONTEXT) == plain


def test_the_official_reader_opens_a_message_of_several_full_frames(official, codec):
    plain = plain_of(3 * 65_536 + 1)
    body = codec.seal(derive(DATA_KEY, MESSAGE_ID), [plain])
    assert official.read(our_header(official, frame_bytes=65_536) + body, CONTEXT) == plain


def test_the_official_reader_opens_a_message_without_context(official, codec):
    body = codec.seal(derive(DATA_KEY, MESSAGE_ID, FRAME), [b"plain"])
    assert official.read(our_header(official, {}) + body, {}) == b"plain"


@pytest.mark.parametrize("size", SIZES)
def test_the_official_reader_opens_an_upload_resumed_in_later_epochs(official, size):
    plain, frame_key = plain_of(size), derive(DATA_KEY, MESSAGE_ID, FRAME)
    cuts = [0, size // 3, size // 2, size]
    sealer = Sealer(frame_key, 0)
    for epoch, (start, stop) in enumerate(pairwise(cuts), 1):
        offset = sealer.offset
        sealer = Sealer.resume(frame_key, epoch, sealer.tail(), tail_epoch=epoch - 1, offset=offset)
        sealer.update(plain[start:stop])
    assert official.read(our_header(official) + sealer.finish().ciphertext, CONTEXT) == plain


def test_the_official_reader_opens_the_largest_epoch(official, codec):
    frame_key = derive(DATA_KEY, MESSAGE_ID, FRAME)
    body = codec.seal(frame_key, [plain_of(300)], epoch=2**64 - 1)
    assert official.read(our_header(official) + body, CONTEXT) == plain_of(300)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame_bytes", [FRAME, 1_024, 65_536])
@pytest.mark.parametrize("context", [CONTEXT, {}, {"clé": "naïve ☂"}], ids=["ascii", "empty", "unicode"])
def test_we_open_what_the_official_writer_writes(official, codec, size, frame_bytes, context):
    plain = plain_of(size)
    message = official.write(plain, context, frame_bytes)
    header_bytes = len(message) - body_size(size, frame_bytes)
    header, body = codec.split(message, header_bytes)
    frame_key = open_header(message[:header_bytes], official.unwrap(header), context)
    assert header.frame_bytes == frame_bytes
    assert codec.open(frame_key, size, [body]) == plain


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame_bytes", [FRAME, 65_536])
def test_our_bytes_are_the_official_bytes_for_the_same_keys(official, codec, size, frame_bytes):
    plain = plain_of(size)
    message = official.write(plain, CONTEXT, frame_bytes)
    header = parse_header(message[: len(message) - body_size(size, frame_bytes)])
    data_key = official.unwrap(header)
    ours = build_header(data_key, header.message_id, header.context, header.edks, frame_bytes)
    ours += codec.seal(derive(data_key, header.message_id, frame_bytes), [plain])
    assert ours == message


def test_ranges_of_an_official_message_equal_slices(official):
    plain = plain_of(5 * FRAME)
    message = official.write(plain, CONTEXT, FRAME)
    header_bytes = len(message) - body_size(len(plain), FRAME)
    header = parse_header(message[:header_bytes])
    frame_key = open_header(message[:header_bytes], official.unwrap(header), CONTEXT)
    for first, last in [(0, 0), (127, 128), (130, 500), (511, 639), (639, 639)]:
        opener = Opener(frame_key, len(plain), first, last)
        pieces = opener.update(message[header_bytes + opener.body_start : header_bytes + opener.body_stop])
        opener.finish()
        assert b"".join(pieces) == plain[first : last + 1]
