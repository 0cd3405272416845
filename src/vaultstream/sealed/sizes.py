"""Arithmetic of sealed files: plaintext size to body size and back, byte ranges to frames, frames to S3 parts."""

from typing import Final, NamedTuple

from vaultstream.sealed.format import (
    FINAL_OVERHEAD_BYTES,
    FRAME_BYTES,
    MAX_SEQ,
    REGULAR_OVERHEAD_BYTES,
    SealedError,
)

PART_FRAMES: Final = 128
"""Whole frames in an S3 part as the rule: 8,392,704 bytes."""

MIN_PART_FRAMES: Final = 80
"""The fewest whole frames that reach S3's least part size of 5 MiB: 5,245,440 bytes."""

MAX_PARTS: Final = 10_000
"""S3's limit for one multipart upload."""


class FrameSpan(NamedTuple):
    """Frames (counted from 0, both ends included) and the body bytes `body_start <= i < body_stop` they fill."""

    first_frame: int
    last_frame: int
    body_start: int
    body_stop: int


def body_size(plain_bytes: int, frame_bytes: int = FRAME_BYTES) -> int:
    """Bytes of the sealed body of `plain_bytes` of plaintext, as this project writes it.

    Raises SealedError for a negative size, or one that needs more frames than can be numbered.
    """
    whole, rest = divmod(plain_bytes, frame_bytes)
    if plain_bytes < 0 or whole >= MAX_SEQ:
        raise SealedError("the size is outside what the sealed format can number")
    return whole * (frame_bytes + REGULAR_OVERHEAD_BYTES) + FINAL_OVERHEAD_BYTES + rest


def plain_size(body_bytes: int, frame_bytes: int = FRAME_BYTES) -> int:
    """Plaintext bytes inside a body of `body_bytes`; the reverse of `body_size`.

    An exact multiple of the frame length has two lawful bodies: with an empty final frame (ours) and with a
    full one. Raises SealedError for a size that no lawful writer makes.
    """
    whole, rest = divmod(body_bytes - FINAL_OVERHEAD_BYTES, frame_bytes + REGULAR_OVERHEAD_BYTES)
    if not 0 <= whole < MAX_SEQ or rest > frame_bytes:
        raise SealedError("no sealed body has this size")
    return whole * frame_bytes + rest


def frame_span(
    first_byte: int, last_byte_inclusive: int, plain_bytes: int, frame_bytes: int = FRAME_BYTES
) -> FrameSpan:
    """The frames that hold a byte range, and where they lie in the body.

    A range that touches the last regular frame of an exact multiple takes the final frame along, so that the
    end is authenticated and either form of it can be read. Raises ValueError for a range outside the file.
    """
    if not 0 <= first_byte <= last_byte_inclusive < plain_bytes:
        raise ValueError("the byte range is not inside the file")
    final_frame = plain_bytes // frame_bytes
    last_frame = last_byte_inclusive // frame_bytes
    if plain_bytes % frame_bytes == 0 and last_frame == final_frame - 1:
        last_frame = final_frame
    first_frame = first_byte // frame_bytes
    stride = frame_bytes + REGULAR_OVERHEAD_BYTES
    reaches_end = last_frame == final_frame
    body_stop = body_size(plain_bytes, frame_bytes) if reaches_end else (last_frame + 1) * stride
    return FrameSpan(first_frame, last_frame, first_frame * stride, body_stop)


def whole_span(plain_bytes: int, frame_bytes: int = FRAME_BYTES) -> FrameSpan:
    """All frames of a file, which an empty file has too."""
    return FrameSpan(0, plain_bytes // frame_bytes, 0, body_size(plain_bytes, frame_bytes))


def part_frames(plain_bytes: int | None) -> int:
    """Whole frames per S3 part for a file of this size; None where the length is not yet known.

    128, and more where 10,000 parts would not suffice. An upload of unknown length gets 128 too, which ends
    at `MAX_PARTS` parts (78 GiB): ask again with the known length at the request that brings it.
    """
    if plain_bytes is None:
        return PART_FRAMES
    frames_with_final = plain_bytes // FRAME_BYTES + 1
    return max(PART_FRAMES, -(-frames_with_final // MAX_PARTS))
